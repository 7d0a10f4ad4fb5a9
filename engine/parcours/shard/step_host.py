"""The part of a shard's host that tells what happens at a step: it changes nothing, and lets others go on meanwhile.

There is no index of who waits where, only a count for each slot (waiting.py). The people of a slot are looked through
by the bytes that they are stored as: whoever waits at a step has its name among them, and nobody else is decoded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from heapq import nsmallest
from itertools import islice
from typing import Final

from parcours.core.fact import Fact
from parcours.core.profile import decode_profile
from parcours.core.totals import Totals
from parcours.core.waits import goes_on_ms
from parcours.shard.messages import FactsAfter
from parcours.shard.shard import Shard
from parcours.shard.step_requests import CountersChanged, ListWaiting, WaitingFound, WaitingRun

SLICE_PEOPLE: Final = 500
"""People looked through in one go: 5 ms if all of them wait there, and far less if few do."""


class StepHost:
    """Of one shard."""

    def __init__(self, shard: Shard) -> None:
        self._shard = shard
        self._one = asyncio.Lock()

    async def waiting(self, asked: ListWaiting) -> WaitingFound:
        """Those who wait at a step, as far as they are found. One question is answered at a time."""
        async with self._one:
            return await self._find(asked)

    async def _find(self, asked: ListWaiting) -> WaitingFound:
        found: list[WaitingRun] = []
        looked_at = 0
        for slot in self._slots_with(asked):
            people = self._shard.census.by_name(slot)
            room = asked.people_max - looked_at
            for part in _slices(people[:room]):
                found = nsmallest(asked.most, [*found, *_waiting(part, asked)])
                looked_at += len(part)
                await asyncio.sleep(0)
            if len(people) > room:
                return WaitingFound(found, looked_at, whole=False)
        return WaitingFound(found, looked_at, whole=True)

    def _slots_with(self, asked: ListWaiting) -> list[int]:
        counts = self._shard.totals.waiting
        return [] if counts is None else counts.slots_with(asked.journey, asked.step)

    def counters_changed(self, epoch: int, after: int) -> CountersChanged:
        ours = self._shard.commits.epoch
        number, totals = self._shard.totals.changed(after if epoch == ours else None)
        if epoch != ours:
            totals = Totals(steps=totals.steps, ways=totals.ways, deliveries=totals.deliveries)
        return CountersChanged(ours, number, totals, epoch != ours)

    def newest_facts(self, after: int) -> FactsAfter:
        return self._shard.totals.newest(after)

    def newest_of_step(self, journey: str, step: str) -> list[Fact]:
        return self._shard.totals.rings.of_step(journey, step)

    def newest_of_channel(self, channel: str) -> list[Fact]:
        return self._shard.totals.rings.of_channel(channel)


def _slices(people: list[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    rest = iter(people)
    while part := list(islice(rest, SLICE_PEOPLE)):
        yield part


def _waiting(people: list[tuple[str, bytes]], asked: ListWaiting) -> Iterator[WaitingRun]:
    journey, step = asked.journey.encode(), asked.step.encode()
    for person, data in people:
        if step not in data or journey not in data:
            continue
        profile = decode_profile(data)
        for run in profile.runs:
            if (run.journey, run.step) == (asked.journey, asked.step):
                since = run.entered_at if run.since is None else run.since
                until = goes_on_ms(run, profile)
                yield WaitingRun(since, person, run.number, run.version, until, run.parked)
