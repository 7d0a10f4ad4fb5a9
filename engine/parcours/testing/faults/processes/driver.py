"""The driver: the process in which the engine is opened, and which serves the client until it is killed.

On the runtime `local` it is everything; on Ray its supervisor and its router live here. It is forked from one that has
imported everything already, because it dies hundreds of times (launcher.py).
"""

from __future__ import annotations

import asyncio
import logging
import os
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from parcours.errors import ParcoursError
from parcours.journey.project import Project
from parcours.routing.ports import ShardPort
from parcours.routing.router import Router
from parcours.runtime.local import LocalRuntime
from parcours.shard.requests import GetProfile, GetStatus, GetTotals, ListDeadLetters
from parcours.testing.faults.processes.frames import frame, read_frame
from parcours.testing.faults.processes.ledger import LedgerPlan
from parcours.testing.faults.processes.project import SETTINGS, SHARDS

RuntimeName = Literal["local", "ray", "nodes"]
"""On `nodes` a driver is one of several that are attached to an engine in a cluster (testing/faults/nodes/)."""


@dataclass(frozen=True, slots=True)
class Life:
    """How a driver is to live.

    store   the address of the store
    socket  where the harness listens
    log     where its log goes
    cluster where the cluster is, if there is one already
    """

    number: int
    runtime: RuntimeName
    project: Path
    store: str
    ledger: Path
    socket: Path
    log: Path
    cluster: str = ""


def live(life: Life, project: Project) -> None:
    """Open the engine and serve until told to stop."""
    logging.basicConfig(filename=life.log, level=logging.INFO, format="%(asctime)s %(process)d %(message)s", force=True)
    logging.getLogger("parcours").setLevel(logging.WARNING)
    if life.runtime == "nodes":
        from parcours.testing.faults.nodes.door import serve

        asyncio.run(serve(life, project))
    else:
        asyncio.run(_live(life, project))


async def _live(life: Life, project: Project) -> None:
    channels = {"email": dict(project.channels["email"])}
    plan = LedgerPlan(project, SHARDS, life.store, channels, settings=SETTINGS, ledger=str(life.ledger))
    runtime: Any
    if life.runtime == "local":
        plan.observe()
        runtime = LocalRuntime(plan)
    else:
        from parcours.runtime.cluster.runtime import ClusterRuntime  # Ray is imported where it runs only

        runtime = ClusterRuntime(plan)
    reader, writer = await asyncio.open_unix_connection(life.socket)
    writer.write(frame({"began": os.getpid()}))
    try:
        await runtime.start()
    except ParcoursError as error:
        logging.getLogger("parcours").warning("did not start: %s", error)
        await runtime.stop()
        return
    router = Router(f"router-{life.number}", runtime.ports, project.program, SETTINGS)
    writer.write(frame({"opened": os.getpid()}))
    await _EngineDesk(life.runtime, runtime, router, writer).serve(reader)
    await router.close()
    await runtime.stop()


class Desk:
    """Answers the harness: a question is the name of a method. `writer` leads to it."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader) -> None:
        """Until it says stop."""
        while True:
            number, question, more = await read_frame(reader)
            if question == "stop":
                return
            task = asyncio.create_task(self._answer(number, question, more))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, number: int, question: str, more: Any) -> None:
        answer: tuple[bool, Any]
        try:
            answer = True, await getattr(self, question)(more)
        except Exception as error:  # noqa: BLE001  # it is the client's
            answer = False, f"{type(error).__name__}: {error}"
        self._writer.write(frame({"answer": (number, *answer)}))

    @property
    @abstractmethod
    def _ports(self) -> Sequence[ShardPort]: ...

    async def status(self, _: None) -> list[Any]:
        return [await port.ask(GetStatus()) for port in self._ports]

    async def end(self, people: list[list[str]]) -> list[Any]:
        """Of each shard whose its names are, with the profiles that lie under them, its totals and its dead letters."""
        ends = []
        for port, names in zip(self._ports, people, strict=True):
            found = {name: await port.ask(GetProfile(name)) for name in names}
            owned = {name: (each.owner, each.profile if each.owner == name else None) for name, each in found.items()}
            ends.append((owned, await port.ask(GetTotals()), await port.ask(ListDeadLetters())))
        return ends


class _EngineDesk(Desk):
    """That of a driver which has the engine to itself."""

    def __init__(self, kind: RuntimeName, runtime: Any, router: Router, writer: asyncio.StreamWriter) -> None:
        super().__init__(writer)
        self._kind = kind
        self._runtime = runtime
        self._router = router

    @property
    def _ports(self) -> Sequence[ShardPort]:
        ports: Sequence[ShardPort] = self._runtime.ports
        return ports

    async def take(self, lines: list[bytes]) -> dict[int, str]:
        """Hand lines in; the reason of each that is rejected, by its place."""
        return dict((await self._router.take(lines)).rejected)

    async def process_ids(self, _: None) -> dict[str, int]:
        return {} if self._kind == "local" else dict(await self._runtime.process_ids())

    async def troubles(self, _: None) -> list[str]:
        return list(await self._runtime.troubles())
