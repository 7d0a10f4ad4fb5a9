"""Sources that a service reads: logs that lie elsewhere, each begun by a call, and ended with the service."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping

from parcours.errors import CallerError
from parcours.journey.project import Project
from parcours.service.engine_host import EngineHost
from parcours.shard.requests import MovePosition, PauseSource
from parcours.source import Source
from parcours.sources.lines import MakeLine, as_it_is
from parcours.sources.opening import sources_of
from parcours.sources.pump import Pump, SourceState
from parcours.wording import nearest, shown_value


class SourceCalls(ABC):
    """Those of a service."""

    _host: EngineHost
    _pumps: dict[str, Pump]

    @abstractmethod
    def _check_open(self) -> None:
        """Raises CallerError unless it is open, on the running loop."""

    async def read_source(self, name: str, source: Source, make: MakeLine = as_it_is) -> None:
        """Read a source from now on, from where the store says that it was read to, until the service is closed.

        Each of its lines is applied once, whatever crashes in between, though it has no message id. Positions are kept
        under the name for good: another source under it goes on at them.
        make  what a message means; without it each is a line of the event format
        Raises CallerError for a name that is no name, or under which a source is read already.
        """
        self._check_open()
        if not name or "/" in name or not name.isprintable():
            raise CallerError(f"name={shown_value(name)}: a source's name is printable, and has no slash in it")
        if name in self._pumps:
            raise CallerError(f"a source {shown_value(name)} is read already")
        pump = self._pumps[name] = Pump(name, source, self._host.way_in(), make)
        pump.start()

    async def read_sources(self, project: Project, environ: Mapping[str, str] | None = None) -> None:
        """Read all sources of a project's sources.yaml from now on.

        environ  where `env:NAME` settings are looked up; the environment of the process, if it is left out
        Raises SettingInvalid for a source that is not installed, or whose settings are wrong, before any is read.
        """
        self._check_open()
        for each in sources_of(project, os.environ if environ is None else environ):
            await self.read_source(each.name, each.source, each.make)

    async def sources(self) -> list[SourceState]:
        """How each source is read by this process."""
        self._check_open()
        return [pump.state() for _, pump in sorted(self._pumps.items())]

    async def pause_source(self, name: str) -> None:
        """Let nobody read on in the source until it is resumed: no other process either, and not after a restart.

        Others hear of it within some seconds; what has been read goes on. May be repeated. Raises CallerError for a
        source that this process does not read.
        """
        await self._set_paused(name, paused=True)

    async def resume_source(self, name: str) -> None:
        """Let everybody read on who reads the source. Raises CallerError for one that this process does not read."""
        await self._set_paused(name, paused=False)

    async def move_source(self, name: str, partition: str, position: int) -> None:
        """Let reading of a partition go on at this position, whoever reads it: the log does not hold its own any more.

        What lies before it is passed over; what lies behind it is applied, though it had been applied before, but for
        lines that are recognised by their ids for a day. May be repeated.

        partition  as the log names it, or as people know it where this process reads it
        Raises CallerError for a partition that has never been read, and for what is no position; ShardUnavailable, and
        some shards may not have heard of it then.
        """
        self._check_open()
        if type(position) is not int or position < 0:
            raise CallerError(f"position={shown_value(position)}: a whole number from 0 on is expected")
        if name in self._pumps:
            partition = self._pumps[name].partition_of(partition)
        if not await self._move(name, partition, position):
            raise CallerError(f"no shard knows a partition {shown_value(partition)} of {shown_value(name)}")

    async def _move(self, name: str, partition: str, position: int) -> bool:
        """Let reading go on there. Whether any shard knows the partition."""
        pump = self._pumps.get(name)
        was_read = pump is not None and await pump.let_go(partition)  # no shard takes what is under way any more then
        request = MovePosition(f"{name}/{partition}", position)
        known = [await port.ask(request) for port in self._host.ports]
        if pump is not None and was_read:
            await pump.begin_anew(partition)
        return any(known)

    async def _set_paused(self, name: str, *, paused: bool) -> None:
        pump = self._pump(name)
        await self._host.ports[0].ask(PauseSource(name, paused))
        await pump.hear()

    def _pump(self, name: str) -> Pump:
        self._check_open()
        if name not in self._pumps:
            raise CallerError(f"no source {shown_value(name)} is read{nearest(name, self._pumps)}")
        return self._pumps[name]

    async def _end_sources(self) -> None:
        """Read no more, and let what is under way be answered."""
        while self._pumps:
            _, pump = self._pumps.popitem()
            await pump.stop()
