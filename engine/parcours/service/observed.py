"""What can be seen of a running service without asking about anybody: settings, figures, what is published."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from parcours.arguments import check_timeout
from parcours.background import in_thread
from parcours.config import Settings
from parcours.dispatch.channel_state import ChannelState
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.journey.publish.document_text import version_texts
from parcours.journey.publish.ledger import Ledger
from parcours.routing.plan import Links
from parcours.service.engine_host import EngineHost
from parcours.service.figures import EngineFigures
from parcours.service.host import CLOSE_PATIENCE_S
from parcours.service.live_counts import LiveCounts
from parcours.service.live_report import LiveReport, live_report
from parcours.service.published import Published
from parcours.sources.pump import Pump

DRAIN_POLL_S = 0.01
"""How often `drain` looks whether everything has settled."""


class Observed(ABC):
    """The part of a service for whoever looks after it."""

    _host: EngineHost
    _control: Published
    _pumps: dict[str, Pump]

    @abstractmethod
    def _is_open(self) -> bool:
        """Whether it has been started and not been closed."""

    @abstractmethod
    def _check_open(self) -> None:
        """Raises CallerError unless it is open, on the running loop."""

    @property
    def settings(self) -> Settings:
        """Those with which the service was opened."""
        return self._host.settings

    @property
    def was_running(self) -> bool:
        """Whether the engine ran in a cluster already, and the service is attached to it as it is."""
        return self._host.was_running

    @property
    def keeps(self) -> bool:
        """Whether it keeps its engine itself, so that to look at it asks no other process."""
        return self._host.keeps

    @property
    def links(self) -> Links | None:
        """The addresses of a door that what leaves carries, as the engine was opened with; None if it carries none."""
        return self._host.links

    @property
    def records(self) -> Sequence[str]:
        """The channels that only record what would be sent."""
        return self._host.records

    @property
    def program(self) -> Program:
        """What is published now."""
        return self._control.current

    @property
    def opened_with(self) -> Project:
        """The project as it was when the service was opened; its folder may hold another one by now."""
        return self._control.opened_with

    async def published_project(self) -> Project:
        """What is published now, compiled anew as a project of its own: without settings of channels."""
        published = await self._control.project_in_force()
        return await in_thread(lambda: Project.from_json(published.to_json()))

    def waiting_lines(self) -> int:
        """How many lines have been handed in, by whomever, that no shard has answered yet."""
        return self._host.waiting_lines()

    def now_ms(self) -> int:
        """The time by the engine's clock, in ms since 1970."""
        return self._host.now_ms()

    async def unready(self) -> list[str]:
        """Why no traffic should come here now, a sentence each: shards that do not answer, no room on the disk."""
        if not self._is_open():
            return ["the engine is not open"]
        return await self._host.unready()

    async def report(self) -> LiveReport:
        """What journeys, campaigns, channels and gates have come to, by what shards count and runs of campaigns tell.

        Raises ShardUnavailable where a shard does not answer now.
        """
        self._check_open()
        program = self._control.current
        standing = await self._host.standing(sorted(program.conducted_names()))
        runs = {name: each.runs for name, each in standing.items()}
        return await live_report(
            self._host.ports, self._control.publications.ledger, program, self._host.settings, runs,
            self._host.now_ms(),
        )  # fmt: skip

    def live_counts(self) -> LiveCounts:
        """What shards count right now, for whoever looks again and again: that costs as much as has changed."""
        self._check_open()
        return LiveCounts(lambda: self._host.ports, self._control, self._host.settings)

    @property
    def ledger(self) -> Ledger:
        """What is published now: of each journey its state and versions, and the number of the newest change."""
        return self._control.publications.ledger

    async def documents_of(self, journey: str, version: int) -> dict[str, str]:
        """What a version of a journey says, as YAML by the path of each document; nothing of one that is not kept.

        These are the values that an author has written: comments and the order of keys are not kept.
        """
        return await in_thread(version_texts, self._control.publications, journey, version)

    @property
    def store_folder(self) -> Path | None:
        """Where the store lies, None if it lies in memory."""
        return self._host.store_folder

    async def drain(self, timeout_s: float | None = None) -> None:
        """Return when everything accepted is applied and nothing queued can leave now.

        Deliveries that wait for another attempt do not count, nor do timers of the future. Raises TimeoutError, which
        says what is outstanding and which troubles there are.
        """
        check_timeout("timeout_s", timeout_s)
        self._check_open()
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    if not await self._host.outstanding():
                        return
                    await asyncio.sleep(DRAIN_POLL_S)
        except TimeoutError:
            raise TimeoutError(f"not everything has settled within {timeout_s} s: {await self._why()}") from None

    async def _why(self) -> str:
        """What is outstanding and in trouble, as far as there are answers."""
        said: list[str] = []
        try:
            async with asyncio.timeout(CLOSE_PATIENCE_S):
                said += await self._host.outstanding()
                said += await self._host.troubles()
        except TimeoutError:
            said.append("the shards or the channels do not answer")
        return "; ".join(said) or "it has settled just now"

    async def figures(self) -> EngineFigures:
        """What the engine counts and measures: one call a shard, and nobody is looked at."""
        self._check_open()
        figures, sources = await self._host.figures(), [pump.state() for pump in self._pumps.values()]
        troubles = figures.troubles + len(self._troubles_of_sources())
        return replace(figures, sources=tuple(sources), troubles=troubles)

    async def channel_states(self) -> list[ChannelState]:
        """Where each channel stands on which the engine delivers; none of one that only records.

        One with several dispatchers stands as that of them that stands worst.

        Raises ShardUnavailable while nobody keeps the engine.
        """
        self._check_open()
        return await self._host.channel_states()

    async def troubles(self) -> list[str]:
        """What is not in order now, a sentence each: a channel that does not start, a shard that does not come back.

        Each is also logged as a warning when it begins, by the logger `parcours`.
        """
        self._check_open()
        return [*await self._host.troubles(), *self._troubles_of_sources()]

    def _troubles_of_sources(self) -> list[str]:
        return [trouble for pump in self._pumps.values() for trouble in pump.troubles()]
