"""The client: hands events in all the time, keeps the ledger of what was acknowledged, and hands the rest in again.

Every line has a message id, so it may be handed in again after its driver has died.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any, Final

import msgspec

from parcours.channel import Feedback
from parcours.channel.vocabulary import Reaction
from parcours.segment.reports import feedback_line
from parcours.testing.faults.client import Line
from parcours.testing.faults.plan import CARTS
from parcours.testing.faults.processes.engine import EngineProcesses, Gone, Unavailable
from parcours.testing.faults.processes.project import PEOPLE
from parcours.testing.faults.project import EVENTS

UNDER_WAY_MAX: Final = 8
"""Calls under way at once."""

PAUSE_S: Final = 0.12
"""Longest pause between two calls."""


class Client:
    """One client with a random life of its own, by a seed.

    reacts  whether people react to mails that arrive
    """

    def __init__(self, seed: int, engine: EngineProcesses) -> None:
        self._random = Random(seed)
        self._engine = engine
        self._moments = 0
        self._numbers = 0
        self._last: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.lines: list[Line] = []
        self.reacts = True

    @property
    def under_way(self) -> int:
        return len(self._tasks)

    async def work(self) -> None:
        """Hand events in until cancelled."""
        for person in PEOPLE:
            traits = {"email": f"{person}@people.example"}
            self._start([_line({"type": "identify", "userId": person, "traits": traits}, f"i-{person}")], waits=True)
        while True:
            await asyncio.sleep(PAUSE_S * self._random.random())
            if len(self._tasks) < UNDER_WAY_MAX:
                many = self._random.choice((1, 1, 2, 4))
                self._start([self._event() for _ in range(many)], waits=self._random.random() < 0.5)

    def _event(self) -> Line:
        self._numbers += 1
        call: dict[str, Any] = {"userId": self._random.choice(PEOPLE)}
        if self._random.random() < 0.04:
            call |= {"type": "consent", "channel": "email", "granted": self._random.random() < 0.6}
        else:
            event = self._random.choice((*EVENTS, "Started"))
            properties = {"cart": self._random.choice(CARTS), "number": self._numbers}
            call |= {"type": "track", "event": event, "properties": properties}
        return _line(call, f"m-{self._numbers}")

    def mail_arrived(self, key: str, person: str) -> None:
        """Some people react, and their provider reports it."""
        chance = self._random.random()
        if self.reacts and chance < 0.25:
            reaction: Reaction = "unsubscribed" if chance < 0.01 else "opened" if chance < 0.15 else "delivered"
            data = feedback_line(Feedback(key=key, reaction=reaction))
            if all(line.data != data for line in self.lines):  # a mail may arrive twice
                message_id = msgspec.json.decode(data)["messageId"]
                self._start([Line(data, person, message_id)], waits=False)

    def _start(self, lines: list[Line], *, waits: bool) -> None:
        people = {line.person for line in lines}
        before = {self._last[person] for person in people if person in self._last} if waits else set()
        task = asyncio.create_task(self._hand_in(lines, before))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        for person in people:
            self._last[person] = task
        self.lines += lines

    async def _hand_in(self, lines: list[Line], before: set[asyncio.Task[None]]) -> None:
        if before:
            await asyncio.wait(before)
        self._moments += 1
        for line in lines:
            line.given = self._moments
        while True:
            await self._engine.opened()
            for line in lines:
                line.tries += 1
            try:
                rejected = await self._engine.ask("take", [line.data for line in lines])
            except Gone:
                continue
            except Unavailable:
                await asyncio.sleep(PAUSE_S)
                continue
            self._moments += 1
            for place, line in enumerate(lines):
                line.acked, line.rejected = self._moments, rejected.get(place)
            return


def _line(call: dict[str, Any], message_id: str) -> Line:
    call["messageId"] = message_id
    return Line(msgspec.json.encode(call), call["userId"], message_id)
