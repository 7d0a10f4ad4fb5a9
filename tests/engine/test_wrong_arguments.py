"""Whatever is handed to a public call, what is wrong with it is an error of Parcours, in words that can be written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from parcours import Engine, Project, Service, explanation_text, simulate
from parcours.channel import WebhookRequest
from parcours.errors import CallerError, ParcoursError, SettingInvalid
from parcours.testing.virtual_project import VirtualProject

Use = Callable[[Any, Any], object]


class Unshown:
    """Cannot be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("not to be shown")


WRONG: tuple[object, ...] = (
    *(None, 5, -1, True, 10**5_000, float("nan"), float("inf"), b"x", "", "a\0b", "\ud800", "x" * 10_000),
    *([], [1], [None], ["\ud800"], [10**5_000], {}, {"a": 1}, {1: 2}, {"\ud800": 1}, {"a": 10**5_000}),
    *(object(), Unshown(), [Unshown()], date(2026, 1, 1), datetime(2026, 1, 1), timedelta.max),  # noqa: DTZ001
    *(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)),
    *(datetime.min.replace(tzinfo=timezone(timedelta(hours=23))), Path("/nowhere"), Path("x" * 5_000)),
)
"""What a caller may hand in by mistake. Some of it is right at some places."""

REQUEST = WebhookRequest(method="POST", url="https://shop.example", headers={}, body=b"")
SEEN = b'{"type":"track","userId":"a","event":"Seen","timestamp":"2026-01-01T00:00:00Z"}'
SENDER = ("anonymous_id", "timestamp", "message_id")

FACADE: dict[str, Use] = {
    "track user_id": lambda shop, x: shop.track(x, "Seen"),
    "track event": lambda shop, x: shop.track("a", x),
    "track properties": lambda shop, x: shop.track("a", "Seen", x),
    "track property": lambda shop, x: shop.track("a", "Seen", {"page": x}),
    "identify user_id": lambda shop, x: shop.identify(x, {"city": "Oslo"}),
    "identify traits": lambda shop, x: shop.identify("a", x),
    "identify trait": lambda shop, x: shop.identify("a", {"city": x}),
    "consent user_id": lambda shop, x: shop.consent(x, "email"),
    "consent channel": lambda shop, x: shop.consent("a", x),
    "consent purpose": lambda shop, x: shop.consent("a", "email", purpose=x),
    "consent granted": lambda shop, x: shop.consent("a", "email", granted=x),
    "react user_id": lambda shop, x: shop.react(x, "opened", of="cart.remind"),
    "react reaction": lambda shop, x: shop.react("a", x, of="cart.remind"),
    "react of": lambda shop, x: shop.react("a", "opened", of=x),
    "react channel": lambda shop, x: shop.react("a", "opened", of="cart.remind", channel=x),
    "react link": lambda shop, x: shop.react("a", "clicked", of="cart.remind", link=x),
    "react answer": lambda shop, x: shop.react("a", "answered", of="cart.remind", answer=x),
    "profile": lambda shop, x: shop.profile(x),
    "explain": lambda shop, x: shop.explain(x),
    "publish": lambda shop, x: shop.publish(x),
    "close_journey": lambda shop, x: shop.close_journey(x),
    "stop_journey": lambda shop, x: shop.stop_journey(x),
    "pause_journey": lambda shop, x: shop.pause_journey(x),
    "resume_journey": lambda shop, x: shop.resume_journey(x),
    **{f"track {name}": lambda shop, x, name=name: shop.track(None, "Seen", **{name: x}) for name in SENDER},  # type: ignore[misc]
    **{f"identify {name}": lambda shop, x, name=name: shop.identify("a", {}, **{name: x}) for name in SENDER},  # type: ignore[misc]
}
LIVE: dict[str, Use] = {
    **FACADE,
    "ingest": lambda shop, x: shop.ingest(x),
    "ingest a call": lambda shop, x: shop.ingest([x]),
    "ingest a type": lambda shop, x: shop.ingest([{"type": x, "userId": x}]),
    "feedback channel": lambda shop, x: shop.feedback(x, REQUEST),
    "feedback request": lambda shop, x: shop.feedback("email", x),
}
VIRTUAL: dict[str, Use] = {
    **FACADE,
    "answer user_id": lambda shop, x: shop.answer(x, of="cart.remind"),
    "answer": lambda shop, x: shop.answer("a", x, of="cart.remind"),
    "answer of": lambda shop, x: shop.answer("a", of=x),
    "happen": lambda shop, x: shop.happen(x),
    "happen type": lambda shop, x: shop.happen({"type": x}),
    "advance": lambda shop, x: x is None or shop.advance(x),
    "advance days": lambda shop, x: shop.advance(days=x),
    "sent who": lambda shop, x: shop.sent(who=x),
    "sent channel": lambda shop, x: shop.sent(channel=x),
    "explanation": lambda shop, x: shop.explanation(x),
}
SIMULATE: Any = simulate
PROJECT: Any = Project
EXPLANATION_TEXT: Any = explanation_text
"""As whoever has no type checker sees them."""

OPENED = ("shards", "runtime", "records", "settings", "clock", "environ")
SIMULATED = ("until_ms", "runtime", "shards", "crowd", "channels", "rendering", "settings")
CALLED_BACK = ("rejected", "progress", "facts")


def opened(project: Any, store: Any = "memory:", **named: Any) -> None:
    given: dict[str, Any] = {"runtime": "local", "records": ["email"], "shards": 1, **named}
    Engine.open(project, store, **given).close()


ELSEWHERE: dict[str, Use] = {
    "open project": lambda shop, x: opened(x),
    "open store": lambda shop, x: opened(shop, x),
    "open folder": lambda shop, x: opened(shop, f"sqlite:///{x}" if x in ("a\0b", "\ud800", "x" * 10_000) else ""),
    **{f"open {name}": lambda shop, x, name=name: opened(shop, **{name: x}) for name in OPENED},  # type: ignore[misc]
    "simulate project": lambda shop, x: simulate(x, b""),
    "simulate lines": lambda shop, x: simulate(shop, x),
    "simulate a line": lambda shop, x: simulate(shop, [SEEN, x], sort=False),
    **{f"simulate {name}": lambda shop, x, name=name: simulate(shop, SEEN, **{name: x}) for name in SIMULATED},  # type: ignore[misc]
    **{f"simulate {name}": lambda shop, x, name=name: simulate(shop, b"x", **{name: x}) for name in CALLED_BACK},  # type: ignore[misc]
    "load": lambda shop, x: Project.load(x),
    "load contents": lambda shop, x: Project.load("/nowhere", contents=x),
    "load settings": lambda shop, x: Project.load("/nowhere", settings=x),
    "check": lambda shop, x: Project.check(x),
    "load checks": lambda shop, x: Project.load("/nowhere", checks=x),
    "check checks": lambda shop, x: Project.check("/nowhere", checks=x),
    "of": lambda shop, x: Project.of(x),
    **{
        f"of {name}": lambda shop, x, name=name: Project.of(shop.documents.settings, **{name: x})  # type: ignore[misc]
        for name in ("profile", "events", "audiences", "messages", "journeys", "actions", "contents")
    },
    "from_json": lambda shop, x: Project.from_json(x),
    "from_json bytes": lambda shop, x: Project.from_json(repr([]).encode() if x == [] else b"{}"),
    "explanation_text": lambda shop, x: explanation_text(x),
    "VirtualProject project": lambda shop, x: VirtualProject(x).close(),
    "VirtualProject start": lambda shop, x: VirtualProject(shop, x).close(),
    "VirtualProject settings": lambda shop, x: VirtualProject(shop, settings=x).close(),
}


TAKES_ANYTHING = {"ingest a call", "ingest a type"}
"""Calls that answer for each line, whatever it is."""


def say_so(call: str, use: Use, of: object, finish: Callable[[object], object] = lambda answer: answer) -> None:
    """Every wrong value is either taken, or an error of Parcours that can be written down, and some are errors."""
    said = []
    for value in WRONG:
        try:
            finish(use(of, value))
        except ParcoursError as error:
            said.append(str(error))
    assert bool(said) == (call not in TAKES_ANYTHING)
    assert all(len(each.encode()) < 20_000 for each in said)


@pytest.fixture(scope="module")
def engine(shop: Project) -> Iterator[Engine]:
    with Engine.open(shop, "memory:", shards=1, runtime="local", records=["email"]) as engine:
        yield engine


@pytest.fixture
def virtual(shop: Project) -> Iterator[VirtualProject]:
    with VirtualProject(shop) as virtual:
        yield virtual


@pytest.mark.parametrize("call", LIVE)
def test_a_running_engine_is_asked_wrongly(call: str, engine: Engine) -> None:
    say_so(call, LIVE[call], engine, lambda answer: answer.result(60) if hasattr(answer, "result") else answer)


@pytest.mark.parametrize("call", VIRTUAL)
def test_a_virtual_project_is_asked_wrongly(call: str, virtual: VirtualProject) -> None:
    say_so(call, VIRTUAL[call], virtual)


@pytest.mark.parametrize("call", ELSEWHERE)
def test_a_call_is_made_wrongly(call: str, shop: Project) -> None:
    say_so(call, ELSEWHERE[call], shop)


def test_a_service_is_asked_wrongly(shop: Project) -> None:
    async def backend() -> None:
        async with Service.open(shop, "memory:", shards=1, runtime="local", records=["email"]) as service:
            for call, use in LIVE.items():
                refused = 0
                for value in WRONG:
                    try:
                        await use(service, value)  # type: ignore[misc]
                    except ParcoursError:
                        refused += 1
                assert bool(refused) == (call not in TAKES_ANYTHING), call

    asyncio.run(backend())


@pytest.mark.parametrize(
    "use, complaint",
    [
        (lambda shop: SIMULATE(shop, ["x"]), "line 1 is 'x', and a line of NDJSON as bytes is expected"),
        (lambda shop: SIMULATE("shop", b""), r"simulate\('shop'\): a Project is expected"),
        (lambda shop: SIMULATE(shop, b"", until_ms="x"), "until_ms='x': a whole number from"),
        (lambda shop: SIMULATE(shop, b"", channels={"email": None}), r"channels\['email'\]=None: a mapping"),
        (lambda shop: SIMULATE(shop, b"", facts=[]), r"facts=\[\]: a function is expected"),
        (lambda shop: SIMULATE(shop, b"", rendering=5), "rendering=5: an object with the method `answering`"),
        (lambda shop: opened(shop, clock=5), "clock=5: an object with the method `now_ms` is expected"),
        (lambda shop: opened(shop, environ=["A=1"]), r"environ=\['A=1'\]: a mapping of texts is expected"),
        (lambda shop: PROJECT.load(None), r"Project.load\(None\): the path of a folder is expected"),
        (lambda shop: PROJECT.load(""), r"Project.load\(''\): the path of a folder is expected"),
        (lambda shop: PROJECT.load("a\0b"), r"Project.load\('a\\x00b'\): no folder can have this path"),
        (lambda shop: PROJECT.check(5), r"Project.check\(5\): the path of a folder is expected"),
        (lambda shop: PROJECT.load("/", contents={"email": 5}), r"contents\['email'\]=5: a model of pydantic"),
        (lambda shop: PROJECT.of(None), "settings=None: a ProjectDocument is expected"),
        (lambda shop: PROJECT.of(shop.documents.settings, messages=[5]), r"messages\[0\]=5: a MessageDocument"),
        (lambda shop: PROJECT.from_json(b"[]"), "this is not what `to_json` has written"),
        (lambda shop: EXPLANATION_TEXT(None), "explanation=None: what `explain` has answered is expected"),
        (lambda shop: VirtualProject(shop, datetime.max.replace(tzinfo=UTC)), "a test starts and ends by the year"),
    ],
)
def test_a_mistake_is_named(use: Callable[[Any], object], complaint: str, shop: Project) -> None:
    with pytest.raises(CallerError, match=complaint):
        use(shop)


@pytest.mark.parametrize("timeout_s", ["x", b"", float("nan"), float("inf"), 10**5_000, True, [1]], ids=type)
def test_a_time_to_wait_is_in_seconds(timeout_s: Any, engine: Engine) -> None:
    for wait in (engine.drain, engine.track("a", "Seen").result):
        with pytest.raises(CallerError, match="timeout_s=.*: a number of seconds, or None, is expected"):
            wait(timeout_s)


def test_an_id_has_no_thousands_of_digits(engine: Engine) -> None:
    with pytest.raises(CallerError, match="user_id=<int>: a whole number of fewer digits is expected"):
        engine.track(10**5_000, "Seen")


@pytest.mark.parametrize("folder", ["a\0b", "\ud800", "x" * 300])
def test_a_store_lies_in_a_folder_that_there_can_be(folder: str, shop: Project) -> None:
    with pytest.raises(SettingInvalid, match="no folder can have this path"):
        opened(shop, f"sqlite:///{folder}")
