"""A door: a driver that is attached to the engine in its cluster, takes lines, and may keep the engine besides.

Whichever comes first opens the engine; the others attach to it.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence

from parcours.errors import ParcoursError, ShardUnavailable
from parcours.journey.project import Project
from parcours.routing.ports import ShardPort
from parcours.service.attached_host import AttachedHost
from parcours.service.keeper_desk import KeeperDesk
from parcours.testing.faults.nodes.observed import NodesPlan
from parcours.testing.faults.processes.driver import Desk, Life
from parcours.testing.faults.processes.frames import frame
from parcours.testing.faults.processes.project import SETTINGS, SHARDS


async def serve(life: Life, project: Project) -> None:
    """Attach, and serve until told to stop."""
    from parcours.runtime.cluster.attaching import keep  # Ray is imported where it runs only

    channels = {"email": dict(project.channels["email"])}
    plan = NodesPlan(project, SHARDS, life.store, channels, settings=SETTINGS, ledger=str(life.ledger))
    reader, writer = await asyncio.open_unix_connection(life.socket)
    writer.write(frame({"began": os.getpid()}))
    try:
        host = AttachedHost(keep(life.cluster, plan, KeeperDesk), project)
        await host.start()
    except (ParcoursError, OSError) as error:
        logging.getLogger("parcours").warning("did not start: %s", error)
        return
    writer.write(frame({"opened": os.getpid()}))
    await _DoorDesk(host, plan, writer).serve(reader)
    await host.turn_away()
    await host.stop()


class _DoorDesk(Desk):
    def __init__(self, host: AttachedHost, plan: NodesPlan, writer: asyncio.StreamWriter) -> None:
        super().__init__(writer)
        self._host = host
        self._plan = plan
        self._second: KeeperDesk | None = None

    @property
    def _ports(self) -> Sequence[ShardPort]:
        return self._host.ports

    async def take(self, lines: list[bytes]) -> dict[int, str]:
        """Hand lines in; the reason of each that is rejected, by its place."""
        return dict((await self._host.route(lines, are_reports=False)).rejected)

    async def take_over(self, _: None) -> None:
        """Keep the engine here from now on, whoever keeps it now."""
        self._second = KeeperDesk(self._plan)
        await self._second.open(again=True)

    async def keeps(self, _: None) -> bool:
        """Whether the engine is kept here still."""
        try:
            return self._second is not None and await self._second.call("plan") is not None
        except ShardUnavailable:
            return False

    async def troubles(self, _: None) -> list[str]:
        return await self._host.troubles()

    async def end_engine(self, _: None) -> None:
        """For everybody."""
        await self._host.end_engine()
