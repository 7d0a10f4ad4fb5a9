"""Does the store in PostgreSQL keep its promise, and does it notice what happened to its rows meanwhile?"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from tests.postgres import by_hand, drop, new_address, schema_of

from parcours.errors import SettingInvalid, StoreBroken, StoreBusy
from parcours.store.address import is_same_store, open_store, prepare, shards_of
from parcours.store.layout import Layout
from parcours.store.postgres.file_rows import AHEAD_BYTES, AHEAD_FILES_MAX
from parcours.store.postgres.image_rows import PAGE_BYTES, PAGE_IMAGES, PIECE_BYTES
from parcours.store.postgres.opening import made_at
from parcours.store.postgres.schema import FORM
from parcours.store.postgres.session import SETTINGS
from parcours.store.postgres.store import PostgresStore
from parcours.store.postgres.url import postgres_address as parts_of
from parcours.store.sqlite import SqliteStore
from parcours.store.store import SlotImage, Store
from parcours.testing.store_contract import StoreContract, a_record, an_image, append_all, numbers


def opened_at(address: str, shard: int = 3, *, is_successor: bool = False) -> PostgresStore:
    return PostgresStore(parts_of(address), shard, is_successor=is_successor)


@pytest.fixture
def address(postgres_address: str) -> str:
    """The address of an empty store of four shards."""
    prepare(postgres_address, "luma", 4)
    return postgres_address


def fill(address: str) -> None:
    """Three records, and images of two slots."""
    with closing(opened_at(address)) as store:
        append_all(store, [a_record(1), a_record(2), a_record(3)])
        store.save_image(an_image(slot=0, sequence=2))
        store.save_image(an_image(slot=7, sequence=3))


def edit(url: str, address: str, statement: str) -> list[tuple[object, ...]]:
    """Run a statement on the tables of a store, as somebody with psql would."""
    return by_hand(url, f"SET search_path = {schema_of(address)}; {statement}")


class TestPostgresStore(StoreContract):
    @pytest.fixture(autouse=True)
    def on_a_server(self, postgres_url: str) -> Iterator[None]:
        self.url = postgres_url
        self.made: list[str] = []
        yield
        for address in self.made:
            drop(postgres_url, address)

    def new_data(self) -> Callable[[], Store]:
        address = new_address(self.url)
        self.made.append(address)
        prepare(address, "luma", 4)
        return lambda: opened_at(address)


def test_shards_share_a_schema_and_nothing_else(address: str) -> None:
    with closing(opened_at(address, 3)) as third, closing(opened_at(address, 2)) as second:
        third.append(a_record(1))
        third.save_image(an_image(slot=0, sequence=1))
        third.extend_file("1-1.ids", b"data")

        assert (list(second.records()), list(second.images()), second.file_names()) == ([], [], set())
        assert second.acquire(None) == 1


def test_a_store_is_the_same_by_whatever_address_it_has(postgres_url: str, address: str) -> None:
    other = new_address(postgres_url)
    assert is_same_store(address, f"{address}&connect_timeout=7")
    assert not is_same_store(address, other), "there is none yet"

    prepare(other, "luma", 4)
    try:
        assert not is_same_store(address, other)
        assert not is_same_store(address, "sqlite:////var/luma")
    finally:
        drop(postgres_url, other)


def test_a_shard_that_there_is_not_is_refused(address: str) -> None:
    with pytest.raises(StoreBroken, match="has no shard 4"):
        opened_at(address, 4)


def test_what_is_large_lies_in_pieces_and_comes_back_whole(postgres_url: str, address: str) -> None:
    image = SlotImage(7, 1, {"anna": os.urandom(2 * PIECE_BYTES), "bert": b"small"}, {})
    data = os.urandom(2 * PIECE_BYTES + 200)
    with closing(opened_at(address)) as store:
        store.append(a_record(1, size_bytes=3 * PIECE_BYTES))
        store.save_image(image)
        store.save_image(image)
        store.extend_file("1-1.ids", data[:100])
        store.extend_file("1-1.ids", data[100:])

    with closing(opened_at(address)) as store:
        assert store.image(7) == image
        assert list(store.records()) == [a_record(1, size_bytes=3 * PIECE_BYTES)]
        for start in (0, 50, 99, 100, PIECE_BYTES + 99, PIECE_BYTES + 101):
            assert store.read_file("1-1.ids", start, PIECE_BYTES) == data[start : start + PIECE_BYTES]
        assert store.read_file("1-1.ids", 0, len(data)) == data
    longest = "SELECT max(octet_length(data)), count(*) FROM image_pieces"
    assert edit(postgres_url, address, longest) == [(PIECE_BYTES, 3)], "and the pieces of the older image are gone"


def test_images_are_read_some_at_a_time_and_no_more_than_a_page_of_them(address: str) -> None:
    sizes = {7: 100, 8: PAGE_BYTES // 2, 900: PAGE_BYTES, 1_000: 100, 1_001: 2 * PAGE_BYTES, 1_024: 100}
    images = [SlotImage(slot, 1, {"anna": os.urandom(size)}, {}) for slot, size in sizes.items()]
    with closing(opened_at(address)) as store:
        store.append(a_record(1))
        for image in images:
            store.save_image(image)

        assert list(store.images()) == images
        pages = [[each.slot for each in store._images.page([*sizes][start:])] for start in range(6)]
        assert pages == [[7, 8, 900], [8, 900], [900], [1_000, 1_001], [1_001], [1_024]]
        assert store._images.page([6, 7]) == [], "it tells of those that come first"


def test_more_images_than_are_looked_at_at_once_are_all_read(address: str) -> None:
    images = [an_image(slot, 1) for slot in range(PAGE_IMAGES + 3)]
    with closing(opened_at(address)) as store:
        store.append(a_record(1))
        for image in images:
            store.save_image(image)

        assert list(store.images()) == images


def test_a_file_that_is_read_ahead_is_the_file(address: str) -> None:
    data = os.urandom(2 * AHEAD_BYTES + 500)
    with closing(opened_at(address)) as store:
        store.extend_file("1-1.ids", data[:-300])
        read = bytearray()
        for start in range(0, len(data) - 300, 50_000):
            read += store.read_file("1-1.ids", start, min(50_000, len(data) - 300 - start))
            elsewhere = (start * 7 + 13) % (len(data) - 1_000)
            assert store.read_file("1-1.ids", elsewhere, 700) == data[elsewhere : elsewhere + 700]
        with pytest.raises(StoreBroken, match="1-1.ids"):
            store.read_file("1-1.ids", len(read), 300)

    assert read == data[:-300]
    with closing(opened_at(address)) as store:
        assert store.read_file("1-1.ids", 0, len(read) - 100) == data[:-400]
        assert store.read_file("1-1.ids", len(read) - 100, 50) == data[-400:-350], "read ahead up to its end"
        store.extend_file("1-1.ids", data[-300:])
        assert store.read_file("1-1.ids", len(read) - 50, 350) == data[-350:]
        store.delete_file("1-1.ids")
        with pytest.raises(StoreBroken, match="1-1.ids"):
            store.read_file("1-1.ids", len(read) - 100, 50)


def test_of_no_more_files_than_that_something_is_held(address: str) -> None:
    with closing(opened_at(address)) as store:
        for number in range(AHEAD_FILES_MAX + 4):
            store.extend_file(f"1-{number}.ids", b"data")
            assert store.read_file(f"1-{number}.ids", 0, 2) == b"da"

        assert [*store._files._ahead] == [f"1-{number}.ids" for number in range(4, AHEAD_FILES_MAX + 4)]


def test_whoever_acquires_clears_what_a_crash_has_left_of_an_image(postgres_url: str, address: str) -> None:
    fill(address)
    edit(postgres_url, address, "INSERT INTO image_pieces VALUES (3, 'left', 0, 'half'), (2, 'other', 0, 'half')")

    with closing(opened_at(address)) as store:
        store.acquire(None)

        assert [image.slot for image in store.images()] == [0, 7]
    assert edit(postgres_url, address, "SELECT count(*) FROM image_pieces WHERE shard = 3") == [(2,)]
    assert edit(postgres_url, address, "SELECT count(*) FROM image_pieces WHERE shard = 2") == [(1,)]


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE journal SET encoded = encoded || '\\x91'::bytea WHERE sequence = 1", "record 1 of .*chain"),
        ("UPDATE journal SET link = decode(repeat('00', 32), 'hex') WHERE sequence = 2", "record 2 of .*chain"),
        ("DELETE FROM journal WHERE sequence = 2", "record 3 of .*record before it is missing"),
        ("DELETE FROM journal WHERE sequence = 1", "record 2 of .*record before it is missing"),
        ("UPDATE journal SET sequence = 4 WHERE sequence = 3", "record 4 of .*record before it is missing"),
    ],
)
def test_a_journal_edited_by_hand_is_noticed(postgres_url: str, address: str, statement: str, says: str) -> None:
    fill(address)
    edit(postgres_url, address, statement)

    with closing(opened_at(address)) as store:
        with pytest.raises(StoreBroken, match=says):
            list(store.records())
        with pytest.raises(StoreBroken, match=says):  # and nothing is built on it
            store.append(a_record(4))


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE image_pieces SET data = data || '\\x00'::bytea", "image of slot 0 of shard 3 .*do not fit its digest"),
        ("DELETE FROM image_pieces", "image of slot 0 of shard 3 .*do not fit its digest"),
        ("UPDATE images SET slot = 5 WHERE slot = 0", "it is the image of slot 0"),
        ("UPDATE images SET sequence = 1 WHERE slot = 0", "it is of record 2, the journal has 1 to 3"),
        ("DELETE FROM journal WHERE sequence > 1", "it is of record 2, the journal has 2 to 1"),
    ],
)
def test_an_image_that_is_not_as_it_was_written_is_noticed(
    postgres_url: str, address: str, statement: str, says: str
) -> None:
    fill(address)
    edit(postgres_url, address, statement)

    with closing(opened_at(address)) as store, pytest.raises(StoreBroken, match=says):
        list(store.images())


def test_tables_of_a_newer_release_are_refused(postgres_url: str, address: str) -> None:
    edit(postgres_url, address, f"UPDATE store SET form = {FORM + 1}")

    for use in (lambda: opened_at(address), lambda: prepare(address, "luma", 4), lambda: shards_of(address)):
        with pytest.raises(StoreBroken, match=f"tables of form {FORM + 1}, this release of Parcours reads form {FORM}"):
            use()


def test_tables_that_are_no_store_are_left_alone(postgres_url: str, postgres_address: str) -> None:
    schema = schema_of(postgres_address)
    by_hand(postgres_url, f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.store (name text)")

    with pytest.raises(StoreBroken, match="holds tables that are no store: name another one, by schema=NAME"):
        prepare(postgres_address, "luma", 4)


def test_a_store_that_has_gone_is_not_begun_anew(postgres_url: str, address: str) -> None:
    by_hand(postgres_url, f"DROP SCHEMA {schema_of(address)} CASCADE")

    with pytest.raises(StoreBroken, match="there is no store at .* any more"):
        open_store(address, 3)
    with pytest.raises(SettingInvalid, match="there is no store postgresql://"):
        shards_of(address)


def test_all_who_make_a_store_at_once_make_one(postgres_address: str) -> None:
    with ThreadPoolExecutor(6) as threads:
        made = [threads.submit(made_at, postgres_address, Layout("luma", 4)) for _ in range(6)]

    assert len({each.result().id for each in made}) == 1


def test_each_session_is_bounded_and_durable(address: str) -> None:
    with closing(opened_at(address)) as store:
        found = [store._session.run("SELECT current_setting(%s)", name)[0][0] for name, _ in SETTINGS[:3]]
        durable = store._session.run("SELECT current_setting('synchronous_commit')")

    assert found == ["30s", "3s", "5s"]
    assert durable == [("on",)]


def test_a_commit_is_one_way_to_the_server_and_back(address: str, tmp_path: Path) -> None:
    with closing(opened_at(address)) as store:
        append_all(store, [a_record(1), a_record(2)])
        store.read_through(2)
        store.trim(1)
        store.append(a_record(3))  # from now on both statements are prepared
        for sequence, trims in ((4, False), (5, True)):
            store.read_through(sequence - 1)
            if trims:
                assert store.trim(sequence - 2)
            with (tmp_path / f"{sequence}").open("wb") as traced:
                store._session._connection.pgconn.trace(traced.fileno())
                store.append(a_record(sequence))
                store._session._connection.pgconn.untrace()

            said = (tmp_path / f"{sequence}").read_text()
            assert (said.count("\tSync"), said.count("\tReadyForQuery")) == (1, 1)


def test_a_copy_is_a_store_on_disk(address: str, tmp_path: Path) -> None:
    fill(address)
    with closing(opened_at(address)) as store:
        store.acquire(None)
        store.extend_file("1-1.ids", b"of ids")
        store.read_through(3)
        assert store.trim(2)
        for write in store.copy_to(tmp_path):
            write()
        store.append(a_record(4, epoch=1))
        for write in store.copy_to(tmp_path):  # what has been added since
            write()

    with closing(SqliteStore(tmp_path, 3)) as copy:
        assert numbers(copy) == [2, 3, 4]
        assert sorted(image.slot for image in copy.images()) == [0, 7]
        assert copy.read_file("1-1.ids", 0, 6) == b"of ids"
        assert copy.acquire(1) == 2


def test_a_lock_that_somebody_keeps_does_not_hold_up_a_commit_for_ever(postgres_url: str, address: str) -> None:
    import psycopg

    with closing(opened_at(address)) as store:
        store.append(a_record(1))
        with psycopg.connect(postgres_url) as stranger:
            stranger.execute(f"SELECT * FROM {schema_of(address)}.shards FOR UPDATE".encode())

            with pytest.raises(StoreBusy, match="lock timeout"):
                store.append(a_record(2))

        store.append(a_record(2))
        assert numbers(store) == [1, 2]
