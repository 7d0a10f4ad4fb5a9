"""A storm of faults of machines: one store, blow after blow, then rest, and the verdict."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from time import monotonic
from typing import Final
from uuid import uuid4

from parcours.store.address import claims_at
from parcours.testing.faults.nodes.doors import Doors
from parcours.testing.faults.nodes.injector import Injector
from parcours.testing.faults.nodes.keepers import keepers
from parcours.testing.faults.nodes.kinds import Blow, Often, blows
from parcours.testing.faults.nodes.machines import Machines
from parcours.testing.faults.nodes.observed import read_told
from parcours.testing.faults.nodes.server import PostgresServer, a_server
from parcours.testing.faults.nodes.wire import Wire
from parcours.testing.faults.processes.client import Client
from parcours.testing.faults.processes.folders import Folders
from parcours.testing.faults.processes.judge import StormEnd, judge
from parcours.testing.faults.processes.mail import MailServer
from parcours.testing.faults.processes.project import SHARDS, write_project
from parcours.testing.faults.processes.rest import come_to_rest, unrest
from parcours.testing.faults.processes.storm import StormOutcome, ends_of

REST_MAX_S: Final = 240.0
"""How long after the last blow everything has to be at rest: many times what the journeys and Ray take."""

BROKEN_REST_S: Final = 20.0
"""The same where a promise is known to be broken already: nobody waits for a rest that will not come."""

CUT_OFTEN: Final = 0.03
"""Share of the commits that are cut all the time."""


def storm(seed: int, often: Often, keep: Path | None = None) -> StormOutcome:
    """Let a storm blow. If it breaks a promise, its ledgers and logs are copied into a folder of `keep`."""
    with tempfile.TemporaryDirectory(prefix="parcours-storm-") as folder, a_server() as server:
        blowing = _Storm(seed, blows(seed, often), Folders(Path(folder)), server)
        try:
            outcome = asyncio.run(blowing.blow())
        except Exception as error:  # noqa: BLE001  # of an engine that is broken, or of the harness
            crash = f"crash: {''.join(traceback.format_exception(error))}"
            outcome = StormOutcome(seed, (*blowing.found, crash))
        if outcome.violations and keep is not None:
            (Path(folder) / "violations").write_text("\n".join(outcome.violations))
            shutil.copytree(folder, keep / f"nodes-{seed}", ignore=shutil.ignore_patterns("harness-*", "wire"))
        return outcome


class _Storm:
    def __init__(self, seed: int, strikes: Iterable[Blow], folders: Folders, server: PostgresServer) -> None:
        self._seed, self._strikes = seed, strikes
        self._folders = folders
        self._server = server
        more = f"schema=storm_{uuid4().hex[:16]}&files={folders.root / 'files'}"
        self._address = f"{server.url}&{more}"
        self._wire = Wire(server.socket, folders.root / "wire", seed)
        self._machines = Machines(folders.log, seed)
        self.found: list[str] = []

    async def blow(self) -> StormOutcome:
        folders = self._folders
        folders.ledger.mkdir()
        mail = MailServer(self._seed, lambda key, person: client.mail_arrived(key, person))
        try:
            await asyncio.gather(mail.start(), self._wire.start(), self._machines.start())
            write_project(folders.project, mail.port)
            wired = self._address.replace(str(self._server.socket_folder), str(folders.root / "wire"))
            doors = Doors(folders, wired, self._machines.address)
            client = Client(self._seed, doors)
            try:
                outcome = await self._weather(doors, client, mail)
            finally:
                await doors.close()
        finally:
            await self._machines.stop()
            await self._wire.stop()
        return await asyncio.to_thread(self._judged, *outcome)

    async def _weather(
        self, doors: Doors, client: Client, mail: MailServer
    ) -> tuple[StormEnd, Injector, Counter[str], list[str], float, float]:
        begun = monotonic()
        await doors.start()
        claims = claims_at(self._address, SHARDS)
        injector = Injector(doors, self._machines, self._server, self._wire, claims, self._folders.ledger)
        self.found = injector.found
        whole, working = (asyncio.create_task(each) for each in (self._machines.stay_whole(), client.work()))
        try:
            self._wire.often = CUT_OFTEN
            await injector.strike(self._strikes)
            storm_s = monotonic() - begun
            self._wire.often = 0.0
            assert not working.done(), f"the client has ended: {working.result()}"
            working.cancel()
            mail.calm_down()
            statuses, rest_s = await come_to_rest(doors, client, BROKEN_REST_S if injector.found else REST_MAX_S)
            ends = await ends_of(doors, client)
            await doors.ask("end_engine")
            await doors.stop()
            await mail.stop()
            assert not whole.done(), f"whoever replaces machines has ended: {whole.result()}"
        finally:
            for task in (whole, working):
                task.cancel()
            await asyncio.gather(whole, working, return_exceptions=True)
        end = StormEnd(client.lines, mail.attempts, ends, doors.starts, injector.killed_ns, self._address)
        injected = injector.injected + self._machines.injected + self._wire.injected + mail.injected
        return end, injector, injected, unrest(statuses, client), storm_s, rest_s

    def _judged(
        self, end: StormEnd, injector: Injector, injected: Counter[str], restless: list[str], storm_s: float,
        rest_s: float,
    ) -> StormOutcome:  # fmt: skip
        verdict = judge(self._folders, end)
        found = keepers(read_told(self._folders.ledger), verdict.checked)
        violations = (*verdict.violations, *found, *injector.found, *restless)
        return StormOutcome(self._seed, violations, injected, injector.kills, storm_s, rest_s, verdict)
