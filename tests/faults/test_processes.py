"""Real processes are killed and frozen, their disk is full, their mail server misbehaves: promises are kept."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.faults.mutants import MUTANTS, copy_to

import parcours
import parcours_channels
from parcours.config import Settings
from parcours.core.fact import Merged
from parcours.core.fact_block import encode_facts
from parcours.core.totals import Totals
from parcours.errors import StoreBusy
from parcours.store.sqlite import SqliteStore
from parcours.store.store import Record
from parcours.testing.faults.disk import Commit
from parcours.testing.faults.ledgers import Ledgers, ShardEnd
from parcours.testing.faults.processes.driver import RuntimeName
from parcours.testing.faults.processes.full_disk import SmallDisk, small_disk
from parcours.testing.faults.processes.judge import Verdict, commits_of, moves_of
from parcours.testing.faults.processes.kinds import KILLS, OFTEN, blows, kinds_of
from parcours.testing.faults.processes.ledger import LedgerStore
from parcours.testing.faults.processes.project import SLOT_MAP
from parcours.testing.faults.processes.season import Season, share
from parcours.testing.faults.processes.storm import RuntimeOutcome, judge_again

FULL = "PARCOURS_FAULTS_FULL" in os.environ
"""Whether as many processes are killed as for a release: about half an hour."""

MANY = 1_000 if FULL else 20
"""How many are killed at least: 18 on `local` are a round of every kind, at some of which somebody is moving."""


@pytest.mark.ray
def test_killed_processes_break_no_promise_and_every_kind_of_fault_happens(tmp_path: Path) -> None:
    kept = str(tmp_path / "kept")
    command = ["-m", "parcours.testing.faults", "--processes", "--kills", str(MANY), "--seed", "7", "--keep", kept]

    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, cwd=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "; 0 storms failed" in done.stdout


FOUND = (
    "ambiguous marketing is sent again",
    "what was claimed is forgotten when a shard opens",
    "message ids are forgotten when a shard opens",
    "keys go by the new number of a run that has moved",
)
"""Mutants that a dozen kills show for certain. What one needs that is found by chance only, the simulation tries."""


@pytest.mark.skipif(not FULL, reason="the judge is the simulation's, whose mutants are tried each time")
@pytest.mark.parametrize("name", FOUND)
def test_a_mutant_is_found_by_a_dozen_kills(name: str, tmp_path: Path) -> None:
    copy_to(tmp_path, Path(parcours.__file__).parent, Path(parcours_channels.__file__).parent)
    next(mutant for mutant in MUTANTS if mutant.name == name).apply(tmp_path)
    kept = tmp_path / "kept"
    command = ["-m", "parcours.testing.faults", "--processes", "--keep", str(kept)]

    done = subprocess.run(
        [sys.executable, *command, "--runtime", "local", "--storm", "6", "--kills", "12"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )

    assert done.returncode == 1, done.stdout + done.stderr
    assert " 0 violations" not in done.stdout, done.stdout
    assert judge_again(kept / "local-6").violations, "and what it leaves behind can be judged again"


@pytest.mark.parametrize("runtime", ["local", "ray"])
@pytest.mark.parametrize("kills", [1, 4, 30])
def test_blows_are_of_every_kind_and_as_many_as_asked_for(runtime: RuntimeName, kills: int) -> None:
    given = list(blows(3, runtime, kills))

    assert {blow.strike for blow in given} == set(OFTEN[runtime])
    assert sum(blow.strike in KILLS for blow in given) >= kills
    assert given == list(blows(3, runtime, kills))
    assert given != list(blows(4, runtime, kills))


def record(sequence: int, epoch: int) -> Record:
    return Record(sequence, epoch, 1_000 * sequence, [], [], [], encode_facts([]))


def test_a_record_is_told_with_the_word_of_its_owner_and_one_without_a_word_is_found(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store", 0)
    ledger = LedgerStore(0, store, tmp_path)
    epoch = ledger.acquire(None)
    ledger.append(record(1, epoch))
    ledger.opens = False
    ledger.append(record(2, epoch))
    store.append(record(3, epoch))

    found: list[str] = []
    commits = commits_of(store, tmp_path, 0, found)
    store.close()

    assert [(commit.sequence, commit.epoch, commit.opens) for commit in commits] == [(1, 1, True), (2, 1, False)]
    assert found == ["stale epoch: nobody has said that shard 0, record 3 would be written under 1"]


def test_a_word_counts_only_if_its_commit_happened(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store", 0)
    frozen = LedgerStore(0, store, tmp_path)
    stale = frozen.acquire(None)
    owner = LedgerStore(0, store, tmp_path)
    owner.append(record(1, owner.acquire(None)))
    with pytest.raises(StoreBusy):
        frozen.append(record(2, stale))

    found: list[str] = []
    commits = commits_of(store, tmp_path, 0, found)
    store.close()

    assert [(commit.sequence, commit.epoch) for commit in commits] == [(1, 2)]
    assert found == []


def test_a_word_that_was_cut_off_with_its_process_is_none(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store", 0)
    ledger = LedgerStore(0, store, tmp_path)
    ledger.append(record(1, ledger.acquire(None)))
    (path,) = tmp_path.glob("shard-0-process-*")
    path.write_bytes(path.read_bytes() + b"\0\0\1\0cut off")

    found: list[str] = []
    assert len(commits_of(store, tmp_path, 0, found)) == 1
    store.close()
    assert found == []


def test_a_full_disk_takes_nothing_until_it_is_cleared(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        if not disk.is_mounted:
            pytest.skip("no disk may be mounted here: processes are given a limit instead")
        disk.fill([])
        with pytest.raises(OSError, match="No space left"):
            (tmp_path / "disk" / "more").write_bytes(b"x" * 4_096)

        disk.clear()
        assert (tmp_path / "disk" / "more").write_bytes(b"x" * 4_096) == 4_096


def test_where_no_disk_can_be_mounted_the_processes_that_write_are_limited(tmp_path: Path) -> None:
    writes = "import sys\nfor name in sys.stdin:\n try: print(open(name.strip(), 'wb', 0).write(b'x'), flush=True)\n"
    writes += " except OSError as error: print(error.strerror, flush=True)\n"
    disk = SmallDisk(tmp_path, is_mounted=False)
    process = subprocess.Popen([sys.executable, "-c", writes], stdin=-1, stdout=-1, text=True)
    with process:
        assert process.stdin is not None and process.stdout is not None

        def write() -> str:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write(f"{tmp_path / 'file'}\n")
            process.stdin.flush()
            return process.stdout.readline().strip()

        assert write() == "1"
        disk.fill([process.pid])
        assert write() == "File too large"
        disk.clear()
        assert write() == "1"
        process.stdin.close()


def test_a_season_with_too_few_kills_or_without_some_kind_of_fault_is_invalid() -> None:
    everything = Counter(dict.fromkeys(kinds_of("local"), 1))
    moved = Verdict(met_moving=1)
    good = RuntimeOutcome(1, (), everything, kills=10, verdict=moved, runtime="local")
    lacks = RuntimeOutcome(1, (), everything - Counter({"freeze driver": 1}), kills=9, verdict=moved, runtime="local")
    still = RuntimeOutcome(1, (), everything, kills=10, runtime="local")

    assert Season({"local": 10}, [good]).missing == []
    assert Season({"local": 10}, [lacks]).missing == [
        "'freeze driver' never happened on local",
        "9 kills on local, 10 were asked for",
    ]
    assert Season({"local": 10}, [still]).missing == ["nobody was moving when a process was killed on local"]
    assert Season({"local": 1}, [RuntimeOutcome(5, ("twin: wrong",), runtime="local")]).failed == {
        "local 5": ("twin: wrong",)
    }


def end_with(*commits: Commit) -> ShardEnd:
    return ShardEnd(commits, {}, {}, Totals(), Totals(), 0)


def test_a_move_lasts_from_the_call_that_links_until_she_has_come_to_the_other_shard() -> None:
    call = b'{"type":"identify","userId":"p0","anonymousId":"%s"}'
    names = {SLOT_MAP.shard(f"@anonymous/v{number}") == SLOT_MAP.shard("p0"): f"v{number}" for number in range(99)}
    near, far = names[True], names[False]
    asks = [
        Commit(place, 1, 0, (), False, [], applied=(call % name.encode(),), place=place)
        for place, name in ((10, far), (40, near))
    ]
    joins = [Commit(place, 1, 0, (), False, [Merged(0, "p0", f"@anonymous/{name}", "identify")], place=place)
             for place, name in ((30, far), (50, near))]  # fmt: skip

    ledgers = Ledgers([], [], [end_with(asks[0], joins[0], asks[1], joins[1])], Settings(), merges=True)

    assert moves_of(ledgers) == [(10, 30)], "whoever stays in her shard does not move"


def test_the_kills_are_shared_between_the_runtimes() -> None:
    assert share(1_000) == {"local": 900, "ray": 100}
    assert sum(share(40).values()) == 40
