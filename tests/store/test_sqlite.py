"""Does the SQLite store keep its promise, and does it notice what happened to its files meanwhile?"""

from __future__ import annotations

import resource
import sqlite3
import tempfile
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from parcours.errors import StoreBroken, StoreBusy
from parcours.store.file_folder import OPEN_FILES_MAX
from parcours.store.image_folder import ImageFolder
from parcours.store.sqlite import SqliteStore
from parcours.store.store import Store
from parcours.testing.store_contract import StoreContract, a_record, an_image

JOURNAL = "shard-0003.journal.sqlite3"


class TestSqliteStore(StoreContract):
    @pytest.fixture(autouse=True)
    def in_a_folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def new_data(self) -> Callable[[], Store]:
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        return lambda: SqliteStore(folder, shard=3)


def test_missing_folders_are_made(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "var" / "luma", shard=3)) as store:
        store.append(a_record(1))

    assert (tmp_path / "var" / "luma" / JOURNAL).is_file()


def test_a_store_that_does_not_open_has_nothing_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: ImageFolder) -> None:
        raise OSError("no permission")

    with monkeypatch.context() as patch:
        patch.setattr(ImageFolder, "clear_unfinished", refuse)
        with pytest.raises(StoreBroken, match="no permission") as kept:
            SqliteStore(tmp_path, shard=3)

    SqliteStore(tmp_path, shard=3).close()  # though the error, and with it the failed store, is still there
    assert kept.value is not None


def test_shards_share_a_folder_and_nothing_else(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path, shard=3)) as third, closing(SqliteStore(tmp_path, shard=4)) as fourth:
        third.append(a_record(1))
        third.save_image(an_image(slot=0, sequence=1))

        assert list(fourth.records()) == []
        assert list(fourth.images()) == []


def test_what_an_earlier_release_has_deleted_is_overwritten_once_it_has_to_be(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path, shard=3)) as store:
        for sequence in range(1, 40):
            store.append(a_record(sequence))
    with closing(sqlite3.connect(tmp_path / JOURNAL)) as earlier:
        earlier.executescript("PRAGMA secure_delete = OFF; PRAGMA application_id = 0; CREATE TABLE old (text);")
        earlier.executemany("INSERT INTO old VALUES (?)", [("canary" * 5_000,)] * 20)
        earlier.executescript("DROP TABLE old; PRAGMA wal_checkpoint(TRUNCATE);")
    with closing(SqliteStore(tmp_path, shard=3)) as store:
        before = [*store.records()]
        assert b"canary" in (tmp_path / JOURNAL).read_bytes()

        store.scrub()

        assert [path for path in tmp_path.rglob("*") if path.is_file() and b"canary" in path.read_bytes()] == []
        assert [*store.records()] == before
        store.append(a_record(40))
    with closing(SqliteStore(tmp_path, shard=3)) as store:
        assert len([*store.records()]) == 40


def test_a_second_store_on_the_files_is_told_that_they_are_in_use(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path, shard=3)) as store:
        with pytest.raises(StoreBusy, match="in use"):
            SqliteStore(tmp_path, shard=3)
        store.append(a_record(1))

    with closing(SqliteStore(tmp_path, shard=3)) as successor:
        assert list(successor.records()) == [a_record(1)]


def test_whoever_is_refused_leaves_the_image_alone_that_the_owner_is_writing(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path, shard=3)):
        under_way = image_file(tmp_path).with_suffix(".unfinished")
        under_way.write_bytes(b"half")

        with pytest.raises(StoreBusy):
            SqliteStore(tmp_path, shard=3)

        assert under_way.exists()


def test_a_store_may_be_used_from_another_thread_than_the_one_that_opened_it(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path, shard=3)) as store:
        thread = threading.Thread(target=lambda: store.append(a_record(1)))
        thread.start()
        thread.join()

        assert list(store.records()) == [a_record(1)]


def test_a_closed_store_is_not_used_again(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, shard=3)
    store.close()

    with pytest.raises(AssertionError, match="closed"):
        store.append(a_record(1))


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (
            "UPDATE journal SET encoded = CAST(substr(encoded, 1, length(encoded) - 1) || x'91' AS BLOB)",
            "record 1 of .*chain",
        ),
        ("UPDATE journal SET link = zeroblob(32) WHERE sequence = 2", "record 2 of .*chain"),
        ("DELETE FROM journal WHERE sequence = 2", "record 3 of .*record before it is missing"),
        ("DELETE FROM journal WHERE sequence = 1", "record 2 of .*record before it is missing"),
        (
            "UPDATE journal SET encoded = (SELECT encoded FROM journal LIMIT 1) WHERE sequence = 3",
            "record 3 of .*chain",
        ),
        ("UPDATE journal SET sequence = 4 WHERE sequence = 3", "record 4 of .*record before it is missing"),
    ],
)
def test_a_journal_edited_by_hand_is_noticed(tmp_path: Path, edit: str, says: str) -> None:
    fill(tmp_path)
    by_hand(tmp_path, edit)

    with closing(SqliteStore(tmp_path, shard=3)) as store:
        with pytest.raises(StoreBroken, match=says):
            list(store.records())
        with pytest.raises(StoreBroken, match=says):  # and nothing is built on it
            store.append(a_record(4))


def test_a_flipped_bit_in_the_file_is_noticed(tmp_path: Path) -> None:
    fill(tmp_path, size_bytes=100_000)
    path = tmp_path / JOURNAL
    content = bytearray(path.read_bytes())
    content[content.index(b"\xff" * 1_000)] ^= 4
    path.write_bytes(content)

    with closing(SqliteStore(tmp_path, shard=3)) as store, pytest.raises(StoreBroken, match="shard-0003"):
        list(store.records())


def test_a_file_cut_off_is_noticed(tmp_path: Path) -> None:
    fill(tmp_path, size_bytes=100_000)
    path = tmp_path / JOURNAL
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    with pytest.raises(StoreBroken, match="shard-0003"):
        read_everything(tmp_path)


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).write_text("a letter to the operator, longer than the header of a database" * 99)

    with pytest.raises(StoreBroken, match="shard-0003.*not a database"):
        SqliteStore(tmp_path, shard=3)


def test_a_database_of_somebody_else_is_refused(tmp_path: Path) -> None:
    by_hand(tmp_path, "CREATE TABLE customers (name TEXT)")

    with pytest.raises(StoreBroken, match="format 0"):
        SqliteStore(tmp_path, shard=3)


def test_a_journal_of_a_later_release_is_refused(tmp_path: Path) -> None:
    fill(tmp_path)
    by_hand(tmp_path, "PRAGMA user_version = 2")

    with pytest.raises(StoreBroken, match="format 2"):
        SqliteStore(tmp_path, shard=3)


def test_the_journal_of_another_shard_is_refused(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / JOURNAL).rename(tmp_path / "shard-0004.journal.sqlite3")

    with pytest.raises(StoreBroken, match="shard 3"):
        SqliteStore(tmp_path, shard=4)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "luma").write_text("a file where the folder should be")

    with pytest.raises(StoreBroken, match="luma"):
        SqliteStore(tmp_path / "luma", shard=3)


@pytest.mark.parametrize("left", ["0123.image", "-wal"])
def test_a_journal_that_is_gone_is_not_begun_anew(tmp_path: Path, left: str) -> None:
    fill(tmp_path)
    (tmp_path / JOURNAL).unlink()
    if left == "-wal":
        image_file(tmp_path).unlink()
        (tmp_path / f"{JOURNAL}-wal").write_bytes(b"what had not been moved into the file")

    with pytest.raises(StoreBroken, match=f"{JOURNAL} is damaged: the file is missing.* back from one backup"):
        SqliteStore(tmp_path, shard=3)

    assert not (tmp_path / JOURNAL).exists()


def test_an_image_that_does_not_fit_on_the_disk_is_named(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with closing(SqliteStore(tmp_path, shard=3)) as store:
        store.append(a_record(1))
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
        try:
            with pytest.raises(StoreBroken, match=r"0123\.image cannot be used \(File too large\): look at the disk"):
                store.save_image(an_image(slot=123, sequence=1))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_missing_image_is_noticed(tmp_path: Path) -> None:
    fill(tmp_path)
    image_file(tmp_path).unlink()

    with pytest.raises(StoreBroken, match="0123.image.*missing"):
        read_everything(tmp_path)


def test_an_image_from_an_older_backup_is_noticed(tmp_path: Path) -> None:
    fill(tmp_path)
    older = image_file(tmp_path).read_bytes()
    with closing(SqliteStore(tmp_path, shard=3)) as store:
        store.save_image(an_image(slot=123, sequence=3))
    image_file(tmp_path).write_bytes(older)

    with pytest.raises(StoreBroken, match="0123.image.*record 2"):
        read_everything(tmp_path)


def test_a_journal_from_an_older_backup_is_noticed(tmp_path: Path) -> None:
    fill(tmp_path)
    older = (tmp_path / JOURNAL).read_bytes()
    with closing(SqliteStore(tmp_path, shard=3)) as store:
        store.append(a_record(4))
        store.save_image(an_image(slot=123, sequence=4))
    (tmp_path / JOURNAL).write_bytes(older)

    with pytest.raises(StoreBroken, match="journal.* ends at record 3 .*manifest knows of record 4"):
        read_everything(tmp_path)

    (tmp_path / "manifest").unlink()  # even without one
    with pytest.raises(StoreBroken, match="0123.image.*record 4"):
        read_everything(tmp_path)


def test_the_image_of_another_slot_is_noticed(tmp_path: Path) -> None:
    fill(tmp_path)
    image_file(tmp_path).rename(image_file(tmp_path).with_stem("0124"))

    with pytest.raises(StoreBroken, match="012"):
        read_everything(tmp_path)


def test_a_half_written_image_of_a_crash_is_cleared_away(tmp_path: Path) -> None:
    fill(tmp_path)
    half = image_file(tmp_path).with_suffix(".unfinished")
    half.write_bytes(b"half")

    read_everything(tmp_path)

    assert not half.exists()


def fill(folder: Path, size_bytes: int = 10) -> None:
    """Three records and an image of slot 123 as of the second."""
    with closing(SqliteStore(folder, shard=3)) as store:
        for sequence in (1, 2, 3):
            store.append(a_record(sequence, size_bytes=size_bytes))
        store.save_image(an_image(slot=123, sequence=2))


def by_hand(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / JOURNAL)) as connection, connection:
        connection.execute(statement)


def image_file(folder: Path) -> Path:
    return folder / "shard-0003.slots" / "0123.image"


def read_everything(folder: Path) -> None:
    with closing(SqliteStore(folder, shard=3)) as store:
        list(store.images())
        list(store.records())


def test_files_are_there_when_the_store_is_opened_again(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path, shard=3)) as store:
        store.extend_file("1-1.ids", b"one")

    with closing(SqliteStore(tmp_path, shard=3)) as store:
        assert store.read_file("1-1.ids", 0, 3) == b"one"
        assert store.file_names() == {"1-1.ids"}


def test_files_without_their_journal_are_no_new_store(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path, shard=3)) as store:
        store.extend_file("1-1.ids", b"one")
    (tmp_path / JOURNAL).unlink()

    with pytest.raises(StoreBroken, match="others of this shard are there"):
        SqliteStore(tmp_path, shard=3)


def test_many_files_can_be_read_by_turns(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path, shard=3)) as store:
        names = [f"1-{number}.ids" for number in range(2 * OPEN_FILES_MAX)]
        for name in names:
            store.extend_file(name, name.encode())

        for _ in range(2):
            assert all(store.read_file(name, 0, len(name)) == name.encode() for name in names)
