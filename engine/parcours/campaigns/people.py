"""A campaign's people, who live in shards: columns of everybody, parts for those of a set, and what became of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from functools import partial
from itertools import islice
from typing import Final, TypeVar

from parcours.core.campaign_outcomes import Outcome, OutcomeAsked
from parcours.core.identity import SlotMap
from parcours.routing.ports import ShardPort, until_answered
from parcours.routing.scans import collect, end
from parcours.shard.campaign_requests import Part, Tried
from parcours.shard.requests import AwaitScan, ForgetSlices, MakeKnown, SaveMembers, TakeParts, TellOutcomes, TryParts
from parcours.shard.scans import Scan, StageAsked

SLICE_PEOPLE: Final = 5_000
"""People of a set who are handed to one shard at once."""

T = TypeVar("T")


class People:
    """Those of all shards, under virtual time: whoever drives it holds everybody at the instant that is meant.

    slice_people  how many people a shard looks at in one call
    """

    def __init__(self, ports: Sequence[ShardPort], slot_map: SlotMap, slice_people: int) -> None:
        self._ports = ports
        self._slot_map = slot_map
        self._slice_people = slice_people

    async def columns(self, campaign: str, run: int, stage: int, at: int) -> AsyncIterator[list[tuple[str, bytes]]]:
        """What each shard tells of its people for a stage, as of an instant: slices, in no order."""
        name = f"{campaign}/{run}/{stage}"
        scan = Scan(name, at, StageAsked(campaign, stage))
        for port in self._ports:
            await until_answered(partial(port.ask, AwaitScan(None, scan)))
        for port in self._ports:
            async for rows in collect(port, name, self._slice_people):
                yield rows
        await end(self._ports, name)

    async def take(
        self, campaign: str, version: int, run: int, step: str | None, at: int, parts: Iterable[Part]
    ) -> int:
        """Take people to a step of a run, or end their runs, at an instant; returns how many they were."""
        people = 0
        numbers = [0] * len(self._ports)
        for shard, mine in self._by_shard(parts):
            slices = TakeParts(campaign, version, run, step, at, numbers[shard], mine)
            numbers[shard] = await until_answered(partial(self._ports[shard].ask, slices))
            people += len(mine)
        return people

    async def tried(
        self, campaign: str, version: int, step: str, at: int, parts: Iterable[Part]
    ) -> AsyncIterator[Tried]:
        """What would become of deliveries if these people were taken to a send at an instant, slice by slice."""
        for shard, mine in self._by_shard(parts):
            request = TryParts(campaign, version, step, at, mine)
            yield await until_answered(partial(self._ports[shard].ask, request))

    async def make_known(self, save: str, at: int, names: Iterable[str]) -> None:
        """Identify these people, of whom nothing may be known. `save` is what slices are known by."""
        numbers = [0] * len(self._ports)
        for shard, mine in self._by_shard((name,) for name in names):
            slices = MakeKnown(save, at, numbers[shard], [name for (name,) in mine])
            numbers[shard] = await until_answered(partial(self._ports[shard].ask, slices))

    async def save(
        self, save: str, audience: str, at: int, entered: Iterable[str], left: Iterable[str], *, silent: bool
    ) -> None:
        """Let these people enter a saved audience, and those leave it, at an instant."""
        numbers = [0] * len(self._ports)
        changes = [*((name, False) for name in left), *((name, True) for name in entered)]
        for shard, mine in self._by_shard((name, inside) for name, inside in changes):
            gone, new = ([name for name, inside in mine if inside is wanted] for wanted in (False, True))
            slices = SaveMembers(save, audience, silent, at, numbers[shard], new, gone)
            numbers[shard] = await until_answered(partial(self._ports[shard].ask, slices))

    async def outcomes(
        self, campaign: str, run: int, at: int, asked: OutcomeAsked, people: Iterable[str]
    ) -> AsyncIterator[tuple[str, Outcome]]:
        """What has become of people by an instant, in no order."""
        for shard, mine in self._by_shard((name,) for name in people):
            names = [name for (name,) in mine]
            request = TellOutcomes(campaign, run, at, asked, names)
            for told in zip(names, await until_answered(partial(self._ports[shard].ask, request)), strict=True):
                yield told

    async def forget(self, campaign: str, run: int) -> None:
        """A run is over."""
        for port in self._ports:
            await until_answered(partial(port.ask, ForgetSlices(campaign, run)))

    def _by_shard(self, each: Iterable[T]) -> Iterable[tuple[int, list[T]]]:
        """Slices of what begins with a name, each of one shard, in the order in which they come."""
        rest = iter(each)
        while slice_ := list(islice(rest, SLICE_PEOPLE)):
            shards: dict[int, list[T]] = {}
            for one in slice_:
                shards.setdefault(self._slot_map.shard(one[0]), []).append(one)  # type: ignore[index]
            yield from sorted(shards.items())
