"""Machines, keepers, the server and its wire are hurt: promises are kept, and the judge can tell where they are not."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import sleep
from typing import Any

import msgspec
import pytest
from tests.faults.mutants import copy_to
from tests.faults.node_mutants import FENCES, Fence
from tests.postgres import a_server, new_address

import parcours
import parcours_channels
from parcours.errors import StoreBroken
from parcours.store.address import open_store, prepare
from parcours.store.claims import FolderClaims
from parcours.store.store import Store
from parcours.testing.faults.nodes.doors import Doors
from parcours.testing.faults.nodes.injector import Injector
from parcours.testing.faults.nodes.keepers import keepers
from parcours.testing.faults.nodes.kinds import LONG, SHORT, Blow, Often, blows, kinds
from parcours.testing.faults.nodes.machines import Machines
from parcours.testing.faults.nodes.observed import FILES, Opened, Told, Worked, read_told, shards_of
from parcours.testing.faults.nodes.season import Form, Season
from parcours.testing.faults.nodes.server import PostgresServer
from parcours.testing.faults.nodes.tally import read_tally, write_down
from parcours.testing.faults.nodes.wire import CUTS, Cut, Wire
from parcours.testing.faults.processes.engine import EngineProcesses
from parcours.testing.faults.processes.folders import Folders
from parcours.testing.faults.processes.judge import Verdict
from parcours.testing.faults.processes.storm import StormOutcome
from parcours.testing.store_contract import a_record, numbers

FULL = "PARCOURS_FAULTS_FULL" in os.environ
"""Whether as much happens as before a release: some hours."""

ENGINE = Path(parcours.__file__).parents[1]


def run(arguments: list[str], folder: Path, source: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ if source is None else {**os.environ, "PYTHONPATH": str(source)}
    command = [sys.executable, "-m", "parcours.testing.faults", "--nodes", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, cwd=folder)


BRIEF = ["kill machine", "freeze machine", "kill server", "cut commits", "two keepers"]
"""Machines lost and frozen, the server that remembers, and two who keep one shard: a change stands that each time.

A head that is lost takes a third of the time more; tests/cluster/test_nodes.py loses one each time.
"""


@pytest.mark.ray
def test_a_machine_that_is_lost_and_one_that_is_frozen_break_no_promise(tmp_path: Path) -> None:
    done = run(["--storm", "7", "--strikes", *BRIEF], tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r": [1-9]\d* kills, [1-9]\d* zombies", done.stdout), done.stdout


@pytest.mark.ray
@pytest.mark.skipif(not FULL, reason="it takes some hours")
def test_machines_that_are_lost_and_frozen_break_no_promise_and_every_kind_of_fault_happens(tmp_path: Path) -> None:
    done = run(["--full", "--seed", "7"], tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "; 0 storms failed" in done.stdout


@pytest.mark.ray
@pytest.mark.skipif(not FULL, reason="each takes a minute or more")
@pytest.mark.parametrize("fence", FENCES, ids=lambda fence: fence.name)
def test_without_a_fence_a_promise_is_broken(fence: Fence, tmp_path: Path) -> None:
    copy_to(tmp_path, Path(parcours.__file__).parent, Path(parcours_channels.__file__).parent)
    fence.take_away(tmp_path)

    done = run(["--storm", "7", "--strikes", *fence.strikes], tmp_path, tmp_path)

    assert done.returncode == 1, done.stdout + done.stderr
    assert f"\n  {fence.found}" in done.stdout, done.stdout + done.stderr


@pytest.mark.ray
@pytest.mark.parametrize("is_ready", [True, False], ids=["once it serves", "while it is made"])
def test_a_storm_that_is_terminated_leaves_no_server(is_ready: bool, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "parcours.testing.faults", "--nodes", "--storm", "7", "--strikes", "kill door"]
    with subprocess.Popen(command, env={**os.environ, "TMPDIR": str(tmp_path)}, cwd=tmp_path) as storm:
        while not (_servers_of(tmp_path) if is_ready else [*tmp_path.glob("parcours-pg-*/data")]):
            assert storm.poll() is None
            sleep(0.1)
        storm.terminate()

    assert storm.returncode != 0 and not _servers_of(tmp_path)
    assert not [*tmp_path.glob("parcours-pg-*")]


def _servers_of(folder: Path) -> list[int]:
    """Processes of PostgreSQL whose data lie in this folder."""
    found = []
    for told in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended meanwhile
            program, *words = told.read_bytes().split(b"\0")
            if program.endswith(b"/postgres") and any(str(folder).encode() in word for word in words):
                found.append(int(told.parent.name))
    return found


@pytest.mark.parametrize("fence", FENCES, ids=lambda fence: fence.name)
def test_every_fence_is_where_it_is_taken_away(fence: Fence) -> None:
    for mutant in fence.mutants:
        assert (ENGINE / "parcours" / mutant.file).read_text().count(mutant.text) == 1


JUDGED: dict[str, tuple[list[Told], list[str]]] = {
    "one keeper after the other": (
        [Opened(0, keeper=1, epoch=1), Opened(0, keeper=2, epoch=2), Opened(1, keeper=1, epoch=1)],
        [],
    ),
    "the first opens a shard after the second has": (
        [Opened(0, keeper=2, epoch=2), Opened(0, keeper=1, epoch=3)],
        ["keeper: shard 0 was opened for keeper 1 under epoch 3, after it had been for keeper 2 under 2"],
    ),
    "an epoch for two": (
        [Opened(0, keeper=1, epoch=1), Opened(0, keeper=1, epoch=1)],
        ["stale epoch: epoch 1 of shard 0 was given out twice"],
    ),
    "the first is heard by a shard that knows of the second": (
        [Worked(1, keeper=1, known=2)],
        ["keeper: shard 1 worked for keeper 1, and had known of 2"],
    ),
}


@pytest.mark.parametrize("what", JUDGED)
def test_a_keeper_that_has_been_succeeded_is_found(what: str) -> None:
    told, violations = JUDGED[what]
    checked: Counter[str] = Counter()

    assert list(keepers(told, checked)) == violations
    assert checked["keeper"] == len(told)


def test_what_an_actor_was_cut_off_in_the_middle_of_telling_is_not_read(tmp_path: Path) -> None:
    told = Opened(1, keeper=1, epoch=1)
    whole = msgspec.json.encode(told)
    (tmp_path / f"{FILES}7").write_bytes(whole + b"\n" + whole[:-4])

    assert list(read_told(tmp_path)) == [told]
    assert (shards_of(tmp_path, 7), shards_of(tmp_path, 8)) == ({1}, set())


@pytest.mark.parametrize("often", [SHORT, LONG], ids=["short", "long"])
def test_every_storm_has_every_kind_in_an_order_of_its_own(often: Often) -> None:
    given = [[blow.strike for blow in blows(seed, often)] for seed in (3, 4)]

    assert Counter(given[0]) == Counter(given[1]) == often
    assert given[0] != given[1]
    assert list(blows(3, often)) == list(blows(3, often))


def test_a_season_without_some_kind_or_with_too_few_cuts_is_invalid() -> None:
    happened = Counter(kinds(SHORT))
    season = Season(Form(SHORT, {"cuts": len(CUTS)}), [StormOutcome(1, (), happened)])
    assert season.missing == []

    del happened["zombie"]
    happened["commit cut after the answer"] = 0
    assert season.missing == [
        "'zombie' never happened",
        "'commit cut after the answer' never happened",
        "2 of 'cuts', 3 were asked for",
    ]


def test_a_season_goes_on_where_its_tally_says_and_one_of_another_seed_does_not(tmp_path: Path) -> None:
    tally = tmp_path / "tally"
    outcome = StormOutcome(3, ("rest: something",), Counter(zombie=2), 4, 1.5, 2.5, Verdict((), Counter(order=1), 3))
    assert read_tally(tally, 7) == []

    write_down(tally, 7, outcome)
    write_down(tally, 7, outcome)

    assert read_tally(tally, 7) == [outcome, outcome]
    with pytest.raises(ValueError, match="of seed 7, not of 8"):
        read_tally(tally, 8)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with a_server() as server:
        yield server


class RebornKeeper(Machines):
    """The keeper's actor has a process, which is lost as the second one takes over; it gets another one."""

    def __init__(self, folders: Folders) -> None:
        super().__init__(folders.log, 7)
        self.process = subprocess.Popen(["sleep", "600"])

    def lose(self) -> None:
        self.end()
        self.process = subprocess.Popen(["sleep", "600"])

    def end(self) -> None:
        self.process.kill()
        self.process.wait()

    def actors(self, kind: str) -> list[int]:
        return [self.process.pid] if kind == "keeper" else []


class SecondKeeper(EngineProcesses):
    """Succeeds whoever keeps the engine in the actor's next process, and is succeeded once that has ended."""

    def __init__(self, folders: Folders, machines: RebornKeeper) -> None:
        super().__init__("nodes", folders)
        self._machines = machines
        self._has_taken = False

    @property
    def serves(self) -> bool:
        return True

    @property
    def keeps(self) -> bool:
        return self._has_taken and self._machines.process.poll() is None

    async def ask(self, question: str, more: Any = None) -> Any:
        if question == "keeps":
            return self.keeps
        assert question == "take_over"
        self._machines.lose()
        self._has_taken = True
        return None


class DoorsBesides(Doors):
    """All who are attached ask the actor, which refuses while the second keeps the engine."""

    def __init__(self, folders: Folders, second: SecondKeeper) -> None:
        super().__init__(folders, "", "")
        self.all = [second]
        self._second = second

    async def ask(self, question: str, more: Any = None) -> Any:
        if question == "status":
            return ["at work"]
        assert question == "troubles"
        return ["nobody keeps the engine now: it has been taken over"] if self._second.keeps else []


def test_a_keeper_is_ended_in_the_process_in_which_it_was_succeeded(server: PostgresServer, tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    machines = RebornKeeper(folders)
    doors = DoorsBesides(folders, SecondKeeper(folders, machines))
    wire, claims = Wire(server.socket, tmp_path / "wire", 7), FolderClaims(tmp_path, 1)
    injector = Injector(doors, machines, server, wire, claims, folders.ledger)

    asyncio.run(injector.strike([Blow("two keepers", pause_s=0.0, chance=0.0)]))
    machines.end()

    assert injector.found == []
    assert injector.injected == {"two keepers": 1}


class CutsAs(Wire):
    """Cuts every commit in one way, once it is told to."""

    cut: Cut | None = None

    def next_cut(self) -> Cut | None:
        return self.cut


KEPT: dict[Cut, list[list[int]]] = {"before": [[1]], "during": [[1], [1, 2]], "after": [[1, 2]]}
"""What may be in the journal after the second record of two was cut."""


@pytest.mark.parametrize("cut", CUTS)
def test_the_wire_cuts_commits_of_records_only(server: PostgresServer, tmp_path: Path, cut: Cut) -> None:
    address = new_address(server.url)
    prepare(address, "luma", 4)

    def write(wire: CutsAs) -> None:
        store = acquired(address.replace(str(server.socket_folder), str(tmp_path / "wire")))
        store.append(a_record(1, epoch=1))
        wire.cut = cut
        store.extend_file("1-1.ids", b"data")
        assert numbers(store) == [1]
        with pytest.raises(StoreBroken):
            store.append(a_record(2, epoch=1))
        store.close()

    async def scenario() -> CutsAs:
        wire = CutsAs(server.socket, tmp_path / "wire", 1)
        await wire.start()
        await asyncio.to_thread(write, wire)
        await wire.stop()
        return wire

    wire = asyncio.run(scenario())

    assert wire.injected == {f"commit cut {cut} the answer": 1}
    store = acquired(address)
    assert numbers(store) in KEPT[cut]
    store.close()


def acquired(address: str) -> Store:
    """A store whose shard has been acquired."""
    store = open_store(address, 3, is_owner=True)
    store.acquire(None)
    return store
