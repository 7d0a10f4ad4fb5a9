"""Can nobody write who has been succeeded, and is everything acknowledged there whatever happens to the server?"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from tests.postgres import a_server, by_hand, new_address, schema_of

from parcours.errors import StoreBroken, StoreBusy
from parcours.store.address import claims_at, open_store, prepare
from parcours.store.claims import Held
from parcours.store.postgres.session import LOCK_S, Session
from parcours.store.postgres.store import PostgresStore
from parcours.store.postgres.url import postgres_address as parts_of
from parcours.store.store import Store
from parcours.testing.faults.nodes.server import PostgresServer
from parcours.testing.store_contract import a_record, an_image, append_all, numbers

APPENDER = Path(__file__).with_name("append_until_stopped.py")
HALF_WRITER = Path(__file__).with_name("stop_in_a_write.py")


@pytest.fixture
def address(postgres_address: str) -> str:
    """The address of an empty store of four shards."""
    prepare(postgres_address, "luma", 4)
    return postgres_address


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server that the tests here may hurt."""
    with a_server() as server:
        yield server


@pytest.fixture
def hurt(server: PostgresServer) -> str:
    """The address of an empty store on that server."""
    address = new_address(server.url)
    prepare(address, "luma", 4)
    return address


def an_owner(address: str, expected: int | None = None) -> Store:
    """A store whose shard has been acquired."""
    store = open_store(address, 3, is_successor=expected is not None)
    store.acquire(expected)
    return store


def trimming(store: Store) -> None:
    """Append with what has to be noted and deleted besides."""
    store.read_through(2)
    assert store.trim(1)
    store.append(a_record(3, epoch=1))


WRITES: dict[str, Callable[[Store], object]] = {
    "a record": lambda store: store.append(a_record(3, epoch=1)),
    "a record with trimming": trimming,
    "an image": lambda store: store.save_image(an_image(0, 2)),
    "a file": lambda store: store.extend_file("1-1.ids", b"more"),
    "the end of a file": lambda store: store.delete_file("1-1.ids"),
}


@pytest.mark.parametrize("write", WRITES)
def test_who_was_succeeded_writes_nothing_any_more(postgres_url: str, address: str, write: str) -> None:
    with closing(an_owner(address)) as stale:
        append_all(stale, [a_record(1, epoch=1), a_record(2, epoch=1)])
        stale.extend_file("1-1.ids", b"data")
        by_hand(postgres_url, f"UPDATE {schema_of(address)}.shards SET epoch = 2")  # its session lives on

        with pytest.raises(StoreBusy, match="held under epoch 2; epoch 1 is over and has to stop"):
            WRITES[write](stale)

    with closing(an_owner(address)) as successor:
        assert numbers(successor) == [1, 2]
        assert list(successor.images()) == []
        assert successor.read_file("1-1.ids", 0, 4) == b"data"


def test_a_successor_takes_over_from_an_owner_that_lives(address: str) -> None:
    with closing(an_owner(address)) as stale:
        stale.append(a_record(1, epoch=1))

        with closing(an_owner(address, expected=1)) as successor:
            successor.append(a_record(2, epoch=2))
            with pytest.raises((StoreBroken, StoreBusy)):
                stale.append(a_record(2, epoch=1))

            assert numbers(successor) == [1, 2]
            with pytest.raises(StoreBusy, match="in use by parcours shard 3"):  # it is told to others as before
                open_store(address, 3)


def test_a_successor_that_comes_too_late_disturbs_nobody(address: str) -> None:
    with closing(an_owner(address)) as owner, closing(open_store(address, 3, is_successor=True)) as late:
        owner.append(a_record(1, epoch=1))

        with pytest.raises(StoreBusy, match="held under epoch 1, not 0"):
            late.acquire(0)

        owner.append(a_record(2, epoch=1))
        assert numbers(owner) == [1, 2]


def test_a_successor_knows_what_its_predecessor_wrote_after_it_opened(address: str) -> None:
    with closing(an_owner(address)) as owner, closing(open_store(address, 3, is_successor=True)) as successor:
        append_all(owner, [a_record(1, epoch=1), a_record(2, epoch=1)])

        assert successor.acquire(1) == 2

        successor.append(a_record(3, epoch=2))
        assert numbers(successor) == [1, 2, 3]


def test_who_was_succeeded_leaves_no_mark_in_the_scratch_bytes_of_its_successor(address: str) -> None:
    with closing(an_owner(address)) as stale:
        left = stale.scratch()
        left[:4] = b"left"
        with closing(an_owner(address, expected=1)) as successor:
            found = successor.scratch()
            assert bytes(found[:4]) == b"left"

            left[:4] = b"late"

            assert bytes(found[:4]) == b"left"


def test_where_a_shard_runs_is_not_known_any_more_once_somebody_else_has_acquired_it(address: str) -> None:
    claims = claims_at(address, 4)
    with closing(an_owner(address)):
        claims.note(3, Held(1, "shard-3@1.1 at host-1"))

    with closing(an_owner(address, expected=1)):
        assert claims.shards()[3] == Held(2)


@contextmanager
def appender(address: str) -> Iterator[subprocess.Popen[str]]:
    """A process that appends for ever and says of each record when it is acknowledged."""
    process = subprocess.Popen(
        [sys.executable, APPENDER, address, "1000", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=30)


def test_a_frozen_owner_does_not_hold_up_its_successor_and_is_told_when_it_goes_on(address: str) -> None:
    with appender(address) as frozen:
        assert frozen.stdout is not None
        for _ in range(5):
            acknowledged = int(frozen.stdout.readline())
        os.kill(frozen.pid, signal.SIGSTOP)

        with closing(an_owner(address, expected=0)) as successor:
            found = numbers(successor)
            successor.append(a_record(found[-1] + 1, epoch=1))
            os.kill(frozen.pid, signal.SIGCONT)
            last = [line.strip() for line in frozen.stdout]

            assert last[-2].startswith("broken: ") and last[-1] == "refused"
            said = [acknowledged, *(int(line) for line in last[:-2])]
            assert set(said) <= set(found)
            assert numbers(successor) == [*found, found[-1] + 1]


def test_whoever_opens_to_own_the_shard_takes_it_from_a_process_that_is_frozen(address: str) -> None:
    with appender(address) as frozen:
        assert frozen.stdout is not None
        acknowledged = int(frozen.stdout.readline())
        os.kill(frozen.pid, signal.SIGSTOP)

        with closing(PostgresStore(parts_of(address), 3, is_owner=True, frozen_after_s=1)) as owner:
            assert owner.acquire(None) == 1
            found = numbers(owner)
            owner.append(a_record(found[-1] + 1, epoch=1))
            os.kill(frozen.pid, signal.SIGCONT)
            last = [line.strip() for line in frozen.stdout]

            assert last[-2].startswith("broken: ") and last[-1] == "refused"
            assert {acknowledged, *(int(line) for line in last[:-2])} <= set(found)
            assert numbers(owner) == [*found, found[-1] + 1]
            with pytest.raises(StoreBusy, match="in use by parcours shard 3"):
                open_store(address, 3)


def test_whoever_only_looks_ends_nobody(address: str) -> None:
    with appender(address) as frozen:
        assert frozen.stdout is not None
        frozen.stdout.readline()
        os.kill(frozen.pid, signal.SIGSTOP)

        with pytest.raises(StoreBusy, match=r"nothing has been heard of it for \d+ s: it is frozen; end it, or let an"):
            open_store(address, 3)

        os.kill(frozen.pid, signal.SIGCONT)
        assert int(frozen.stdout.readline()), "it goes on"


def test_an_owner_that_has_nothing_to_do_is_no_frozen_one(address: str) -> None:
    with closing(an_owner(address)) as idle:
        with pytest.raises(StoreBusy, match="in use by parcours shard 3, process .*: close the engine that has it, or"):
            PostgresStore(parts_of(address), 3, is_owner=True, frozen_after_s=LOCK_S)

        idle.append(a_record(1, epoch=1))


@contextmanager
def half_writer(address: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has stopped itself when it had written a record, and not committed it."""
    process = subprocess.Popen([sys.executable, HALF_WRITER, address], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None and process.stdout.readline() == "written\n"
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        yield process
    finally:
        process.kill()
        process.communicate(timeout=30)


@pytest.mark.parametrize("expected", [0, None], ids=["a successor", "an owner who knows no epoch"])
def test_an_owner_frozen_in_the_middle_of_a_write_holds_up_nobody(address: str, expected: int | None) -> None:
    is_successor = expected is not None
    with half_writer(address) as frozen:
        assert frozen.stdout is not None
        opened = PostgresStore(parts_of(address), 3, is_successor=is_successor, is_owner=True, frozen_after_s=1)
        with closing(opened) as owner:
            assert owner.acquire(expected) == 1
            owner.append(a_record(1, epoch=1))
            os.kill(frozen.pid, signal.SIGCONT)

            assert frozen.stdout.read() == "refused\n"
            assert numbers(owner) == [1]


def test_who_comes_too_late_ends_no_write_that_is_under_way(address: str) -> None:
    with half_writer(address) as frozen:
        assert frozen.stdout is not None
        late = open_store(address, 3, is_successor=True)
        with closing(late), pytest.raises(StoreBusy, match="held under epoch 0, not 7"):
            late.acquire(7)
        os.kill(frozen.pid, signal.SIGCONT)

        assert frozen.stdout.read() == "committed\n"


def test_what_was_acknowledged_survives_a_killed_process(address: str) -> None:
    acknowledged = 0
    for _ in range(2):  # the second process goes on where the first was killed
        with appender(address) as process:
            assert process.stdout is not None
            for _ in range(20):
                acknowledged = int(process.stdout.readline())
            process.send_signal(signal.SIGKILL)
            acknowledged = int((process.stdout.read().split() or [str(acknowledged)])[-1])

    with closing(open_store(address, 3)) as store:
        found = list(store.records())
    assert len(found) in (acknowledged, acknowledged + 1)  # one may have been safe, but not yet acknowledged
    assert found == [a_record(number, size_bytes=1_000) for number in range(1, len(found) + 1)]


def test_what_was_acknowledged_survives_a_killed_server(server: PostgresServer, hurt: str) -> None:
    store = an_owner(hurt)
    append_all(store, [a_record(number, epoch=1) for number in range(1, 30)])
    server.kill(signal.SIGQUIT)

    with pytest.raises(StoreBroken, match=r"was lost while committing \(.*only the store can say; open it again"):
        store.append(a_record(30, epoch=1))
    with pytest.raises(StoreBroken, match="cannot be used .*look at the server"):
        open_store(hurt, 3)
    server.start_again()
    with pytest.raises(StoreBroken, match="only the store can say"):  # it refuses until it is opened again
        store.append(a_record(30, epoch=1))
    store.close()

    with closing(an_owner(hurt)) as again:
        assert numbers(again) == [*range(1, 30)]
        again.append(a_record(30, epoch=2))


class Proxy:
    """Stands between a store and its server, and cuts the line at the next commit.

    cut  "question" before it has reached the server, "answer" when the server has begun to answer
    """

    def __init__(self, server: Path, folder: Path) -> None:
        self.cut: str | None = None
        self._server = str(server / ".s.PGSQL.5432")
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(str(folder / ".s.PGSQL.5432"))
        self._door.listen()
        self._lines: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._take, daemon=True)]
        self._threads[0].start()

    def _take(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return  # closed
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._server)
            self._lines += [client, server]
            for each in ((client, server, "question"), (server, client, "answer")):
                self._threads.append(threading.Thread(target=self._pass_on, args=each, daemon=True))
                self._threads[-1].start()

    def _pass_on(self, source: socket.socket, target: socket.socket, what: str) -> None:
        while data := source.recv(65_536):
            if self.cut == what:
                break
            target.sendall(data)
        for each in (source, target):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the other direction has ended it

    def close(self) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        for thread in self._threads:
            thread.join(30)
        for each in self._lines:
            each.close()


@pytest.fixture
def proxy(server: PostgresServer, tmp_path: Path) -> Iterator[Proxy]:
    with closing(Proxy(server.socket_folder, tmp_path)) as proxy:
        yield proxy


@pytest.mark.parametrize(("cut", "kept"), [("question", [1]), ("answer", [1, 2])])
def test_a_commit_whose_line_was_cut_is_looked_up(
    server: PostgresServer, hurt: str, proxy: Proxy, tmp_path: Path, cut: str, kept: list[int]
) -> None:
    store = an_owner(hurt.replace(str(server.socket_folder), str(tmp_path)))
    store.append(a_record(1, epoch=1))
    proxy.cut = cut

    with pytest.raises(StoreBroken, match="lost while committing"):
        store.append(a_record(2, epoch=1))
    with pytest.raises(StoreBroken, match="lost while committing"):
        store.append(a_record(2, epoch=1))
    store.close()

    proxy.cut = None
    with closing(an_owner(hurt)) as again:
        assert numbers(again) == kept
        again.append(a_record(kept[-1] + 1, epoch=2))


def test_a_server_that_does_not_answer_is_not_waited_for_for_ever(address: str) -> None:
    with closing(Session(parts_of(address), "test")) as session:
        session._connection.answer_s = 0.05

        with pytest.raises(StoreBroken, match=r"has not answered within 0\.05 s"), session.errors_in_words():
            session.run("SELECT pg_sleep(20)")

        assert session.is_lost


def test_a_server_that_may_lose_what_it_has_answered_is_refused(server: PostgresServer, hurt: str) -> None:
    by_hand(server.url, "ALTER SYSTEM SET fsync = off")
    by_hand(server.url, "SELECT pg_reload_conf()")
    try:
        with pytest.raises(StoreBroken, match="has fsync off"):
            an_owner(hurt)
    finally:
        by_hand(server.url, "ALTER SYSTEM RESET fsync")
        by_hand(server.url, "SELECT pg_reload_conf()")


def test_a_server_that_is_only_to_be_read_is_refused(server: PostgresServer, hurt: str) -> None:
    by_hand(server.url, "ALTER DATABASE postgres SET default_transaction_read_only = on")
    try:
        with pytest.raises(StoreBroken, match="read-only|only to be read"):
            an_owner(hurt)
    finally:
        by_hand(f"{server.url}&options=-cdefault_transaction_read_only%3Doff", "ALTER DATABASE postgres RESET ALL")
