"""Does a backup hold what the store held when it was made, whatever the store does meanwhile, and nothing damaged?"""

from __future__ import annotations

import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from parcours.errors import BackupFailed, SettingInvalid, StoreBroken, StoreBusy
from parcours.store import sqlite
from parcours.store.address import open_store, prepare
from parcours.store.backup import begin_backup, check_shard, complete_backup, copy_store, strays_in
from parcours.store.layout import Layout
from parcours.store.memory import MemoryStore, VolatileStore
from parcours.store.sqlite import SqliteStore
from parcours.store.store import Record, SlotImage, Store
from parcours.testing.store_contract import a_record, an_image

LAYOUT = Layout("shop", 2)


def nothing_exported(source: Path, target: Path, shards: int) -> None:
    """A store of which nothing is exported."""


@pytest.fixture
def used(tmp_path: Path) -> Path:
    """The folder of a store of two shards: records, of which the first are trimmed in one, and images."""
    prepare(f"sqlite:///{tmp_path / 'used'}", "shop", 2)
    for shard in (0, 1):
        with closing(store_in(tmp_path / "used", shard)) as store:
            epoch = store.acquire(None)
            for sequence in range(1, 8 + shard):
                store.append(a_record(sequence, epoch, size_bytes=1_000))
            for slot in (3, 9):
                store.save_image(an_image(slot, sequence=5))
            store.read_through(4)
            for _ in range(3 * shard):
                store.trim(through=5)
            store.append(a_record(8 + shard, epoch))
    return tmp_path / "used"


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record each, or an image."""
    monkeypatch.setattr(sqlite, "PIECE_BYTES", 1)
    monkeypatch.setattr(sqlite, "PIECE_IMAGES", 1)


def store_in(folder: Path, shard: int) -> Store:
    return open_store(f"sqlite:///{folder}", shard)


def content(store: Store) -> tuple[list[Record], list[SlotImage]]:
    return list(store.records()), list(store.images())


def content_of(folder: Path) -> list[tuple[list[Record], list[SlotImage]]]:
    found = []
    for shard in (0, 1):
        with closing(store_in(folder, shard)) as store:
            found.append(content(store))
    return found


def write_all(store: Store, folder: Path) -> None:
    for write in store.copy_to(folder):
        write()


def test_a_copy_of_a_closed_store_holds_the_same_and_goes_on(used: Path, tmp_path: Path) -> None:
    assert copy_store(used, tmp_path / "backup", nothing_exported) == LAYOUT
    assert copy_store(tmp_path / "backup", tmp_path / "restored", nothing_exported) == LAYOUT

    assert content_of(tmp_path / "restored") == content_of(tmp_path / "backup") == content_of(used)
    assert len(content_of(used)[1][0]) == 6  # three of nine were trimmed
    for folder in (used, tmp_path / "restored"):
        with closing(store_in(folder, 1)) as store:
            assert store.acquire(1) == 2
            store.trim(through=5)  # that the fourth was read is in the copy too
            store.append(a_record(10, epoch=2))
            assert [record.sequence for record in store.records()] == [5, 6, 7, 8, 9, 10]


@pytest.mark.usefixtures("small_pieces")
def test_what_happens_between_the_pieces_harms_nothing(used: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    begin_backup(backup, LAYOUT)
    with closing(store_in(used, 1)) as store:
        store.read_through(9)
        before, sequence = content(store), 9
        for write in store.copy_to(backup):
            sequence += 1
            store.append(a_record(sequence, epoch=1))
            store.save_image(an_image(sequence % 12, sequence))
            store.trim(through=sequence)
            write()
        at_end, wanted = content(store), sequence
    with closing(store_in(used, 0)) as store:
        write_all(store, backup)
    complete_backup(backup, LAYOUT)

    with closing(store_in(backup, 1)) as store:
        records, images = content(store)
    numbers = [record.sequence for record in records]
    assert records[: len(before[0])] == before[0]
    assert numbers == list(range(4, numbers[-1] + 1)) and 9 < numbers[-1] <= wanted
    assert [record for record in at_end[0] if record.sequence <= numbers[-1]] == records
    assert {image.slot for image in images} >= {3, 9}
    assert all(image == an_image(image.slot, image.sequence) and image.sequence <= numbers[-1] for image in images)


def test_trimming_waits_for_the_copy_and_no_longer(used: Path, tmp_path: Path) -> None:
    begin_backup(tmp_path / "backup", LAYOUT)
    with closing(store_in(used, 1)) as store:
        pieces = store.copy_to(tmp_path / "backup")
        next(pieces)()
        store.trim(through=5)
        assert next(store.records()).sequence == 4
        pieces.close()  # nobody asks for the rest

        store.trim(through=5)
        assert next(store.records()).sequence == 5


def test_files_are_copied_as_far_as_they_have_grown_and_none_is_deleted_meanwhile(used: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    begin_backup(backup, LAYOUT)
    with closing(store_in(used, 1)) as store:
        store.extend_file("whole", b"all of it")
        store.extend_file("growing", b"the beginning")
        for write in store.copy_to(backup):
            store.delete_file("whole")
            write()
        assert store.file_names() == {"whole", "growing"}
        store.extend_file("growing", b" and more")
        store.extend_file("another", b"new")

        write_all(store, backup)

        store.delete_file("whole")  # asked for again
        assert store.file_names() == {"growing", "another"}

    with closing(SqliteStore(backup, 1)) as copy:
        assert copy.file_names() == {"whole", "growing", "another"}
        assert copy.read_file("growing", 0, 22) == b"the beginning and more"
        assert copy.read_file("whole", 0, 9) == b"all of it"


def test_a_store_that_is_closed_meanwhile_ends_its_copy(used: Path, tmp_path: Path) -> None:
    begin_backup(tmp_path / "backup", LAYOUT)
    store = store_in(used, 1)
    pieces = store.copy_to(tmp_path / "backup")
    next(pieces)()
    store.close()

    with pytest.raises(BackupFailed, match="was closed while it was being copied"):
        next(pieces)


def test_a_copy_is_brought_up_to_date(used: Path, tmp_path: Path) -> None:
    begin_backup(tmp_path / "backup", LAYOUT)
    with closing(store_in(used, 1)) as store:
        write_all(store, tmp_path / "backup")
        for sequence in (10, 11):
            store.append(a_record(sequence, epoch=1))
        store.save_image(an_image(slot=3, sequence=11))
        store.save_image(an_image(slot=4, sequence=11))

        write_all(store, tmp_path / "backup")

    with closing(SqliteStore(tmp_path / "backup", 1)) as copy:
        records, images = content(copy)
    assert [record.sequence for record in records] == list(range(4, 12))
    assert images == [an_image(3, 5), an_image(4, 11), an_image(9, 5)]  # an older image and what came after it will do


def test_a_copy_that_what_was_trimmed_has_overtaken_is_refused(used: Path, tmp_path: Path) -> None:
    begin_backup(tmp_path / "backup", LAYOUT)
    with closing(store_in(used, 1)) as store:
        write_all(store, tmp_path / "backup")
        for sequence in (10, 11, 12):
            store.append(a_record(sequence, epoch=1))
        store.read_through(11)
        for _ in range(8):
            store.trim(through=12)

        with pytest.raises(BackupFailed, match="begin the backup anew"):
            write_all(store, tmp_path / "backup")
        store.append(a_record(13, epoch=1))  # and the store goes on


def test_half_a_backup_is_no_store(used: Path, tmp_path: Path) -> None:
    begin_backup(tmp_path / "backup", LAYOUT)
    with closing(store_in(used, 0)) as store:
        write_all(store, tmp_path / "backup")

    with pytest.raises(StoreBroken, match="layout.json is missing"):
        prepare(f"sqlite:///{tmp_path / 'backup'}", "shop", 2)
    with pytest.raises(StoreBroken, match="the making of a backup was cut off"):
        copy_store(tmp_path / "backup", tmp_path / "restored", nothing_exported)
    assert not (tmp_path / "restored").exists()


def test_a_store_in_use_is_not_copied_behind_its_engines_back(used: Path, tmp_path: Path) -> None:
    with closing(store_in(used, 1)) as store:
        with pytest.raises(StoreBusy, match="in use"):
            copy_store(used, tmp_path / "backup", nothing_exported)
        store.append(a_record(10, epoch=1))

    assert not (tmp_path / "backup").exists()


def test_nothing_is_overwritten(used: Path, tmp_path: Path) -> None:
    copy_store(used, tmp_path / "backup", nothing_exported)

    with pytest.raises(SettingInvalid, match="used is not empty"):
        copy_store(tmp_path / "backup", used, nothing_exported)
    with pytest.raises(SettingInvalid, match="backup is not empty"):
        copy_store(used, tmp_path / "backup", nothing_exported)


@pytest.mark.parametrize("store", [MemoryStore(), VolatileStore()])
def test_a_store_in_memory_has_no_backup(store: Store, tmp_path: Path) -> None:
    with pytest.raises(BackupFailed, match="in memory"):
        list(store.copy_to(tmp_path))


def test_a_full_disk_ends_the_backup_and_not_the_store(used: Path, tmp_path: Path) -> None:
    begin_backup(tmp_path / "backup", LAYOUT)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with closing(store_in(used, 1)) as store:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, before[1]))
        try:
            with pytest.raises(BackupFailed, match=r"backup/shard-0001.* cannot be used"):
                write_all(store, tmp_path / "backup")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        store.append(a_record(10, epoch=1))


def cut_image(folder: Path) -> None:
    path = folder / "shard-0001.slots" / "0009.image"
    path.write_bytes(path.read_bytes()[:-1])


def swap_image(folder: Path) -> None:
    images = folder / "shard-0001.slots"
    shutil.copy(images / "0003.image", images / "0009.image")


def lose_image(folder: Path) -> None:
    (folder / "shard-0001.slots" / "0009.image").unlink()


def flip_a_bit(folder: Path) -> None:
    path = folder / "shard-0001.journal.sqlite3"
    data = bytearray(path.read_bytes())
    data[data.index(b"\xff" * 1_000)] ^= 4
    path.write_bytes(data)


DAMAGE = [cut_image, swap_image, lose_image, flip_a_bit]


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_damaged_is_not_copied(used: Path, tmp_path: Path, damage: Callable[[Path], None]) -> None:
    damage(used)

    with pytest.raises(BackupFailed, match="damaged"):
        copy_store(used, tmp_path / "backup", nothing_exported)

    assert not (tmp_path / "backup" / "layout.json").exists()


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_check_tells_of_each_shard_whether_it_is_whole(used: Path, damage: Callable[[Path], None]) -> None:
    whole = [check_shard(used, shard) for shard in (0, 1)]
    assert [(found.oldest, found.newest, found.images, found.wrong) for found in whole] == [
        (1, 8, 2, None),
        (4, 9, 2, None),
    ]

    damage(used)

    assert check_shard(used, 0).wrong is None
    assert "shard-0001" in (check_shard(used, 1).wrong or "")


def test_a_check_changes_nothing(used: Path) -> None:
    before = {path: path.read_bytes() for path in files_in(used)}

    for shard in (0, 1):
        check_shard(used, shard)

    assert {path: path.read_bytes() for path in files_in(used)} == before


def test_files_that_belong_to_no_shard_are_found(used: Path) -> None:
    assert strays_in(used, 2) == []

    shutil.copy(used / "shard-0001.journal.sqlite3", used / "shard-0007.journal.sqlite3")

    assert strays_in(used, 2) == ["shard-0007.journal.sqlite3"]


def test_who_has_nothing_newer_may_accept_the_loss(used: Path, tmp_path: Path) -> None:
    # given yesterday's files of one shard among today's
    shutil.copytree(used, tmp_path / "yesterday")
    yesterday = content_of(tmp_path / "yesterday")
    for shard in (0, 1):
        with closing(store_in(used, shard)) as store:
            store.append(a_record(9 + shard, store.acquire(None)))
    today = content_of(used)
    shutil.copy(tmp_path / "yesterday" / "shard-0001.journal.sqlite3", used)

    # when a store is made of them
    with pytest.raises(StoreBroken, match="older copy"):
        copy_store(used, tmp_path / "restored", nothing_exported)
    copy_store(used, tmp_path / "restored", nothing_exported, accept_loss=True)

    # then each shard is as its files are, and goes on
    assert content_of(tmp_path / "restored") == [today[0], yesterday[1]]
    with closing(store_in(tmp_path / "restored", 1)) as store:
        assert store.acquire(None) == 2
    with pytest.raises(StoreBroken, match="older copy"):
        store_in(used, 1)


@pytest.mark.parametrize("lost", ["manifest", "layout.json"])
def test_a_store_without_its_manifest_or_layout_is_made_one_again(used: Path, tmp_path: Path, lost: str) -> None:
    whole = content_of(used)
    (used / lost).unlink()

    with pytest.raises(StoreBroken, match=f"{lost} is missing"):
        copy_store(used, tmp_path / "restored", nothing_exported)
    copy_store(used, tmp_path / "restored", nothing_exported, accept_loss=True)

    assert content_of(tmp_path / "restored") == whole


def test_the_loss_of_a_whole_shard_is_not_accepted(used: Path, tmp_path: Path) -> None:
    (used / "shard-0001.journal.sqlite3").unlink()

    with pytest.raises(StoreBroken, match="nobody can accept the loss of a whole shard"):
        copy_store(used, tmp_path / "restored", nothing_exported, accept_loss=True)


def files_in(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())
