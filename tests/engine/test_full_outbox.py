"""Does a provider that hangs stop nothing else, is it told, and is there a bound on what waits for it?"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from parcours import Engine, Overloaded, Project, Settings
from parcours.testing.doubles import Hang, SmtpServer

if TYPE_CHECKING:
    from tests.engine.conftest import Desk

PATIENCE_S = 30.0
"""How long a test waits for what takes milliseconds."""

WAITING_MAX = 4


@contextmanager
def shop_of(folder: Path, port: int, **settings: object) -> Iterator[Engine]:
    """An engine of the shop in this folder, which mails over that port by one connection."""
    path = folder / "parcours.yaml"
    document = msgspec.json.decode(path.read_bytes())
    mail = {"host": "127.0.0.1", "port": port, "sender": "a@luma.example", "tls": "none"}
    mail |= {"connections_max": 1, "connect_timeout_s": 2}
    document["channels"]["email"] = mail
    path.write_bytes(msgspec.json.encode(document))
    given = Settings.model_validate(
        {"channel_silence_ms": 100, "send_timeout_s": 5, "channel_pause_ms": 20, **settings}
    )
    with Engine.open(Project.load(folder), "memory:", shards=1, runtime="local", settings=given) as engine:
        yield engine


@pytest.fixture
def asking_folder(tmp_path: Path, desk: Desk, asking_shop: Callable[[str], Project]) -> Path:
    asking_shop(desk.url)
    return tmp_path / "asking"


def port_of(server: socket.socket) -> int:
    port: int = server.getsockname()[1]
    return port


def buys(number: int) -> list[Mapping[str, object]]:
    """What leads to a mail."""
    who = {"userId": f"u{number}"}
    return [
        {"type": "identify", "traits": {"email": f"u{number}@mail.example"}, **who},
        {"type": "track", "event": "Started", "properties": {"cart": "1"}, **who},
        {"type": "track", "event": "Bought", "properties": {"cart": "1"}, **who},
    ]


def until(holds: Callable[[], object], what: str) -> None:
    """Wait for it; each look lets the engine work on."""
    waited = threading.Event()
    for _ in range(int(PATIENCE_S / 0.01)):
        if holds():
            return
        waited.wait(0.01)
    raise AssertionError(f"not within {PATIENCE_S:g} s: {what}")


def test_a_mail_server_that_hangs_is_told_within_a_minute_and_stops_neither_events_nor_other_channels(
    asking_folder: Path, desk: Desk
) -> None:
    assert Settings().channel_silence_ms < 60_000
    with (
        socket.create_server(("127.0.0.1", 0), backlog=64) as silent,
        shop_of(asking_folder, port_of(silent)) as engine,
    ):
        engine.ingest([line for number in range(9) for line in buys(number)]).result()
        until(lambda: any("has not answered for 0.1 s" in each for each in engine.troubles()), "the trouble")

        assert engine.ingest(buys(10)).result().accepted == 3
        engine.track("u1", "Seen", {"page": "p"}).result()
        until(lambda: desk.asked, "the call of another channel")


def test_what_waits_beyond_the_bound_is_a_trouble_with_its_number_and_is_kept(asking_folder: Path) -> None:
    with SmtpServer() as server, shop_of(asking_folder, server.port, outbox_max=WAITING_MAX) as engine:
        server.next("mail", Hang())
        engine.ingest([line for number in range(WAITING_MAX - 1) for line in buys(number)]).result()
        assert not any("wait for the channel" in each for each in engine.troubles())

        engine.ingest([line for number in range(10, 12) for line in buys(number)]).result()

        assert "shard 0: 5 deliveries wait for the channel 'email', and outbox_max=4" in engine.troubles()
        server.hang_up()
        engine.drain(timeout_s=PATIENCE_S)
        assert engine.troubles() == []


def test_events_are_refused_while_an_outbox_is_full_and_consent_is_not(asking_folder: Path) -> None:
    settings = {"outbox_max": WAITING_MAX, "outbox_full": "refuse"}
    with SmtpServer() as server, shop_of(asking_folder, server.port, **settings) as engine:
        server.next("mail", Hang())
        engine.ingest([line for number in range(WAITING_MAX) for line in buys(number)]).result()

        with pytest.raises(Overloaded, match="4 deliveries wait for the channel 'email'"):
            engine.track("u1", "Seen", {"page": "p"}).result()
        with pytest.raises(Overloaded):
            engine.ingest(buys(9)).result()
        assert engine.consent("u1", "email", granted=False).result().accepted == 1
        assert engine.react("u1", "opened", of="cart.thank").result().accepted == 1

        server.hang_up()
        engine.drain(timeout_s=PATIENCE_S)
        until(lambda: takes(engine), "events are taken again")


def takes(engine: Engine) -> bool:
    try:
        return engine.track("u1", "Seen", {"page": "p"}).result().accepted == 1
    except Overloaded:
        return False
