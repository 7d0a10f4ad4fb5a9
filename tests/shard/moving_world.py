"""Some shards of one shop in one thread: a router follows each line, and messages are carried when told to."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from parcours.channel import Accepted, NotSent
from parcours.config import Settings
from parcours.core.effect import Outgoing
from parcours.core.fact import Fact
from parcours.core.fact_block import decode_facts
from parcours.core.identity import SlotMap
from parcours.core.profile import Identity, Profile
from parcours.journey.project import Project
from parcours.segment.person import route
from parcours.shard.messages import Again, Batch, LineOutcome
from parcours.shard.requests import ExchangeDeliveries
from parcours.shard.shard import Shard
from parcours.shard.standing_still import standings
from parcours.shard.turns import at_once
from parcours.store.memory import MemoryStore

HOPS_MAX = 8
"""A line that goes to and fro more often than this is lost."""


def name_in(shard: int, shards: int, base: str) -> str:
    """A name that lives in this shard."""
    owners = SlotMap(shards)
    return next(name for number in range(10_000) if owners.shard(name := f"{base}{number}") == shard)


@dataclass
class MovingWorld:
    """
    shards    how many
    messages  how many messages have been handed in
    """

    project: Project
    shards: int = 2
    settings: Settings = field(default_factory=Settings)
    now_ms: int = 1_000_000
    messages: int = 0

    def __post_init__(self) -> None:
        self.slot_map = SlotMap(self.shards)
        self.stores = [self.store() for _ in range(self.shards)]
        self.each = [self._shard(number) for number in range(self.shards)]
        self._batches = [0] * self.shards
        self._requests = 0

    def store(self) -> MemoryStore:
        return MemoryStore()

    def _shard(self, number: int) -> Shard:
        shard = Shard(
            number, self.slot_map, self.project.program, self.stores[number], self.settings, project=self.project
        )
        shard.open(self.now_ms)
        return shard

    def reopen(self, number: int) -> None:
        """The shard's process has ended: all but its store is lost, and it opens again."""
        self.each[number] = self._shard(number)

    def shard_of(self, name: str) -> Shard:
        return self.each[self.slot_map.shard(name)]

    # Lines

    def say(self, message_id: str | None = None, **call: object) -> LineOutcome | None:
        """Hand a line in, and follow it; None if it has to come later."""
        self.messages += 1
        line = msgspec.json.encode({"messageId": message_id or f"m{self.messages}", **call})
        slot = route(line, self.project.program, self.settings, self.slot_map)
        to, again = self.slot_map.owner(slot), list[Again]()
        for _ in range(HOPS_MAX):
            self._batches[to] += 1
            batch = Batch(f"router {self.messages}", 1, [self.messages], [line], again=again)
            answer = self.each[to].take(batch, self.now_ms)
            if not answer.deferred:
                return LineOutcome(answer.outcomes[0])
            (told,) = answer.deferred
            if told.verdict == "later":
                return None
            to = self.slot_map.shard(told.owner or told.name)
            again = [Again(told.name, told.owner)]
        raise AssertionError(f"{call} finds nobody")

    def track(self, name: str, event: str, **properties: object) -> LineOutcome | None:
        return self.say(None, type="track", event=event, properties={"cart": "c1", **properties}, **ids(name))

    def identify(self, user: str, anonymous: str | None = None, **traits: object) -> LineOutcome | None:
        linked = {} if anonymous is None else {"anonymousId": anonymous.removeprefix("@anonymous/")}
        return self.say(type="identify", userId=user, traits=traits, **linked)

    # Messages between shards

    def carry(self, sender: int, to: int) -> bool:
        """Carry what the sender has for the other shard, and the answer back; whether there was anything."""
        batch = self.each[sender].exchanging.batch(to)
        if batch is None:
            return False
        answer = at_once(self.each[to].exchanging.taking(batch, self.now_ms))
        self.each[sender].exchanging.answered(to, answer, self.now_ms)
        return True

    def settle(self) -> None:
        """Carry messages until there are none."""
        pairs = [(one, other) for one in range(self.shards) for other in range(self.shards) if one != other]
        while sum(self.carry(*pair) for pair in pairs):
            pass

    # Time and deliveries

    def pass_ms(self, duration_ms: int) -> None:
        self.now_ms += duration_ms
        for shard in self.each:
            shard.pass_time(self.now_ms)

    def claim(self, channel: str = "email", by: str = "dispatcher", most: int = 100) -> list[tuple[int, int, Outgoing]]:
        """Claim what is ready, of each shard at most so many: (shard, number of the request, delivery)."""
        found = []
        for number, shard in enumerate(self.each):
            self._requests += 1
            claims = shard.exchange(ExchangeDeliveries([], channel, most, by, self._requests, None), self.now_ms)
            found += [(number, self._requests, each) for each in claims.outgoing]
        return found

    def answer(self, claimed: tuple[int, int, Outgoing], *, sent: bool = True, by: str = "dispatcher") -> None:
        """The dispatcher answers for what it had claimed."""
        number, request, outgoing = claimed
        receipt = Accepted(outgoing.key) if sent else NotSent(outgoing.key, "busy", tried=True)
        self._requests += 1
        self.each[number].exchange(
            ExchangeDeliveries([(request, receipt)], outgoing.channel, 0, by, self._requests, None), self.now_ms
        )

    # Looking in

    def profile(self, name: str) -> Profile:
        return self.shard_of(name).profile(name) or Profile()

    def identity(self, name: str) -> Identity:
        return self.profile(name).identity or Identity()

    def facts(self) -> list[Fact]:
        """All that the journals hold, shard by shard."""
        records = [record for store in self.stores for record in store.records()]
        return [fact for record in records for fact in decode_facts(record.facts, "a record")]

    def standing_still(self) -> int:
        """How many wait for an answer about somebody who is to be merged into them."""
        return sum(len(standings(shard._slots.own.profiles)) for shard in self.each)


def ids(name: str) -> dict[str, object]:
    """The ids of a call that is written under the name."""
    if name.startswith("@anonymous/"):
        return {"anonymousId": name.removeprefix("@anonymous/")}
    return {"userId": name}
