"""Is a mail server that takes nothing a trouble that is told within seconds, and nobody's loss?"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest

from parcours import Engine, Project, Settings
from parcours.testing.doubles import SmtpServer

NewShop = Callable[..., Project]

SENDER = "shop@luma.example"
PATIENCE_S = 30.0
"""How long a test waits for what takes milliseconds."""


@contextmanager
def engine_of(shop: Project, pause_ms: int = 20, silence_ms: int = 60_000) -> Iterator[Engine]:
    settings = Settings(channel_silence_ms=silence_ms, channel_pause_ms=pause_ms, channel_pause_max_ms=pause_ms)
    with Engine.open(shop, "memory:", shards=1, runtime="local", settings=settings) as engine:
        yield engine


def start_all(engine: Engine, people: int) -> None:
    """So many people get a mail at once."""
    for number in range(people):
        engine.identify(f"u{number}", {"email": f"u{number}@mail.example", "city": "Oslo"})
        engine.track(f"u{number}", "Started", {"cart": "1"}).result()
    for number in range(people):
        engine.track(f"u{number}", "Bought", {"cart": "1"}).result()


def trouble_of(engine: Engine) -> str:
    """The trouble, as soon as there is one; each look lets the engine work on."""
    waited = threading.Event()
    for _ in range(int(PATIENCE_S / 0.01)):
        troubles = engine.troubles()
        if troubles:
            return troubles[0]
        waited.wait(0.01)
    raise AssertionError(f"no trouble within {PATIENCE_S:g} s")


def mail(port: int, **settings: object) -> Mapping[str, object]:
    return {"host": "127.0.0.1", "port": port, "sender": SENDER, "tls": "none", **settings}


@contextmanager
def silent_server() -> Iterator[int]:
    """A server that takes connections and never says a word; its port."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield server.getsockname()[1]


def test_a_server_that_never_says_a_word_is_trouble(new_shop: NewShop) -> None:
    with silent_server() as port, engine_of(new_shop(email=mail(port, connect_timeout_s=2)), silence_ms=100) as engine:
        start_all(engine, 3)

        assert trouble_of(engine) == "the channel 'email' has not answered for 0.1 s"


@pytest.mark.parametrize(
    "server, settings, words",
    [
        ({"username": "luma", "password": "right"}, {"username": "luma", "password": "wrong"}, "refused the user name"),
        ({}, {"tls": "starttls"}, "connect: "),
        ({"username": "luma", "password": "right"}, {}, "530 5.7.0"),
    ],
    ids=["wrong password", "no STARTTLS", "no login"],
)
def test_a_server_that_lets_nobody_in_is_trouble(
    server: Mapping[str, str], settings: Mapping[str, str], words: str, new_shop: NewShop
) -> None:
    with SmtpServer(**server) as double, engine_of(new_shop(email=mail(double.port, **settings))) as engine:  # type: ignore[arg-type]
        start_all(engine, 3)

        trouble = trouble_of(engine)

    assert trouble.startswith("the channel 'email' waits: ") and words in trouble


def test_when_the_server_is_back_everybody_gets_the_mail_that_has_waited(new_shop: NewShop) -> None:
    answer: list[str | None] = ["550 relay not permitted"]
    with (
        SmtpServer(refuses=lambda _: answer[0]) as server,
        engine_of(new_shop(email=mail(server.port)), 1_000) as engine,
    ):
        start_all(engine, 12)
        assert "refuses everybody, with 550" in trouble_of(engine)

        answer[0] = None
        engine.drain(timeout_s=PATIENCE_S)

        assert engine.troubles() == []
        assert server.mailbox, "those who had not met the refusal before it was clear have their mail"
        people = [engine.profile(f"u{number}") for number in range(12)]
        assert [person.suppressed for person in people if person] == [{}] * 12, "nobody's address is to blame"


def test_a_relay_that_is_set_right_reaches_the_person_whom_it_has_refused(new_shop: NewShop) -> None:
    answer: list[str | None] = ["550 relay not permitted"]
    with SmtpServer(refuses=lambda _: answer[0]) as server, engine_of(new_shop(email=mail(server.port))) as engine:
        start_all(engine, 1)
        engine.drain(timeout_s=PATIENCE_S)
        answer[0] = None

        engine.track("u0", "Started", {"cart": "2"}).result()
        engine.track("u0", "Bought", {"cart": "2"}).result()
        engine.drain(timeout_s=PATIENCE_S)

        assert [letter.to for letter in server.mailbox] == ["u0@mail.example"]


def test_a_channel_with_a_rate_sends_no_faster_and_has_one_dispatcher_in_one_process(new_shop: NewShop) -> None:
    asked = {"rate": "20/s", "dispatchers": 2}
    with SmtpServer() as server, engine_of(new_shop(email=mail(server.port, **asked))) as engine:
        began_s = time.monotonic()
        start_all(engine, 12)
        engine.drain(timeout_s=PATIENCE_S)

        assert len(server.mailbox) == 12
        assert time.monotonic() - began_s >= (12 - 2) / 20, "two at once, and then one each twentieth of a second"
        assert [each.rate for each in engine.channel_states() if each.channel == "email"] == ["20/s"]
