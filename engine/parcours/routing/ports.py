"""How does one part of the engine reach a shard? The same calls in one process and across processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from parcours.channel import Receipt
from parcours.core.fact import Fact
from parcours.core.profile import Profile
from parcours.journey.publish.publications import Publications
from parcours.shard.messages import Answer, Batch, Claims, Holding, Reading, Recalled, Status


class ShardPort(Protocol):
    """One shard, wherever it runs. A call raises ShardUnavailable where the shard cannot be reached now;
    whether such a call was carried out is not known, so every call may be made again.
    """

    async def take(self, batch: Batch) -> Answer: ...

    async def pass_time(self, now_ms: int) -> None:
        """Under virtual time only: a live shard wakes itself."""

    async def claim(self, channel: str, most: int, by: str) -> Claims: ...

    async def settle(self, receipts: Sequence[Receipt]) -> None: ...

    async def read(self, reading: Reading) -> None: ...

    async def members(self, audience: str, at: int) -> list[str]: ...

    async def profile(self, person: str) -> Profile | None:
        """Everything known of a person, None if nothing is."""

    async def recall(self, person: str, after: int, through: int | None) -> Recalled:
        """A slice of what the journal tells of a person: above record `after`, up to `through`.

        The first question has no `through`, and the answer names it: what is committed meanwhile belongs to a
        later question, so whoever asks comes to an end.
        """

    async def status(self) -> Status: ...

    async def collect_facts(self) -> list[Fact]: ...


class LifePort(ShardPort, Protocol):
    """A shard, for whoever changes what is published."""

    async def holding(self) -> Holding:
        """What the shard has published."""

    async def hold(self) -> Holding:
        """Stand still, durably, until `publish` or `release`: what is told last is the shard's time until then."""

    async def release(self) -> None:
        """Nothing changes after all."""

    async def publish(self, publications: Publications) -> None:
        """This is published from its ledger's time on; what is no news changes nothing. The shard goes on."""

    async def runs(self) -> list[tuple[str, int, int]]:
        """(journey, version, open runs in it) of each version that anybody goes by; 0 where only ended runs do."""


async def newest(ports: Sequence[LifePort]) -> Publications:
    """What is published by the word of the shard that knows best: a change may have reached some of them only."""
    holdings = [await port.holding() for port in ports]
    return max(holdings, key=lambda each: (each.publications.ledger.number, not each.fresh)).publications
