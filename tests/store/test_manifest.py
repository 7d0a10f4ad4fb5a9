"""Are files of a shard that are gone, or older than they were, refused and never taken for new ones?"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parcours.errors import SettingInvalid, StoreBroken
from parcours.store.address import open_store, prepare
from parcours.store.journal import Journal
from parcours.store.manifest import BLOCK_BYTES, HALF_BYTES, ManifestBlock, Note
from parcours.store.sqlite import SqliteStore
from parcours.testing.store_contract import a_record, an_image

SHARDS = (0, 1)


@pytest.fixture
def address(tmp_path: Path) -> str:
    """A store of two shards, each with an owner, a record and an image."""
    address = f"sqlite:///{tmp_path / 'store'}"
    prepare(address, "shop", len(SHARDS))
    live(address)
    return address


def live(address: str, shards: tuple[int, ...] = SHARDS, records: int = 1) -> None:
    """A life of the shards: each gets an owner, records, and an image of the last."""
    for shard in shards:
        with closing(open_store(address, shard)) as store:
            newest = max((record.sequence for record in store.records()), default=0)
            epoch = store.acquire(None)
            for sequence in range(newest + 1, newest + 1 + records):
                store.append(a_record(sequence, epoch))
            store.save_image(an_image(slot=5, sequence=newest + records))


def folder_of(address: str) -> Path:
    return Path(address.removeprefix("sqlite:///"))


def files_of(folder: Path, shard: int) -> list[Path]:
    return sorted(folder.glob(f"shard-{shard:04}*"))


def replace_files(folder: Path, older: Path, shard: int) -> None:
    """Put the shard's files of another folder in the place of those that are there."""
    for path in files_of(folder, shard):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in files_of(older, shard):
        target = folder / path.name
        shutil.copytree(path, target) if path.is_dir() else shutil.copy(path, target)


def test_a_shard_whose_files_are_all_gone_is_not_opened_as_a_new_one(address: str) -> None:
    folder = folder_of(address)
    for path in files_of(folder, 0):
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    for _ in range(2):  # nor does the first attempt leave anything that the second one takes for a store
        with pytest.raises(StoreBroken, match=r"shard-0000\.journal.* the file is missing.* Put all files"):
            open_store(address, 0)
    live(address, shards=(1,))


def test_a_shard_that_has_never_had_an_owner_may_have_lost_its_files(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}"
    prepare(address, "shop", 2)
    open_store(address, 1).close()
    (tmp_path / "shard-0001.journal.sqlite3").unlink()

    live(address)


def test_files_of_a_life_before_are_refused(address: str, tmp_path: Path) -> None:
    folder = folder_of(address)
    shutil.copytree(folder, tmp_path / "yesterday")
    live(address)
    replace_files(folder, tmp_path / "yesterday", 1)

    with pytest.raises(
        StoreBroken,
        match=r"shard-0001.* older copy: it ends at record 1 of owner 1, and .*manifest knows of record 2 of owner 2",
    ):
        open_store(address, 1)
    live(address, shards=(0,))  # those of today are not concerned


def test_files_of_a_life_before_are_refused_even_where_no_record_came_after(address: str, tmp_path: Path) -> None:
    folder = folder_of(address)
    shutil.copytree(folder, tmp_path / "yesterday")
    live(address, records=0)
    replace_files(folder, tmp_path / "yesterday", 1)

    with pytest.raises(StoreBroken, match="older copy"):
        open_store(address, 1)


def test_files_of_the_same_life_are_refused_once_it_has_ended(address: str, tmp_path: Path) -> None:
    folder = folder_of(address)
    with closing(open_store(address, 1)) as store:
        epoch = store.acquire(None)
        store.append(a_record(2, epoch))
        shutil.copytree(folder, tmp_path / "earlier")
        store.append(a_record(3, epoch))
    replace_files(folder, tmp_path / "earlier", 1)

    with pytest.raises(StoreBroken, match="it ends at record 2 of owner 2, and .* record 3 of owner 2"):
        open_store(address, 1)


def test_a_log_that_was_left_out_of_a_copy_is_missed(tmp_path: Path) -> None:
    prepare(f"sqlite:///{tmp_path / 'store'}", "shop", 1)
    with closing(open_store(f"sqlite:///{tmp_path / 'store'}", 0)) as store:
        store.append(a_record(1, store.acquire(None)))
        shutil.copytree(tmp_path / "store", tmp_path / "copy", ignore=shutil.ignore_patterns("*-wal"))

    with pytest.raises(StoreBroken):
        open_store(f"sqlite:///{tmp_path / 'copy'}", 0)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(["record", "owner", "reopen", "copy"]), max_size=12), st.integers(0, 12))
def test_files_are_refused_exactly_if_they_are_older(steps: list[str], chosen: int) -> None:
    with TemporaryDirectory() as place:
        folder, copies, sequence, epoch = Path(place) / "store", list[tuple[int, int]](), 0, 0
        prepare(f"sqlite:///{folder}", "shop", 2)
        store = open_store(f"sqlite:///{folder}", 1)
        for step in ["owner", "record", "copy", *steps]:
            match step:
                case "record":
                    sequence += 1
                    store.append(a_record(sequence, epoch))
                case "owner":
                    epoch = store.acquire(None)
                case "reopen":
                    store.close()
                    store = open_store(f"sqlite:///{folder}", 1)
                case _:
                    shutil.copytree(folder, Path(place) / f"copy-{len(copies)}")
                    copies.append((sequence, epoch))
        store.close()
        chosen %= len(copies)

        replace_files(folder, Path(place) / f"copy-{chosen}", 1)

        if copies[chosen] == (sequence, epoch):
            open_store(f"sqlite:///{folder}", 1).close()
        else:
            with pytest.raises(StoreBroken, match="older copy"):
                open_store(f"sqlite:///{folder}", 1)


def test_a_copy_that_has_gone_on_by_itself_is_another_one(address: str, tmp_path: Path) -> None:
    folder = folder_of(address)
    shutil.copytree(folder, tmp_path / "copy")
    live(address)
    with closing(open_store(f"sqlite:///{tmp_path / 'copy'}", 1)) as store:
        epoch = store.acquire(None)
        for sequence in (2, 3):
            store.append(a_record(sequence, epoch, size_bytes=77))
    replace_files(folder, tmp_path / "copy", 1)

    with pytest.raises(StoreBroken, match="its record 2 is not the one that .*manifest knows of"):
        open_store(address, 1)


def test_an_older_manifest_beside_newer_files_is_refused_by_the_next_owner(address: str) -> None:
    folder = folder_of(address)
    older = (folder / "manifest").read_bytes()
    live(address)
    (folder / "manifest").write_bytes(older)

    with closing(open_store(address, 1)) as store, pytest.raises(StoreBroken, match="manifest is an older copy"):
        store.acquire(None)


def test_the_whole_store_of_an_earlier_day_is_a_store(address: str, tmp_path: Path) -> None:
    folder = folder_of(address)
    shutil.copytree(folder, tmp_path / "yesterday")
    live(address)
    shutil.rmtree(folder)
    (tmp_path / "yesterday").rename(folder)

    live(address)


def test_a_crash_between_owner_and_note_harms_nothing_however_often(address: str) -> None:
    folder = folder_of(address)
    for _ in range(3):
        journal = Journal(folder / "shard-0001.journal.sqlite3", 1)
        journal.set_epoch(journal.epoch() + 1)
        journal.commit()
        journal.close()

    with closing(open_store(address, 1)) as store:
        assert store.acquire(None) == 5
        store.append(a_record(2, 5))
    live(address)


def test_a_crash_between_record_and_note_harms_nothing(address: str) -> None:
    folder = folder_of(address)
    with closing(open_store(address, 1)) as store:
        epoch = store.acquire(None)
        noted = (folder / "manifest").read_bytes()
        for sequence in (2, 3):
            store.append(a_record(sequence, epoch))
    (folder / "manifest").write_bytes(noted)  # those of the last moments are not noted where the power failed

    live(address)


def test_a_note_that_was_cut_off_leaves_the_one_before(tmp_path: Path) -> None:
    with closing(ManifestBlock(tmp_path, 1)) as block:
        block.write(Note(1, epoch=1, sequence=1))
        block.write(Note(1, epoch=1, sequence=2))
    content = bytearray((tmp_path / "manifest").read_bytes())
    start = 2 * BLOCK_BYTES + HALF_BYTES
    content[start + 20 : start + HALF_BYTES] = bytes(HALF_BYTES - 20)
    (tmp_path / "manifest").write_bytes(content)

    with closing(ManifestBlock(tmp_path, 1)) as block:
        assert block.read() == Note(1, epoch=1, sequence=1)
        block.write(Note(1, epoch=1, sequence=3))
    with closing(ManifestBlock(tmp_path, 1)) as block:
        assert block.read() == Note(1, epoch=1, sequence=3)


def test_a_block_without_a_note_that_can_be_read_is_damaged(tmp_path: Path) -> None:
    with closing(ManifestBlock(tmp_path, 0)) as block:
        block.write(Note(0, epoch=1))
    content = (tmp_path / "manifest").read_bytes()
    (tmp_path / "manifest").write_bytes(content.replace(b'"epoch":1', b'"epoch":2'))

    with pytest.raises(StoreBroken, match="manifest is damaged"):
        SqliteStore(tmp_path, 0)


def test_each_shard_has_its_own_place(tmp_path: Path) -> None:
    blocks = [ManifestBlock(tmp_path, shard) for shard in range(3)]
    for number in range(1, 4):
        for shard in (2, 0):
            blocks[shard].write(Note(shard, epoch=shard, sequence=number))
    for block in blocks:
        block.close()

    for shard, newest in enumerate([Note(0, 0, 3), Note(1), Note(2, 2, 3)]):
        with closing(ManifestBlock(tmp_path, shard)) as block:
            assert block.read() == newest


def test_a_manifest_that_is_gone_is_not_begun_anew(address: str) -> None:
    (folder_of(address) / "manifest").unlink()

    with pytest.raises(StoreBroken, match="manifest is missing: put all files of the store back"):
        prepare(address, "shop", 2)


@pytest.mark.parametrize("shards", [2, 4])
def test_a_layout_that_is_gone_is_not_written_anew(address: str, shards: int) -> None:
    layout = folder_of(address) / "layout.json"
    held = layout.read_text()
    layout.unlink()

    with pytest.raises(StoreBroken, match=r'layout\.json is missing.* put it back \(it held \{"project":"shop","sh'):
        prepare(address, "shop", shards)

    assert not layout.exists()
    layout.write_text(held)
    prepare(address, "shop", 2)
    live(address)


def test_a_layout_for_another_number_of_shards_is_not_believed(address: str) -> None:
    layout = folder_of(address) / "layout.json"
    layout.write_text(layout.read_text().replace("2", "4"))

    with pytest.raises(StoreBroken, match=r"layout\.json says .*4.*manifest says .*2"):
        prepare(address, "shop", 4)


def test_a_store_whose_making_was_cut_off_is_made_again(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}"
    prepare(address, "shop", 2)
    (tmp_path / "layout.json").unlink()  # it is written last

    prepare(address, "other", 3)
    live(address)
    with pytest.raises(SettingInvalid, match="belongs to project 'other'"):
        prepare(address, "shop", 2)


def delete(folder: Path) -> None:
    shutil.rmtree(folder)


def move(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


def move_and_begin_anew(folder: Path) -> None:
    """As where a disk is not mounted any more: the folder is there and holds something else."""
    move(folder)
    prepare(f"sqlite:///{folder}", "shop", 2)
    open_store(f"sqlite:///{folder}", 1).close()


def delete_the_log(folder: Path) -> None:
    (folder / "shard-0001.journal.sqlite3-wal").unlink()


@pytest.mark.parametrize("harm", [delete, move, move_and_begin_anew, delete_the_log])
def test_nothing_is_acknowledged_into_files_that_nobody_will_find(address: str, harm: Callable[[Path], None]) -> None:
    with closing(open_store(address, 1)) as store:
        epoch = store.acquire(None)
        store.append(a_record(2, epoch))

        harm(folder_of(address))

        with pytest.raises(StoreBroken, match="deleted, moved or replaced while it was in use.* put the files"):
            store.append(a_record(3, epoch))


def test_a_store_that_has_gone_is_not_begun_anew_by_a_shard_that_comes_back(address: str) -> None:
    folder = folder_of(address)
    move(folder)

    with pytest.raises(StoreBroken, match="no store in .* any more"):
        open_store(address, 1)

    assert not folder.exists()
    folder.with_name("elsewhere").rename(folder)
    live(address)
