"""What happens at a step or on a channel: who waits there, and the newest facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from parcours.core.fact import Fact
from parcours.core.totals import Totals
from parcours.shard.messages import FactsAfter
from parcours.shard.request import Request

if TYPE_CHECKING:
    from parcours.shard.host import ShardHost


class WaitingRun(msgspec.Struct, frozen=True, array_like=True, order=True):
    """A run that stands at a step. They are ordered by how long they have been there.

    until   when it goes on at the latest, as far as that is known
    parked  why it stands still for good, None if it does not
    """

    since: int
    person: str
    run: int
    version: int
    until: int | None = None
    parked: str | None = None


class WaitingFound(msgspec.Struct, frozen=True, array_like=True):
    """
    runs       the longest waiting first
    looked_at  how many people were looked at
    whole      whether that was everybody who may wait there
    """

    runs: list[WaitingRun]
    looked_at: int
    whole: bool


class ListWaiting(Request[WaitingFound], frozen=True, tag="waiting"):
    """Who waits at a step of a journey, of any version? The shard goes on meanwhile.

    most        how many runs are told
    people_max  how many people are looked at
    """

    journey: str
    step: str
    most: int
    people_max: int

    async def put_to(self, host: ShardHost) -> WaitingFound:
        return await host.steps.waiting(self)


class NewestFacts(Request[FactsAfter], frozen=True, tag="newest_facts"):
    """The facts above number `after`, of the `newest_facts_max` newest ones."""

    after: int

    async def put_to(self, host: ShardHost) -> FactsAfter:
        return host.steps.newest_facts(self.after)


class NewestOfStep(Request[list[Fact]], frozen=True, tag="newest_of_step"):
    """The newest facts of a step, as far as the shard has them at hand."""

    journey: str
    step: str

    async def put_to(self, host: ShardHost) -> list[Fact]:
        return host.steps.newest_of_step(self.journey, self.step)


class NewestOfChannel(Request[list[Fact]], frozen=True, tag="newest_of_channel"):
    """The same of a channel's deliveries."""

    channel: str

    async def put_to(self, host: ShardHost) -> list[Fact]:
        return host.steps.newest_of_channel(self.channel)


class CountersChanged(msgspec.Struct, frozen=True, array_like=True):
    """
    epoch   of the shard; the number means something together with it
    number  to ask with for what changes next
    totals  steps, ways and deliveries whose counters have changed, as they are now
    whole   those are all that there are: whatever was known of the shard before counts no more
    """

    epoch: int
    number: int
    totals: Totals
    whole: bool


class GetChangedCounters(Request[CountersChanged], frozen=True, tag="changed_counters"):
    """Which counters of steps, ways and deliveries have changed after this number of this epoch?

    Costs as much as there is that has changed, and looks at nobody.
    """

    epoch: int
    after: int

    async def put_to(self, host: ShardHost) -> CountersChanged:
        return host.steps.counters_changed(self.epoch, self.after)
