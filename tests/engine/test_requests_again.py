"""A request for decisions that comes again is answered the same, or refused in words: never in part, or in silence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.projects import write_texts

from parcours import Engine, RequestChanged, RequestForgotten
from parcours.clock import ManualClock
from parcours.config import Settings
from parcours.core.fact import Decided as DecidedFact
from parcours.errors import CallerError
from parcours.journey.project import Project
from parcours.service.decided import Asking, Decisions

START = 1_772_442_000_000
DAY = 86_400_000

TEXTS = {"top": {"text": "T"}, "side": {"text": "S"}}
OFFERS = {
    "placements": {each: {"channel": "web", "format": "text"} for each in TEXTS},
    "offers": {
        "twice": {"priority": 100, "tags": ["own"], "caps": [{"max": 2}], "content": TEXTS},
        **{f"o{each}": {"priority": 99 - each, "tags": ["many"], "content": TEXTS} for each in range(30)},
    },
    "collections": {each: {"tags": {"any": [each]}} for each in ("many", "own")},
    "decisions": {
        "all": {"choose": [{"collection": "many"}], "count": 25, "distinct": False},
        "best": {"choose": [{"collection": "many"}]},
        "own": {"choose": [{"collection": "own"}]},
        "adults": {"choose": [{"collection": "many", "when": "profile.age > 17"}]},
    },
}
SHOP = {
    "parcours.yaml": "project: shop\nanonymous_history: used\n",
    "profile.yaml": "traits: {city: string, age: number}\n",
    "offers.yaml": json.dumps(OFFERS),
}


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Engine]:
    write_texts(tmp_path / "shop", SHOP)

    def open_it(clock: ManualClock | None = None, shards: int = 2, **changes: int) -> Engine:
        settings = Settings(decision_timeout_ms=60_000, **changes)
        shop, now = Project.load(tmp_path / "shop"), clock or ManualClock(START)
        return Engine.open(shop, "memory:", runtime="local", shards=shards, clock=now, settings=settings)

    return open_it


def ask(engine: Engine, person: str, request: str, *asked: Asking) -> Decisions:
    return engine.decisions(person, asked or [Asking("best", "top")], request_id=request).result()


def keys(told: Decisions) -> list[list[str | None]]:
    return [[each.proposition for each in one.offers] for one in told.decisions]


def decided(engine: Engine, person: str) -> int:
    return len([each for each in engine.facts(person) if isinstance(each, DecidedFact)])


def test_a_request_gets_all_it_was_given_and_may_ask_for_no_more_than_is_remembered(
    opened: Callable[..., Engine],
) -> None:
    with opened() as engine:
        engine.identify("sarah", {"age": 30}).result()
        ask(engine, "sarah", "before")
        both = Asking("all", "top"), Asking("all", "side")

        first, again = ask(engine, "sarah", "r", *both), ask(engine, "sarah", "r", *both)

        assert [len(each) for each in keys(first)] == [25, 25] and again == first
        assert [each.name for each in first.decisions[0].offers[:2]] == ["o0", "o1"], "the best are there, too"
        with pytest.raises(CallerError, match=r"may give 51 offers, and of one request 50 can be remembered"):
            ask(engine, "sarah", "s", *both, Asking("best", "top"))
        with pytest.raises(CallerError, match=r"may give 55 offers"):
            ask(engine, "sarah", "s", Asking("all", "top"), Asking("all", "side", 30))
        assert decided(engine, "sarah") == 3


def test_a_request_that_asks_for_something_else_under_the_same_id_is_refused(opened: Callable[..., Engine]) -> None:
    with opened() as engine:
        first = ask(engine, "sarah", "r")

        for asked in (Asking("all", "top"), Asking("best", "side"), Asking("best", "top", 3)):
            with pytest.raises(RequestChanged, match="the request 'r' has asked for other decisions, placements"):
                ask(engine, "sarah", "r", asked)
        with pytest.raises(RequestChanged):
            ask(engine, "sarah", "r", Asking("best", "top"), Asking("own", "top"))

        assert ask(engine, "sarah", "r") == first and decided(engine, "sarah") == 1


@pytest.mark.parametrize("changes", [{"propositions_max": 3}, {"answered_requests_max": 3}])
def test_what_newer_requests_have_pushed_out_is_said_to_be_forgotten(
    opened: Callable[..., Engine], changes: dict[str, int]
) -> None:
    with opened(**changes) as engine:
        first, *others = [ask(engine, "sarah", f"r{number}") for number in range(3)]
        assert ask(engine, "sarah", "r0") == first
        others.append(ask(engine, "sarah", "r3"))

        with pytest.raises(RequestForgotten, match="'r0' was answered before"):
            ask(engine, "sarah", "r0")
        assert [ask(engine, "sarah", f"r{number}") for number in (1, 2, 3)] == others
        assert decided(engine, "sarah") == 4


def test_of_many_requests_at_once_none_is_answered_in_part(opened: Callable[..., Engine]) -> None:
    with opened(propositions_max=10) as engine:
        asked = [engine.decisions("sarah", [Asking("best", "top", 3)], request_id=f"r{each}") for each in range(20)]
        told: list[int] = []
        for each in asked:
            try:
                told += map(len, keys(each.result()))
            except RequestForgotten:
                continue

    assert told and set(told) == {3}


def test_who_was_erased_in_between_is_told_so_and_an_empty_answer_stays_one(opened: Callable[..., Engine]) -> None:
    adults = Asking("adults", "top")
    with opened() as engine:
        engine.identify("ann", {"age": 9}).result()
        ask(engine, "ann", "r")
        empty = [ask(engine, name, "e", adults) for name in ("ann", "tom") for _ in range(2)]
        engine.identify("ann", {"age": 30}).result()
        empty.append(ask(engine, "ann", "e", adults))
        engine.erase("ann")

        with pytest.raises(RequestForgotten):
            ask(engine, "ann", "r")
        assert engine.profile("ann") is None and engine.profile("tom") is None
        assert [keys(each) for each in empty] == [[[]]] * 5
        assert len(keys(ask(engine, "ann", "r2"))[0]) == 1


@pytest.mark.parametrize("shards", [1, 2, 8])
def test_of_two_people_who_are_one_the_newer_answer_counts_and_it_alone(
    opened: Callable[..., Engine], shards: int
) -> None:
    clock = ManualClock(START)
    with opened(clock, shards) as engine:

        def as_visitor(request: str) -> Decisions:
            asked = [Asking("best", "top")]
            return engine.decisions(None, asked, request_id=request, anonymous_id="tab").result()

        older = ask(engine, "sarah", "both")
        clock.move_to(START + 1)
        newer, alone = as_visitor("both"), as_visitor("page")
        engine.identify("sarah", {"city": "Rome"}, anonymous_id="tab").result()

        told = [as_visitor("both"), ask(engine, "sarah", "both"), as_visitor("page"), ask(engine, "sarah", "page")]

        assert [keys(each) for each in told] == [keys(newer)] * 2 + [keys(alone)] * 2
        assert keys(older) != keys(newer)
        assert decided(engine, "sarah") == 3, "whoever logs in is not given more by what her page had asked before"


def test_an_id_that_is_used_again_after_its_time_is_a_request_of_its_own(opened: Callable[..., Engine]) -> None:
    clock = ManualClock(START)
    with opened(clock, message_ids_for_ms=DAY) as engine:
        told = []
        for _ in range(3):
            told.append(ask(engine, "sarah", "home", Asking("own", "top")))
            clock.move_to(clock.now_ms() + 2 * DAY)
        assert decided(engine, "sarah") == 3

    first, second, third = [keys(each)[0] for each in told]
    assert first and second and first != second and third == [], "a cap counts each of them"
