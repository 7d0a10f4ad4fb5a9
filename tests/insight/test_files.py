"""Result files are the same bytes however the facts were spread over shards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parcours.core.fact import DeliveryReached, Fact, LimitReached, Moved, Unmatched, Unmet
from parcours.insight.summary import EventCount, JourneyCount, StepCount, Summary
from parcours.simulation.result_files import (
    DELIVERIES,
    SUMMARY,
    TRANSITIONS,
    ResultFiles,
    TransitionLine,
    write_results,
)

TEN = 1_767_261_600_000
"""2026-01-01T10:00:00Z"""


Files = Callable[..., dict[str, bytes]]


@pytest.fixture(scope="module")
def files_of(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """The files that facts become, handed over in so many at a time, with so much held in memory."""

    def written(facts: Sequence[Fact], at_once: int = 1_000, held_bytes_max: int = 10**6) -> dict[str, bytes]:
        folder = tmp_path_factory.mktemp("results")
        with ResultFiles(folder, held_bytes_max) as files:
            for start in range(0, len(facts), at_once):
                files.add(facts[start : start + at_once])
            files.write(Summary())
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    return written


def transitions(files: dict[str, bytes]) -> list[TransitionLine]:
    return [msgspec.json.decode(line, type=TransitionLine) for line in files[TRANSITIONS].splitlines()]


def moved(at: int = TEN, person: str = "u1", journey: str = "cart", run: int | None = 1) -> Moved:
    return Moved(at, person, journey, 1, run, None, "entered", "Checkout Started")


def sent(**changes: object) -> DeliveryReached:
    fields: dict[str, object] = {
        "at": TEN, "person": "u1", "journey": "cart", "version": 3, "run": 2, "step": "remind",
        "channel": "email", "message": "cart-reminder", "to": "sarah@mail.example", "outcome": "sent",
        "gate": None, "key": "k1", "reason": "250 OK", "code": "250",
        "visit": 1, "message_class": "marketing", "purpose": "cart", "attempt": 1, "link": None,
    }  # fmt: skip
    return DeliveryReached(**(fields | changes))  # type: ignore[arg-type]  # a table of fields for brevity


def test_a_delivery_becomes_a_line_with_its_keys_in_the_agreed_order(tmp_path: Path) -> None:
    write_results(tmp_path, [sent()], Summary())

    assert (tmp_path / DELIVERIES).read_text() == (
        '{"at":"2026-01-01T10:00:00.000Z","profile":"u1","journey":"cart","version":3,"run":2,"step":"remind",'
        '"channel":"email","message":"cart-reminder","to":"sarah@mail.example","outcome":"sent","gate":null,'
        '"key":"k1"}\n'
    )


def test_results_that_could_not_be_written_whole_leave_the_old_ones_as_they_were(tmp_path: Path) -> None:
    write_results(tmp_path, [sent()], Summary())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    with pytest.raises(UnicodeEncodeError):
        write_results(tmp_path, [sent(), moved(person="\ud800")], Summary())

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_move_becomes_a_line_and_text_stays_utf8(tmp_path: Path) -> None:
    refused = Moved(TEN + 1, "zoé", "cart", 1, None, None, "not_entered", "already_in")
    waiting = Moved(TEN + 20, "zoé", "cart", 1, 1, "bought", "waiting", "2026-01-01T10:00:20.020Z")

    write_results(tmp_path, [refused, waiting], Summary())

    assert (tmp_path / TRANSITIONS).read_text(encoding="utf-8") == (
        '{"at":"2026-01-01T10:00:00.001Z","profile":"zoé","journey":"cart","version":1,"run":null,"step":null,'
        '"what":"not_entered","why":"already_in"}\n'
        '{"at":"2026-01-01T10:00:00.020Z","profile":"zoé","journey":"cart","version":1,"run":1,"step":"bought",'
        '"what":"waiting","why":"2026-01-01T10:00:20.020Z"}\n'
    )


@pytest.mark.parametrize(
    "fact",
    [
        sent(outcome="queued"),  # on the way to the channel
        sent(outcome="claimed"),
        sent(outcome="retried"),
        Moved(TEN, "u1", "cart", 1, 1, "mark", "updated", None),  # a trait that changed
        Unmet(TEN, "u1", "cart", 1, "Checkout Started", "event.cart.total is missing"),
        Unmatched(TEN, "u1", "opened", "no delivery"),
        LimitReached(TEN, "u1", "traits_bytes_max", "color"),
    ],
)
def test_what_is_the_engines_own_business_is_in_no_file(fact: Fact, tmp_path: Path) -> None:
    write_results(tmp_path, [fact], Summary())

    assert (tmp_path / DELIVERIES).read_bytes() == b""
    assert (tmp_path / TRANSITIONS).read_bytes() == b""


def test_lines_go_by_time_person_journey_and_run_with_a_missing_run_first(files_of: Files) -> None:
    expected = [
        moved(TEN - 1, "u9"),
        moved(TEN, "Z"),  # upper case comes before lower case, as in the bytes
        moved(TEN, "u1", "cart", None),
        moved(TEN, "u1", "cart", 2),
        moved(TEN, "u1", "cart", 10),  # as a number, not as text
        moved(TEN, "u1", "checkout", 1),
        moved(TEN, "u10"),
        moved(TEN, "\ue000"),
        moved(TEN, "\U0001f600"),  # after U+E000, as in UTF-8; UTF-16 would have it before
    ]

    lines = transitions(files_of(expected[::-1]))

    assert [(line.profile, line.journey, line.run) for line in lines] == [
        (fact.person, fact.journey, fact.run) for fact in expected
    ]
    assert [fact.person.encode() for fact in expected[1:]] == sorted(fact.person.encode() for fact in expected[1:])


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_moves_of_one_instant_stay_in_the_order_of_happening(at_once: int, files_of: Files) -> None:
    steps = ["one", "three", "two"]
    moves = [Moved(TEN, "u1", "cart", 1, 1, step, "reached") for step in steps]

    assert [line.step for line in transitions(files_of(moves, at_once))] == steps


@given(
    people=st.lists(
        st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["a", "b"]), st.integers(1, 2)), max_size=8),
        max_size=6,
    ),
    shards=st.integers(1, 4),
    at_once=st.integers(1, 9),
    held_bytes_max=st.sampled_from([1, 1_000, 10**6]),  # a file for each row, for a few, and none at all
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_lines_do_not_depend_on_how_people_are_spread_over_shards_and_facts_over_time(
    files_of: Files, people: list[list[tuple[int, str, int]]], shards: int, at_once: int, held_bytes_max: int
) -> None:
    facts: list[list[Fact]] = [
        [
            each
            for number, (at, journey, run) in enumerate(moves)
            for each in (
                Moved(TEN + at, f"u{person}", journey, 1, run, f"step{number}", "reached"),
                sent(at=TEN + at, person=f"u{person}", journey=journey, run=run, step=f"step{number}"),
            )
        ]
        for person, moves in enumerate(people)
    ]
    spread = [facts[shard::shards] for shard in range(shards)]

    together = files_of(list(chain.from_iterable(facts)))
    apart = files_of([fact for shard in spread for person in shard for fact in person], at_once, held_bytes_max)

    assert apart == together


def test_what_is_broken_off_leaves_nothing_behind(tmp_path: Path) -> None:
    with ResultFiles(tmp_path / "out", held_bytes_max=1) as files:
        files.add([sent(), moved()])

    assert not list(tmp_path.iterdir())


def test_the_summary_is_one_line_with_its_keys_in_the_agreed_order(tmp_path: Path) -> None:
    steps = {"remind": StepCount(inflow=5, waiting=1, gone_on=3, ended=1), "done": StepCount()}
    summary = Summary(
        journeys={"cart": JourneyCount(version=2, entered=5, goal=4, steps=steps)},
        channels={"email": {"opened": 1, "sent": 3}},
        gates={"address": 2},
        events=EventCount(read=9, used=6, duplicate=1, rejected=2),
        clock="2026-01-01T10:00:00.000Z",
    )

    write_results(tmp_path / "made" / "for it", [], summary)

    assert (tmp_path / "made" / "for it" / SUMMARY).read_text() == (
        '{"journeys":{"cart":{"version":2,"entered":5,"goal":4,"steps":{'
        '"remind":{"inflow":5,"waiting":1,"gone_on":3,"ended":1},'
        '"done":{"inflow":0,"waiting":0,"gone_on":0,"ended":0}}}},'
        '"channels":{"email":{"opened":1,"sent":3}},"gates":{"address":2},'
        '"events":{"read":9,"used":6,"duplicate":1,"rejected":2,"unmatched":0,"undeclared":0},'
        '"clock":"2026-01-01T10:00:00.000Z"}\n'
    )
