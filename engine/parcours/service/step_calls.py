"""Who waits at a step, and what has happened there or on a channel last? Asked of all shards, which go on meanwhile."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from heapq import merge
from operator import itemgetter
from typing import Any, Final

from parcours.core.counted import BY_MACHINE
from parcours.core.fact import DeliveryReached, Fact
from parcours.errors import CallerError
from parcours.routing.ports import ShardPort
from parcours.service.engine_host import EngineHost
from parcours.service.people_calls import check_text
from parcours.service.published import Published
from parcours.shard.messages import Look
from parcours.shard.requests import ListWaiting, NewestOfChannel, NewestOfStep, NoteLook, Request
from parcours.shard.step_requests import WaitingRun
from parcours.wording import shown_value

PAGE: Final = 50
"""Runs that are told at a time."""


@dataclass(frozen=True, slots=True)
class StepWaiting:
    """
    runs       the longest waiting first, of those that were found
    looked_at  how many people were looked at
    whole      whether that was everybody who may wait there; else there may be others who wait for longer
    more       whether more were found than are told
    """

    runs: tuple[WaitingRun, ...]
    looked_at: int
    whole: bool
    more: bool


class StepCalls(ABC):
    """Those of a service."""

    _host: EngineHost
    _control: Published

    @abstractmethod
    def _check_open(self) -> None:
        """Raises CallerError unless it is open, on the running loop."""

    def waiting(
        self, journey: str, step: str, *, skip: int = 0, look: Look | None = None
    ) -> Coroutine[Any, Any, StepWaiting]:
        """Who waits at a step of a journey, in any version of it: 50 runs, after the first `skip` ones.

        look  says who asks, which is recorded as a fact of everybody who is told
        At most `figures.waiting_scan_max` people are looked at. Raises CallerError for a step that there is not;
        ShardUnavailable.
        """
        check_text("journey", journey)
        check_text("step", step)
        _check_skip(skip, self._host.settings.figures.waiting_scan_max)
        return self._waiting(journey, step, skip, look)

    async def _waiting(self, journey: str, step: str, skip: int, look: Look | None) -> StepWaiting:
        self._check_step(journey, step)
        ports, until = self._host.ports, skip + PAGE
        people_max = max(1, self._host.settings.figures.waiting_scan_max // len(ports))
        asked = ListWaiting(journey, step, until + 1, people_max)
        found = await asyncio.gather(*(port.ask(asked) for port in ports))
        each_with_port = [[(run, port) for run in each.runs] for each, port in zip(found, ports, strict=True)]
        merged = list(merge(*each_with_port, key=itemgetter(0)))
        told = merged[skip:until]
        await self._note_looks([(run.person, port) for run, port in told], look)
        return StepWaiting(
            tuple(run for run, _ in told),
            sum(each.looked_at for each in found),
            all(each.whole for each in found),
            len(merged) > until,
        )

    def newest_at_step(self, journey: str, step: str, *, look: Look | None = None) -> Coroutine[Any, Any, list[Fact]]:
        """The newest facts of a step, the newest first. `look` and what is raised are those of `waiting`."""
        check_text("journey", journey)
        check_text("step", step)
        return self._newest_at_step(journey, step, look)

    async def _newest_at_step(self, journey: str, step: str, look: Look | None) -> list[Fact]:
        self._check_step(journey, step)
        return await self._newest([NewestOfStep(journey, step)], self._host.settings.figures.step_facts_max, look)

    def newest_on_channel(self, channel: str, *, look: Look | None = None) -> Coroutine[Any, Any, list[Fact]]:
        """The newest facts of a channel's deliveries, the newest first; none of a channel that nothing left on."""
        check_text("channel", channel)
        return self._newest_deliveries((channel,), None, None, look)

    def newest_deliveries(
        self,
        channels: Sequence[str],
        journey: str | None = None,
        outcome: str | None = None,
        *,
        look: Look | None = None,
    ) -> Coroutine[Any, Any, list[Fact]]:
        """The same of several channels together, as many in all as of one; of one journey, and with one outcome alone.

        An outcome has `machine_` in front where a machine has opened or clicked. Whoever is left out is not looked at.
        """
        for name, value in (("journey", journey), ("outcome", outcome)):
            if value is not None:
                check_text(name, value)
        return self._newest_deliveries(tuple(channels), journey, outcome, look)

    async def _newest_deliveries(
        self, channels: Sequence[str], journey: str | None, outcome: str | None, look: Look | None
    ) -> list[Fact]:
        self._check_open()

        def is_asked_for(fact: Fact) -> bool:
            assert isinstance(fact, DeliveryReached), "rings of channels have nothing else"
            happened = f"{BY_MACHINE}{fact.outcome}" if fact.machine else fact.outcome
            return journey in (None, fact.journey) and outcome in (None, happened)

        asked = [NewestOfChannel(channel) for channel in channels]
        return await self._newest(asked, self._host.settings.figures.channel_facts_max, look, is_asked_for)

    async def _newest(
        self,
        asked: Sequence[Request[list[Fact]]],
        most: int,
        look: Look | None,
        is_asked_for: Callable[[Fact], bool] = lambda fact: True,
    ) -> list[Fact]:
        ports = [port for port in self._host.ports for _ in asked]
        found = await asyncio.gather(*(port.ask(each) for port in self._host.ports for each in asked))
        each_with_port = [
            (fact, port)
            for facts, port in zip(found, ports, strict=True)
            for fact in reversed(facts)
            if is_asked_for(fact)
        ]
        told = sorted(each_with_port, key=lambda each: -each[0].at)[:most]  # of one instant what came last stays first
        await self._note_looks([(fact.person, port) for fact, port in told], look)
        return [fact for fact, _ in told]

    async def _note_looks(self, seen: Sequence[tuple[str, ShardPort]], look: Look | None) -> None:
        """Each person who is told has been looked at once."""
        if look is None:
            return
        people: dict[ShardPort, dict[str, None]] = {}
        for person, port in seen:
            people.setdefault(port, {})[person] = None
        await asyncio.gather(*(port.ask(NoteLook([*names], look)) for port, names in people.items()))

    def _check_step(self, journey: str, step: str) -> None:
        self._check_open()
        versions = [each for each in self._control.current.versions() if each.name == journey]
        if not any(step in each.steps for each in versions):
            raise CallerError(f"there is no step {step!r} in a journey {journey!r} that somebody may go by")


def _check_skip(skip: object, most: int) -> None:
    if isinstance(skip, bool) or not isinstance(skip, int) or not 0 <= skip <= most:
        raise CallerError(f"skip={shown_value(skip)}: a whole number from 0 to {most} is expected")
