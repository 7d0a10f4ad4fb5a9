"""A double of shards between which people move: they defer lines as the world is told, and take what comes again."""

from __future__ import annotations

import asyncio
import random
from typing import overload

import msgspec

from parcours.core.identity import SlotMap
from parcours.errors import ShardUnavailable
from parcours.shard.deferrals import Deferrals
from parcours.shard.messages import Answer, Batch, LineOutcome, Status, Verdict
from parcours.shard.requests import GetStatus, TakeBatch


class People:
    """Where people are, and what has been applied, in order.

    owner_of  who has a name
    busy      whoever stands still, and names that are on their way back
    """

    def __init__(self, shards: int) -> None:
        self.shard = SlotMap(shards).shard
        self.owner_of: dict[str, str] = {}
        self.busy: set[str] = set()
        self.applied: list[bytes] = []


class MovingShard:
    """One shard. `chance` loses answers and requests, delays calls and forgets routers, if it is given."""

    def __init__(self, people: People, chance: random.Random | None = None, names_max: int = 1_000) -> None:
        self.people, self.chance, self.names_max = people, chance, names_max
        self.batches: list[Batch] = []
        self.asked_s: list[float] = []
        self._taken: dict[str, int] = {}
        self._waiting: dict[str, dict[str, int]] = {}
        self._answers: dict[tuple[str, int], Answer] = {}

    @overload
    async def ask(self, request: TakeBatch, /) -> Answer: ...
    @overload
    async def ask(self, request: GetStatus, /) -> Status: ...
    async def ask(self, request: TakeBatch | GetStatus, /) -> Answer | Status:
        if isinstance(request, GetStatus):
            return Status(0, 0, None, {}, 0, 0, {}, {})
        self.asked_s.append(asyncio.get_running_loop().time())
        if self.chance is None:
            return self._take(request.batch)
        await asyncio.sleep(self.chance.random() * 0.02)
        if self.chance.random() < 0.1:
            raise ShardUnavailable
        answer = self._take(request.batch)
        await asyncio.sleep(self.chance.random() * 0.02)
        if self.chance.random() < 0.1:
            raise ShardUnavailable
        return answer

    def forget(self) -> None:
        """What is known of routers is gone."""
        self._taken.clear()
        self._waiting.clear()
        self._answers.clear()

    def waiting(self) -> dict[str, int]:
        """All names that are deferred."""
        return {name: line for each in self._waiting.values() for name, line in each.items()}

    def _take(self, batch: Batch) -> Answer:
        if known := self._answers.get((batch.router, batch.number)):
            return known
        if batch.number != self._taken.get(batch.router, 0) + 1:
            return Answer(batch.number, expected=self._taken.get(batch.router, 0) + 1)
        self.batches.append(batch)
        deferrals = Deferrals(self._waiting.get(batch.router, {}), batch, self.names_max)
        outcomes, reasons = bytearray(len(batch.lines)), []
        for place, line in enumerate(batch.lines):
            said = msgspec.json.decode(line)
            name: str = said["userId"]
            owner = batch.again[place].owner if place < len(batch.again) else None
            if place < len(batch.again):
                assert batch.again[place].name == name
            verdict, to = self._judge(name, owner)
            if verdict is None and deferrals.has_to_wait(place, name):
                verdict = "later"
            if verdict is not None:
                deferrals.defer(place, name, verdict, to)
                continue
            if said["note"] == "bad":
                outcomes[place] = LineOutcome.REJECTED
                reasons.append(f"bad {line.decode()}")
            else:
                outcomes[place] = LineOutcome.DUPLICATE if said["note"] == "duplicate" else LineOutcome.ACCEPTED
            self.people.applied.append(line)
        self._taken[batch.router] = batch.number
        self._waiting[batch.router] = deferrals.waiting
        answer = Answer(batch.number, bytes(outcomes), reasons, deferred=deferrals.deferred)
        self._answers[batch.router, batch.number] = answer
        return answer

    def _judge(self, name: str, owner: str | None) -> tuple[Verdict | None, str | None]:
        people = self.people
        if (owner or name) in people.busy:
            return "later", None
        if owner is None:
            return ("moved", people.owner_of[name]) if name in people.owner_of else (None, None)
        return (None, None) if people.owner_of.get(name) == owner else ("back", None)
