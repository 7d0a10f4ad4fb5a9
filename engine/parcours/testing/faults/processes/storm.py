"""A storm: one store, traffic all the time, blows until there were so many kills, then rest, and the verdict."""

from __future__ import annotations

import asyncio
import pickle
import shutil
import tempfile
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Final

from parcours.testing.faults.processes.client import Asked, Client
from parcours.testing.faults.processes.driver import RuntimeName
from parcours.testing.faults.processes.engine import EngineProcesses
from parcours.testing.faults.processes.folders import Folders
from parcours.testing.faults.processes.full_disk import SmallDisk, small_disk
from parcours.testing.faults.processes.injector import Injector
from parcours.testing.faults.processes.judge import LiveEnd, StormEnd, Verdict, judge, names_of
from parcours.testing.faults.processes.kinds import blows
from parcours.testing.faults.processes.mail import MailServer
from parcours.testing.faults.processes.project import SHARDS, write_project
from parcours.testing.faults.processes.rest import come_to_rest, unrest

REST_MAX_S: Final = 120.0
"""How long after the last blow everything has to be at rest: many times what the journeys take."""


@dataclass(frozen=True, slots=True)
class StormOutcome:
    """What a storm came to.

    injected  how often each kind of fault has happened
    kills     how many processes were killed
    storm_s   how long it blew
    rest_s    how long everything took to come to rest
    """

    seed: int
    violations: tuple[str, ...]
    injected: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    storm_s: float = 0.0
    rest_s: float = 0.0
    verdict: Verdict = field(default_factory=Verdict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeOutcome(StormOutcome):
    """The same of one over a runtime.

    is_mounted  whether the disk that was full was one of its own
    """

    runtime: RuntimeName
    is_mounted: bool = False


def storm(seed: int, runtime: RuntimeName, kills: int, keep: Path | None = None) -> RuntimeOutcome:
    """Let a storm blow. If it breaks a promise, what it leaves behind is copied into a folder of `keep`."""
    with tempfile.TemporaryDirectory(prefix="parcours-storm-") as folder:
        folders = Folders(Path(folder))
        with small_disk(folders.disk) as disk:
            try:
                outcome = asyncio.run(_Storm(seed, runtime, kills, folders, disk).blow())
            except Exception as error:  # noqa: BLE001  # of an engine that is broken, or of the harness
                words = "".join(traceback.format_exception(error))
                outcome = RuntimeOutcome(seed, (f"crash: {words}",), runtime=runtime)
            if outcome.violations and keep is not None:
                shutil.copytree(folder, keep / f"{runtime}-{seed}", ignore=shutil.ignore_patterns("harness-*"))
        return outcome


class _Storm:
    def __init__(self, seed: int, runtime: RuntimeName, kills: int, folders: Folders, disk: SmallDisk) -> None:
        self._seed, self._runtime, self._kills = seed, runtime, kills
        self._disk = disk
        self._folders = folders

    async def blow(self) -> RuntimeOutcome:
        folders = self._folders
        folders.ledger.mkdir()
        mail = MailServer(self._seed, lambda key, person: client.mail_arrived(key, person))
        engine = EngineProcesses(self._runtime, folders)
        client = Client(self._seed, engine)
        injector = Injector(engine, self._disk, client.log_in)
        begun = monotonic()
        try:
            await mail.start()
            write_project(folders.project, mail.port)
            await engine.start()
            await engine.opened()
            working = asyncio.create_task(client.work())
            await injector.strike(blows(self._seed, self._runtime, self._kills))
            storm_s = monotonic() - begun
            working.cancel()
            mail.calm_down()
            statuses, rest_s = await come_to_rest(engine, client, REST_MAX_S)
            ends = await ends_of(engine, client)
            await engine.stop()
            await mail.stop()
        finally:
            await engine.close()
        end = StormEnd(client.lines, mail.attempts, ends, engine.starts, injector.killed_ns)
        folders.end.write_bytes(pickle.dumps(end))
        verdict = judge(folders, end)
        violations = [*verdict.violations, *unrest(statuses, client)]
        return RuntimeOutcome(
            self._seed, tuple(violations), injector.injected + mail.injected, injector.kills, storm_s, rest_s, verdict,
            runtime=self._runtime, is_mounted=self._disk.is_mounted,
        )  # fmt: skip


async def ends_of(engine: Asked, client: Client) -> list[LiveEnd]:
    """The shards at the end, as they are alive."""
    told = await engine.ask("end", [names_of(shard, client.names) for shard in range(SHARDS)])
    return [LiveEnd(*each) for each in told]


def judge_again(kept: Path) -> Verdict:
    """Judge a storm that was kept, from a copy: to open a store changes it."""
    with tempfile.TemporaryDirectory(prefix="parcours-storm-") as folder:
        folders = Folders(Path(folder) / "kept")
        shutil.copytree(kept, folders.root)
        end: StormEnd = pickle.loads(folders.end.read_bytes())
        return judge(folders, end)
