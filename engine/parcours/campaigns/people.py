"""A campaign's people, who live in shards: columns of everybody, parts for those of a set, and what became of them.

Sets keep the names that people had when they were made. A shard says whose name has moved to another one, and there she
is found by her own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from types import MappingProxyType
from typing import Final, TypeAlias, TypeVar

from parcours.core.campaign_outcomes import Outcome, OutcomeAsked
from parcours.core.effect import Outgoing
from parcours.core.identity import SlotMap
from parcours.routing.ports import REPEAT_PAUSE_S, ShardPort, until_answered
from parcours.routing.scans import Rows, collect_held, end
from parcours.shard.campaign_requests import Away, ComposeCopies, Part, SeedAddress, Taken, Tried
from parcours.shard.request import Request
from parcours.shard.requests import (
    ForgetSlices,
    LetSave,
    MakeKnown,
    StageMembers,
    TakeParts,
    TellOutcomes,
    TryParts,
)
from parcours.shard.saving import AGAIN
from parcours.shard.scans import Scan

SLICE_PEOPLE: Final = 2_000
"""People of a set who are handed to all shards at once: some tens of milliseconds of each."""

EARLY_PAUSE_S: Final = 0.05
"""Pause before a shard is asked again whose time has not passed an instant."""

NO_SEEDS: Final[Mapping[str, tuple[SeedAddress, ...]]] = MappingProxyType({})

SLICE_SPAN_MS: Final = 60_000
"""The people of one slice are due within so long: whoever comes much later is handed over later."""

T = TypeVar("T")
A = TypeVar("A")

Of: TypeAlias = tuple[str, T]
"""A name, and what is said of her."""


class People:
    """Those of all shards, under virtual time: whoever drives it holds everybody at the instant that is meant.

    slice_people  how many people a shard looks at in one call
    """

    def __init__(self, ports: Sequence[ShardPort], slot_map: SlotMap, slice_people: int) -> None:
        self._ports = ports
        self._slot_map = slot_map
        self._slice_people = slice_people

    async def columns(self, scan: Scan) -> AsyncIterator[Rows]:
        """What each shard tells of its people for a scan: slices, in no order. Raises ScanGone."""
        async for rows in collect_held(self._ports, scan, self._slice_people):
            yield rows

    async def pause(self, seconds: float) -> None:
        """Wait for what another run does."""
        await asyncio.sleep(seconds)

    async def end_scan(self, name: str) -> None:
        """Nobody asks for what the scan has taken any more."""
        await end(self._ports, name)

    # Taking people along

    async def take(
        self,
        campaign: str,
        version: int,
        run: int,
        step: str | None,
        at: int,
        parts: Iterable[Part],
        seeds: Mapping[str, tuple[SeedAddress, ...]] = NO_SEEDS,
        *,
        cut: bool = False,
        part: int | None = None,
        again: bool = False,
    ) -> None:
        """Take people to a step of a run, or end their runs. To do so once more changes nothing.

        seeds  by name, the addresses that get a copy of what she is sent
        cut    their runs end before their time
        part   of a split, the one that they fell into
        again  slices may not be what they were before, since somebody is missing: no number tells who has been taken
        """

        def slice_of(number: int, mine: Sequence[Of[Part]]) -> TakeParts:
            taken = [(name, *part[1:]) for name, part in mine]
            theirs = {name: seeds[part[0]] for name, part in mine if part[0] in seeds} if seeds else {}
            return TakeParts(campaign, version, run, step, at, number, taken, theirs, cut, self.since(), part)

        what = f"{campaign}/{run}/{step or ''}"
        await self._hand_over(what, ((part[0], part) for part in parts), slice_of, lambda part: part[1], again=again)

    async def make_known(self, save: str, at: int, names: Iterable[str], *, again: bool = False) -> None:
        """Identify these people, of whom nothing may be known. `save` is what slices are known by."""

        def slice_of(number: int, mine: Sequence[Of[None]]) -> MakeKnown:
            return MakeKnown(save, at, number, [name for name, _ in mine], self.since())

        await self._hand_over(save, ((name, None) for name in names), slice_of, lambda _: at, again=again)

    def since(self) -> int:
        """Whoever was forgotten at this instant (ms) or later is in no slice; under virtual time nobody is."""
        return 0

    async def _hand_over(
        self,
        what: str,
        people: Iterable[Of[T]],
        slice_of: Callable[[int, Sequence[Of[T]]], Request[Taken]],
        due_of: Callable[[T], int],
        *,
        again: bool,
    ) -> None:
        """Hand over slices, each to its shard once. What lies before the last one that a shard has had is left out.

        what  for whom: the run, and its step
        """
        numbers, had = [0] * len(self._ports), [0] * len(self._ports)

        async def hand_over(shard: int, mine: Sequence[Of[T]], number: int = AGAIN) -> Sequence[Away]:
            taken = await self._ask(shard, slice_of(number, mine))
            assert taken.next > number, "a shard has had every slice before this one"
            had[shard] = max(had[shard], taken.next)
            return taken.away

        for shard, mine in self._dealt(_due_together(people, due_of)):
            number, numbers[shard] = numbers[shard], numbers[shard] + 1
            if again or number >= had[shard] - 1:
                await self.room(what, shard, due_of(mine[0][1]), len(mine))
                await self._follow(mine, await hand_over(shard, mine, AGAIN if again else number), hand_over)

    async def room(self, what: str, shard: int, due: int, people: int) -> None:
        """Return when a slice of a hand-over may be handed to a shard that is due from this instant on."""

    async def _follow(
        self,
        mine: Sequence[Of[T]],
        away: Sequence[Away],
        ask: Callable[[int, Sequence[Of[T]]], Awaitable[Sequence[Away]]],
    ) -> None:
        """Ask for those of a slice who are away where their names have moved to, until all have been found."""
        while away:
            if not any(each.owner for each in away):
                await asyncio.sleep(REPEAT_PAUSE_S)
            named = [(each.owner or mine[each.place][0], mine[each.place][1]) for each in away]
            still: list[tuple[Of[T], str]] = []
            for shard, found in self._by_shard(named):
                still += [(found[each.place], each.owner) for each in await ask(shard, found)]
            mine, away = [one for one, _ in still], [Away(place, owner) for place, (_, owner) in enumerate(still)]

    async def tried(
        self, campaign: str, version: int, step: str, at: int, parts: Iterable[Part]
    ) -> AsyncIterator[Tried]:
        """What would become of deliveries if these people were taken to a send at an instant, slice by slice."""
        for shard, mine in self._by_shard((part[0], part) for part in parts):
            found: list[Tried] = []

            async def try_(shard: int, mine: Sequence[Of[Part]], found: list[Tried] = found) -> Sequence[Away]:
                named = [(name, *part[1:]) for name, part in mine]
                found.append(await self._ask(shard, TryParts(campaign, version, step, at, named)))
                return found[-1].away

            await self._follow(mine, await try_(shard, mine), try_)
            for each in found:
                yield each

    async def copies(
        self,
        campaign: str,
        version: int,
        step: str,
        at: int,
        person: str,
        row: Mapping[str, object],
        seeds: tuple[SeedAddress, ...],
    ) -> list[Outgoing]:
        """What would go to these addresses with a person's data if she were taken to a send at an instant."""
        while True:
            request = ComposeCopies(campaign, version, step, at, person, dict(row), seeds)
            composed = await self._ask(self._slot_map.shard(person), request)
            if composed.owner is None:
                return composed.copies
            person = composed.owner or person
            if not composed.owner:
                await asyncio.sleep(REPEAT_PAUSE_S)

    # Saves

    async def save(
        self,
        save: str,
        audience: str,
        at: int,
        entered: Iterable[str],
        left: Iterable[str],
        *,
        silent: bool,
        again: bool = False,
    ) -> int:
        """Let these people enter a saved audience, and those leave it, at one instant; returns the instant."""
        await self.stage(save, entered, left, again=again)
        for port in self._ports:
            await until_answered(partial(port.ask, LetSave(None, save, audience, silent, at)))
        return at

    async def stage(self, save: str, entered: Iterable[str], left: Iterable[str], *, again: bool) -> None:
        """Tell shards who enters and who leaves an audience once it holds. `again` is as for `take`."""
        numbers = [0] * len(self._ports)
        everybody = chain(((name, False) for name in left), ((name, True) for name in entered))
        rest: list[tuple[Of[bool], str]] = []

        async def tell(shard: int, mine: Sequence[Of[bool]], number: int = AGAIN) -> Sequence[Away]:
            inside = [name for name, enters in mine if enters]
            outside = [name for name, enters in mine if not enters]
            in_order = sorted(range(len(mine)), key=lambda place: not mine[place][1])
            taken = await self._ask(shard, StageMembers(save, number, inside, outside, self.since()))
            return [Away(in_order[each.place], each.owner) for each in taken.away]

        for shard, mine in self._by_shard(everybody):
            away = await tell(shard, mine, AGAIN if again else numbers[shard])
            numbers[shard] += 1
            rest += [(mine[each.place], each.owner) for each in away]
        await self._follow([one for one, _ in rest], [Away(at, owner) for at, (_, owner) in enumerate(rest)], tell)

    # Outcomes

    async def outcomes(
        self, campaign: str, run: int, at: int, asked: OutcomeAsked, people: Iterable[str]
    ) -> AsyncIterator[tuple[str, Outcome]]:
        """What has become of people by an instant, by the names that were asked for, in no order."""
        for shard, mine in self._by_shard((name, name) for name in people):
            found: list[tuple[str, Outcome]] = []

            async def tell(
                shard: int, mine: Sequence[Of[str]], found: list[tuple[str, Outcome]] = found
            ) -> Sequence[Away]:
                request = TellOutcomes(campaign, run, at, asked, [name for name, _ in mine])
                become = await self._ask(shard, request)
                while become.early:
                    await asyncio.sleep(EARLY_PAUSE_S)
                    become = await self._ask(shard, request)
                told = zip(mine, become.outcomes, strict=True)
                found += [(name, outcome) for (_, name), outcome in told if outcome is not None]
                return become.away

            await self._follow(mine, await tell(shard, mine), tell)
            for each in found:
                yield each

    async def forget(self, campaign: str, run: int) -> None:
        """A run is over."""
        for port in self._ports:
            await until_answered(partial(port.ask, ForgetSlices(campaign, run)))

    async def _ask(self, shard: int, request: Request[A]) -> A:
        """The answer of a shard."""
        return await until_answered(partial(self._ports[shard].ask, request))

    def _by_shard(self, people: Iterable[Of[T]]) -> Iterable[tuple[int, list[Of[T]]]]:
        """Slices, each of one shard, in the order in which they come."""
        rest = iter(people)
        return self._dealt(iter(lambda: list(islice(rest, SLICE_PEOPLE)), []))

    def _dealt(self, slices: Iterable[Sequence[Of[T]]]) -> Iterable[tuple[int, list[Of[T]]]]:
        for slice_ in slices:
            shards: dict[int, list[Of[T]]] = {}
            for one in slice_:
                shards.setdefault(self._slot_map.shard(one[0]), []).append(one)
            yield from sorted(shards.items(), key=lambda pair: pair[0])


def _due_together(people: Iterable[Of[T]], due_of: Callable[[T], int]) -> Iterator[list[Of[T]]]:
    """Slices of those who are due at about the same time, in the order in which they come."""
    slice_: list[Of[T]] = []
    first = 0
    for one in people:
        due = due_of(one[1])
        if slice_ and (len(slice_) == SLICE_PEOPLE or due - first > SLICE_SPAN_MS):
            yield slice_
            slice_ = []
        if not slice_:
            first = due
        slice_.append(one)
    if slice_:
        yield slice_
