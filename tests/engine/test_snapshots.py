"""A snapshot has whoever is a member at its instant, and what happens meanwhile holds beside it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from confluent_kafka import Message
from tests.engine.test_destinations import SETTINGS, SHOP, Desk, members
from tests.logs import add_stream, stream_messages, topic_messages
from tests.projects import write_texts

from parcours import Engine, Project
from parcours.clock import ManualClock
from parcours.core.fact import Changed
from parcours.core.time_text import time_text
from parcours.testing.doubles import HttpReply, Kafka, NatsServer

PEOPLE = 40
BEGIN_MS = 1_793_584_800_000

MOVES_MAX = 4_000
"""Of people, while a snapshot is waited for: a minute's."""


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk() as desk:
        yield desk


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(BEGIN_MS)


@pytest.fixture
def open_engine(tmp_path: Path, clock: ManualClock) -> Callable[[str], Engine]:
    """An engine whose destination `all` is told of all members two seconds after the beginning."""

    def start(to: str) -> Engine:
        at = time_text(BEGIN_MS + 2_000)
        all_of_them = f"{{audience: vip, batch: 7, full: {{at: '{at}'}}, key: profile.email, to: {to}}}"
        write_texts(tmp_path / "shop", {**SHOP, "destinations.yaml": f"destinations:\n  all: {all_of_them}\n"})
        return Engine.open(
            Project.load(tmp_path / "shop"), f"sqlite:///{tmp_path}/store", shards=2, runtime="local",
            settings=SETTINGS, private_hosts=["127.0.0.0/8"], clock=clock, environ={"TOKEN": "secret"},
        )  # fmt: skip

    return start


def live_until(engine: Engine, clock: ManualClock, is_over: Callable[[], bool]) -> None:
    """People move in and out, until it is over and for a little while more."""
    chance, pause = Random(7), threading.Event()

    def move() -> None:
        clock.move_to(clock.now_ms() + 20)
        engine.identify(f"u{chance.randrange(PEOPLE)}", {"city": chance.choice(["Paris", "Rome"])}).result()

    for number in range(PEOPLE):
        engine.identify(f"u{number}", {"email": f"u{number}@mail.example", "city": "Paris"}).result()
    left = MOVES_MAX
    while not is_over():
        move()
        pause.wait(0.01)
        left -= 1
        assert left > 0, "no snapshot was taken"
    for _ in range(30):
        move()
    engine.drain(timeout_s=60)


def inside_at(engine: Engine, instant: str) -> set[str]:
    """By the facts, whose last move of audience until an instant was into it."""
    inside = set[str]()
    for number in range(PEOPLE):
        moves = [fact for fact in engine.facts(f"u{number}") if isinstance(fact, Changed) and fact.what == "audience"]
        until = [fact.value for fact in moves if time_text(fact.at) <= instant]
        if until and until[-1] == "entered":
            inside.add(f"u{number}@mail.example")
    return inside


def check(engine: Engine, told: Sequence[Mapping[str, Any]], *, is_ordered: bool) -> None:
    """The snapshot is what facts say, and with all that is later the other side has whoever is inside in the end."""
    snapshot = [change for change in told if change["change"] == "member"]
    (instant,) = {str(change["snapshot"]) for change in snapshot}
    assert all(change["at"] == instant for change in snapshot)
    assert len({change["id"] for change in snapshot}) == len(snapshot)
    assert {change["key"] for change in snapshot} == inside_at(engine, instant)
    later = [change for change in told if change["at"] > instant and change["change"] != "member"]
    assert later, "people have moved since"
    entered = [{**change, "change": "entered"} for change in snapshot]
    now = inside_at(engine, "9")
    assert members([*entered, *later]) == now
    if is_ordered:
        assert members([{**change, "change": change["change"].replace("member", "entered")} for change in told]) == now


def test_a_file_has_the_members_of_the_instant_and_what_is_later(
    open_engine: Callable[[str], Engine], clock: ManualClock, tmp_path: Path
) -> None:
    file = tmp_path / "shop/out/all.ndjson"

    with open_engine("{file: out/all.ndjson}") as engine:
        live_until(engine, clock, lambda: file.exists() and b'"member"' in file.read_bytes())
        told = [json.loads(line) for line in file.read_text().splitlines()]
        assert all(change["change"] == "member" or change["at"] > told[0]["snapshot"] for change in told)
        check(engine, told, is_ordered=True)
        assert engine.troubles() == []
    assert not list(file.parent.glob("*.part"))


def test_a_webhook_is_posted_the_members_of_the_instant(
    open_engine: Callable[[str], Engine], clock: ManualClock, desk: Desk
) -> None:
    def has_all() -> bool:
        return any(change["change"] == "member" for request in desk.requests for change in request)

    with open_engine(f"{{webhook: {{url: '{desk.url}'}}}}") as engine:
        live_until(engine, clock, has_all)
        told = [change for request in desk.requests for change in request]
        assert max(map(len, desk.requests)) <= 7
        check(engine, told, is_ordered=False)


def test_a_topic_has_the_members_of_the_instant_under_their_keys(
    open_engine: Callable[[str], Engine], clock: ManualClock
) -> None:
    with Kafka() as kafka:
        kafka.create("vip", 1)

        def messages() -> list[Message]:
            return topic_messages(kafka, "vip")

        with open_engine(
            f"{{kafka: {{servers: '{kafka.servers}', topic: vip, options: {{linger.ms: '0'}}}}}}"
        ) as engine:
            live_until(engine, clock, lambda: any(b'"member"' in (each.value() or b"") for each in messages()))
            told = [json.loads(message.value() or b"") for message in messages()]
            assert [change["key"].encode() for change in told] == [message.key() for message in messages()]
            check(engine, told, is_ordered=False)


def test_a_stream_has_the_members_of_the_instant_once_each(
    open_engine: Callable[[str], Engine], clock: ManualClock
) -> None:
    with NatsServer(more='authorization: {token: "secret"}') as server:
        add_stream(server, "VIP", "vip", token="secret")

        def values() -> list[bytes]:
            return [value for value, _ in stream_messages(server, "VIP", token="secret")]

        with open_engine(f"{{nats: {{url: '{server.url}', subject: vip, token: env:TOKEN}}}}") as engine:
            live_until(engine, clock, lambda: any(b'"member"' in value for value in values()))
            told = [json.loads(value) for value in values()]
            assert len({change["id"] for change in told}) == len(told)
            check(engine, told, is_ordered=False)


def test_a_snapshot_that_fails_is_a_trouble_and_increments_go_on(
    open_engine: Callable[[str], Engine], clock: ManualClock, desk: Desk
) -> None:
    with open_engine(f"{{webhook: {{url: '{desk.url}'}}}}") as engine:
        engine.identify("ann", {"email": "ann@mail.example", "city": "Paris"}).result()
        engine.drain(timeout_s=20)
        desk.next(HttpReply(500, {}))
        pause, left = threading.Event(), MOVES_MAX
        while not engine.troubles():
            clock.move_to(clock.now_ms() + 20)
            pause.wait(0.02)
            left -= 1
            assert left > 0, "nobody was told of it"
        assert "the destination 'all' was not told of all members: " in engine.troubles()[0]
        engine.identify("ben", {"email": "ben@mail.example", "city": "Paris"}).result()
        engine.drain(timeout_s=20)
    assert [change["change"] for request in desk.requests for change in request] == ["entered", "entered"]
