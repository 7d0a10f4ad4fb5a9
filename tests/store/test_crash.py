"""Is everything acknowledged still there after a crash, and nothing half?"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from parcours.store.sqlite import SqliteStore
from parcours.testing.store_contract import a_record

APPENDER = Path(__file__).with_name("append_until_stopped.py")
WAL = "shard-0003.journal.sqlite3-wal"
RECORD_BYTES = 100_000


@pytest.mark.parametrize("killed_after", [1, 2, 40])  # 40 records: SQLite has moved pages into the file by then
def test_what_was_acknowledged_survives_a_killed_process(tmp_path: Path, killed_after: int) -> None:
    acknowledged = 0

    for _ in range(2):  # the second process goes on where the first was killed
        with appender(tmp_path, RECORD_BYTES) as process:
            assert process.stdout is not None
            for _ in range(killed_after):
                acknowledged = int(process.stdout.readline())
            process.send_signal(signal.SIGKILL)
            acknowledged = int((process.stdout.read().split() or [str(acknowledged)])[-1])

    with closing(SqliteStore(tmp_path, shard=3)) as store:
        found = list(store.records())
    assert acknowledged >= 2 * killed_after
    assert len(found) in (acknowledged, acknowledged + 1)  # one may have been safe, but not yet acknowledged
    assert found == [a_record(number, size_bytes=RECORD_BYTES) for number in range(1, len(found) + 1)]


def test_a_record_whose_writing_was_cut_off_is_gone_whole(tmp_path: Path) -> None:
    # given the files before and after a third record, as they lie on the disk while the store is in use
    with closing(SqliteStore(tmp_path / "used", shard=3)) as store:
        store.append(a_record(1, size_bytes=30_000))
        store.append(a_record(2, size_bytes=30_000))
        before = (tmp_path / "used" / WAL).stat().st_size
        noted = (tmp_path / "used" / "manifest").read_bytes()
        store.append(a_record(3, size_bytes=30_000))
        after = (tmp_path / "used" / WAL).stat().st_size
        copy_files(tmp_path / "used", tmp_path / "copy")

    # when the disk got no further than some byte in between
    for length in [*range(before, after, 4_999), after - 1, after]:
        folder = tmp_path / f"cut-{length}"
        shutil.copytree(tmp_path / "copy", folder)
        with (folder / WAL).open("r+b") as file:
            file.truncate(length)
        (folder / "manifest").write_bytes(noted)  # the third is noted once it is there

        # then the third record is there whole or not at all, and the journal goes on from there
        with closing(SqliteStore(folder, shard=3)) as store:
            kept = [record.sequence for record in store.records()]
            assert kept == ([1, 2, 3] if length == after else [1, 2])
            store.append(a_record(len(kept) + 1))


def test_trimming_without_a_record_after_it_is_undone_by_a_crash(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "used", shard=3)) as store:
        store.append(a_record(1))
        store.append(a_record(2))
        store.read_through(2)
        store.trim(through=2)
        assert [record.sequence for record in store.records()] == [2]
        copy_files(tmp_path / "used", tmp_path / "copy")

    with closing(SqliteStore(tmp_path / "copy", shard=3)) as store:
        assert list(store.records()) == [a_record(1), a_record(2)]


def test_a_disk_that_is_full_stops_the_store_and_loses_nothing(tmp_path: Path) -> None:
    with appender(tmp_path, RECORD_BYTES, file_bytes_max=1_000_000) as process:
        output, _ = process.communicate(timeout=60)
    *acknowledged, broken, refused = output.splitlines()

    assert len(acknowledged) > 2
    assert broken.startswith("broken: ")
    assert "shard-0003.journal.sqlite3" in broken
    assert refused == "refused"
    with closing(SqliteStore(tmp_path, shard=3)) as store:
        assert [str(record.sequence) for record in store.records()] == acknowledged


@contextmanager
def appender(folder: Path, record_bytes: int, file_bytes_max: int = 0) -> Iterator[subprocess.Popen[str]]:
    """A process that appends until it is stopped; it has ended when the block has."""
    process = subprocess.Popen(
        [sys.executable, str(APPENDER), str(folder), str(record_bytes), str(file_bytes_max)],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def copy_files(source: Path, target: Path) -> None:
    """Copy by another process: a file that this one closes would take its own lock along."""
    subprocess.run(["cp", "-r", str(source), str(target)], check=True)
