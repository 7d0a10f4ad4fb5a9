"""A storm: one store, traffic all the time, blows until there were so many kills, then rest, and the verdict."""

from __future__ import annotations

import asyncio
import pickle
import shutil
import tempfile
import traceback
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Final

from parcours.shard.messages import Status
from parcours.testing.faults.processes.client import Client
from parcours.testing.faults.processes.driver import RuntimeName
from parcours.testing.faults.processes.engine import EngineProcesses, Gone, Unavailable
from parcours.testing.faults.processes.folders import Folders
from parcours.testing.faults.processes.full_disk import SmallDisk, small_disk
from parcours.testing.faults.processes.injector import Injector
from parcours.testing.faults.processes.judge import LiveEnd, StormEnd, Verdict, judge, names_of
from parcours.testing.faults.processes.kinds import blows
from parcours.testing.faults.processes.mail import MailServer
from parcours.testing.faults.processes.project import SHARDS, write_project

REST_MAX_S: Final = 120.0
"""How long after the last blow everything has to be at rest: many times what the journeys take."""

LOOK_EVERY_S: Final = 0.25

LATER_MS: Final = 86_400_000
"""Nothing in the journeys takes so long."""


@dataclass(frozen=True, slots=True)
class StormOutcome:
    """What a storm came to.

    injected   how often each kind of fault has happened
    kills      how many processes were killed
    storm_s    how long it blew
    rest_s     how long everything took to come to rest
    is_mounted whether the disk that was full was one of its own
    """

    seed: int
    runtime: RuntimeName
    violations: tuple[str, ...]
    injected: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    starts: int = 0
    storm_s: float = 0.0
    rest_s: float = 0.0
    is_mounted: bool = False
    verdict: Verdict = field(default_factory=Verdict)


def storm(seed: int, runtime: RuntimeName, kills: int, keep: Path | None = None) -> StormOutcome:
    """Let a storm blow. If it breaks a promise, what it leaves behind is copied into a folder of `keep`."""
    with tempfile.TemporaryDirectory(prefix="parcours-storm-") as folder:
        folders = Folders(Path(folder))
        with small_disk(folders.disk) as disk:
            try:
                outcome = asyncio.run(_Storm(seed, runtime, kills, folders, disk).blow())
            except Exception as error:  # noqa: BLE001  # of an engine that is broken, or of the harness
                words = "".join(traceback.format_exception(error))
                outcome = StormOutcome(seed, runtime, (f"crash: {words}",))
            if outcome.violations and keep is not None:
                shutil.copytree(folder, keep / f"{runtime}-{seed}", ignore=shutil.ignore_patterns(folders.socket.name))
        return outcome


class _Storm:
    def __init__(self, seed: int, runtime: RuntimeName, kills: int, folders: Folders, disk: SmallDisk) -> None:
        self._seed, self._runtime, self._kills = seed, runtime, kills
        self._disk = disk
        self._folders = folders

    async def blow(self) -> StormOutcome:
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
            statuses, rest_s = await self._come_to_rest(engine, client)
            ends = await self._ends(engine, client)
            await engine.stop()
            await mail.stop()
        finally:
            await engine.close()
        end = StormEnd(client.lines, mail.attempts, ends, engine.starts, injector.killed_ns)
        folders.end.write_bytes(pickle.dumps(end))
        verdict = judge(folders, end)
        violations = [*verdict.violations, *_unrest(statuses, client)]
        return StormOutcome(
            self._seed, self._runtime, tuple(violations), injector.injected + mail.injected, injector.kills,
            engine.starts, storm_s, rest_s, self._disk.is_mounted, verdict,
        )  # fmt: skip

    async def _come_to_rest(self, engine: EngineProcesses, client: Client) -> tuple[list[Status], float]:
        """Wait until nothing is under way and nothing is due any more, and once more when nobody reacts any more.

        A mail may have arrived whose server has not told of it yet.
        """
        begun, statuses = monotonic(), list[Status]()
        while monotonic() - begun < REST_MAX_S:
            await asyncio.sleep(LOOK_EVERY_S)
            with suppress(Gone, Unavailable):
                statuses = await engine.ask("status")
                if not client.under_way and all(map(_rests, statuses)):
                    if not client.reacts:
                        break
                    client.reacts = False
        return statuses, monotonic() - begun

    async def _ends(self, engine: EngineProcesses, client: Client) -> list[LiveEnd]:
        told = await engine.ask("end", [names_of(shard, client.names) for shard in range(SHARDS)])
        return [LiveEnd(*each) for each in told]


def judge_again(kept: Path) -> Verdict:
    """Judge a storm that was kept, from a copy: to open a store changes it."""
    with tempfile.TemporaryDirectory(prefix="parcours-storm-") as folder:
        folders = Folders(Path(folder) / "kept")
        shutil.copytree(kept, folders.root)
        end: StormEnd = pickle.loads(folders.end.read_bytes())
        return judge(folders, end)


def _rests(status: Status) -> bool:
    """What is due much later is that names are let go which nobody has used for long."""
    is_due = status.next_ms is not None and status.next_ms < status.stamp_ms + LATER_MS
    return not (is_due or status.ready or status.claimed or status.unanswered)


def _unrest(statuses: list[Status], client: Client) -> list[str]:
    restless = [f"rest: shard {n} does not come to rest: {each}" for n, each in enumerate(statuses) if not _rests(each)]
    waiting = [f"rest: {client.under_way} calls were never answered"] if client.under_way else []
    return [*restless, *waiting]
