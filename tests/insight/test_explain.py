"""The explanation of one person: the facts tell why she got a message or not, the journeys what was waited for."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
from msgspec.structs import replace

from parcours import Project, simulate
from parcours.core.fact import (
    Changed,
    Fact,
    LimitReached,
    Merged,
    Moved,
    NotMerged,
    RunMerged,
    Unmatched,
    Unmet,
    ZoneUnknown,
)
from parcours.insight.explain import TIE_WAIT, AskedFor, explain
from parcours.insight.explain_text import explanation_text
from parcours.insight.sentences import reached
from parcours.journey.model.document import EventsDocument, JourneyDocument, ProjectDocument
from parcours.testing.virtual_project import VirtualProject

LUMA = Project.load(str(files("parcours.demo") / "luma"))
IDENTIFIED = (
    b'{"type":"identify","userId":"sarah","traits":{"email":"s@luma.example"},"timestamp":"2026-03-02T09:00:00Z"}'
)
ADDED = (
    b'{"type":"track","event":"Product Added","userId":"sarah",'
    b'"properties":{"cart":%s},"timestamp":"2026-03-02T09:0%d:00Z"}'
)

TEXT = """\
sarah

checkout
  not entered: nothing of this happened while it could start it: Checkout Started

abandoned-cart
  2026-03-02T09:02:00.000Z  not entered: a run of it is open already
  2026-03-02T09:03:00.000Z  not entered by Product Added: event.cart.total is missing
  run 1, version 1
    2026-03-02T09:01:00.000Z  entered by Product Added
    2026-03-02T09:01:00.000Z  leave-in-peace: reached
    2026-03-02T09:01:00.000Z  leave-in-peace: waits until 2026-03-02T10:01:00.000Z
    2026-03-02T10:01:00.000Z  remind: reached
    2026-03-02T10:01:00.000Z  opened: reached
    2026-03-02T10:01:00.000Z  opened: waits until 2026-03-03T10:01:00.000Z
    2026-03-02T10:01:00.000Z  remind: email cart-reminder to s@luma.example sent
    now: at opened, waiting for opened of remind until 2026-03-03T10:01:00.000Z

west-coast-launch
  not entered: nothing of this happened while it could start it: a read of young-west at 2024-05-06T16:00:00.000Z
"""


def test_an_explanation_reads_from_the_condition_that_failed_to_what_is_waited_for() -> None:
    lines = [IDENTIFIED, ADDED % (b'{"total":80}', 1), ADDED % (b'{"total":90}', 2), ADDED % (b"{}", 3)]
    result = simulate(LUMA, lines, until_ms=1_772_449_200_000)  # 2026-03-02T11:00Z

    explanation = explain(result.facts, "sarah", LUMA.program.journeys)

    assert explanation_text(explanation) == TEXT


def test_a_run_whose_delivery_is_held_is_told_with_its_release() -> None:
    folder = files("parcours.examples") / "abandoned-cart"
    cart, night_ms = Project.load(str(folder)), 1_772_578_800_000  # 2026-03-03T23:00Z
    result = simulate(cart, (folder / "events.ndjson").read_bytes(), until_ms=night_ms)

    told = explanation_text(explain(result.facts, "sarah", cart.program.journeys)).splitlines()

    assert "    2026-03-03T21:30:00.000Z  text: waits until 2026-03-04T07:00:00.000Z" in told
    assert "    now: at text, waiting until 2026-03-04T07:00:00.000Z" in told


def test_a_run_that_waits_for_its_first_step_is_told_as_that(move: Any) -> None:
    facts = [move(0, "entered", why="campaign"), move(0, "waiting", why="1970-01-01T00:00:07.000Z")]

    told = explanation_text(explain(facts, "sarah", ())).splitlines()

    assert told[-1] == "    now: before its first step, waiting until 1970-01-01T00:00:07.000Z"


def test_the_facts_alone_are_enough(move: Any, delivery: Any) -> None:
    facts = [
        move(0, "entered", why="Start"),
        move(0, "reached", "remind"),
        delivery(0, "queued"),
        delivery(5, "sent"),
        move(9, "ended", "remind", "last step"),
    ]

    (story,) = explain(facts, "sarah").journeys

    assert [(run.state, run.step) for run in story.runs] == [("ended", "remind")]
    assert [(each.visit, [state.outcome for state in each.states]) for each in story.runs[0].deliveries] == [
        (1, ["sent"])
    ]


@pytest.mark.parametrize("at, tie", [(999, None), (1_000, TIE_WAIT)])
def test_an_event_at_the_end_of_the_wait_is_told_as_a_tie(at: int, tie: str | None, move: Any) -> None:
    facts = [
        move(0, "entered"),
        move(0, "reached", "bought"),
        move(0, "waiting", "bought", "1970-01-01T00:00:01.000Z"),
        move(at, "matched", "bought", "Order Completed"),
    ]

    (story,) = explain(facts, "sarah").journeys

    assert story.runs[0].moves[-1].tie == tie


def test_other_people_are_passed_over_and_what_belongs_to_no_journey_is_noted() -> None:
    facts: list[Fact] = [
        Moved(0, "mike", "cart", 1, 1, None, "entered", "Start"),
        Unmatched(1, "sarah", "opened", "no delivery has left"),
        LimitReached(2, "sarah", "traits_bytes_max", "trait 'x' was not kept"),
        ZoneUnknown(3, "sarah", "Mars/Base", "Europe/Paris"),
        ZoneUnknown(4, "sarah", "", "Europe/Paris"),
        Changed(5, "sarah", "audience", "buyers", "entered"),
        Changed(6, "sarah", "place", "studio", "entered"),
    ]

    explanation = explain(facts, "sarah")

    assert explanation.journeys == ()
    assert [at for at, _ in explanation.notes] == [1, 2, 3, 4, 6]
    assert [text for _, text in explanation.notes[2:]] == [
        "'Mars/Base' is no time zone: that of the project counts instead, Europe/Paris",
        "what was given, and is personal, is no time zone: that of the project counts instead, Europe/Paris",
        "entered the place 'studio'",
    ]


def test_an_id_that_was_not_merged_is_noted_once_however_often_it_was_said() -> None:
    facts: list[Fact] = [
        NotMerged(1, "sarah", "identify", "7f3a"),
        NotMerged(2, "sarah", "identify", "7f3a"),
        NotMerged(3, "sarah", "identify", "9b"),
        NotMerged(4, "sarah", "alias", ""),
        NotMerged(5, "mike", "alias", ""),
    ]

    assert explain(facts, "sarah").notes == (
        (1, "identify with the anonymous id '7f3a': nobody is merged, and what is known under it stays apart"),
        (3, "identify with the anonymous id '9b': nobody is merged, and what is known under it stays apart"),
        (4, "alias with another id: nobody is merged, and what is known under it stays apart"),
    )


def test_a_merge_is_noted_with_what_became_of_each_run() -> None:
    runs = (RunMerged("cart", 1, 1, 4, None, "rest"), RunMerged("tour", 1, 2, None, "already_in", "rest"))

    assert explain([Merged(1, "sarah", "@anonymous/7f3a", "identify", runs)], "sarah").notes == (
        (
            1,
            (
                "@anonymous/7f3a was merged into her by identify; goes on in cart (run 1 is her run 4 now); "
                "ended in tour (run 2: a run of it is open already)"
            ),
        ),
    )


def test_runs_of_two_people_that_share_a_number_are_told_apart_and_one_that_went_on_is_one_run() -> None:
    name, merged = "@anonymous/7f3a", (RunMerged("cart", 1, 2, 4, None, "rest"),)
    facts: list[Fact] = [
        Moved(1, name, "cart", 1, 1, None, "entered", "Start"),
        Moved(2, name, "cart", 1, 1, None, "exited", "Bought"),
        Moved(3, "sarah", "cart", 1, 1, None, "entered", "Start"),
        Moved(4, name, "cart", 1, 2, None, "entered", "Start"),
        Moved(4, name, "cart", 1, 2, "rest", "reached"),
        Unmet(4, name, "tour", 1, "Start", "event.x is missing"),
        Unmatched(4, name, "opened", "no mail"),
        Merged(5, "sarah", name, "identify", merged),
        Moved(6, "sarah", "cart", 1, 4, "rest", "timed_out"),
    ]

    explanation = explain(facts, "sarah", used=True, asked_for=name)

    cart, tour = explanation.journeys
    told = [(run.name, run.run, run.state, [(move.name, move.what) for move in run.moves]) for run in cart.runs]
    assert told == [
        (name, 1, "exited", [(name, "entered"), (name, "exited")]),
        (None, 1, "open", [(None, "entered")]),
        (None, 4, "open", [(name, "entered"), (name, "reached"), (None, "merged"), (None, "timed_out")]),
    ]
    assert tour.refusals[0].name == name
    assert explanation.notes[0] == (4, f"{name}: opened was a reaction to nothing: no mail")
    assert explanation.asked_for == AskedFor(name=name, since=5, call="identify")


def test_a_mark_of_a_delivery_from_before_the_merge_stands_with_the_run_that_sent_it(delivery: Any) -> None:
    name = "@anonymous/7f3a"
    before = delivery(1, "sent", who=name)
    facts = [before, Merged(5, "sarah", name, "identify"), replace(delivery(6, "opened"), run=3)]

    (story,) = explain(facts, "sarah", used=True).journeys

    (run,) = story.runs
    assert (run.name, run.run) == (name, 1)
    assert [(each.name, each.outcome) for each in run.deliveries[0].states] == [(name, "sent"), (None, "opened")]


@pytest.mark.parametrize("verb, state", [("close_journey", "closed"), ("stop_journey", "stopped")])
def test_what_happened_while_nobody_could_enter_is_not_denied(
    parcours_project: Callable[..., VirtualProject], verb: str, state: str
) -> None:
    shop = parcours_project(LUMA)
    getattr(shop, verb)("checkout")
    shop.track("sarah", "Checkout Started")
    nothing = "  not entered: nothing of this happened while it could start it: Checkout Started"

    assert f"checkout, which is {state} now\n{nothing}; nobody enters now, for it is {state}\n" in shop.explain("sarah")
    shop.publish(LUMA)
    assert f"checkout\n{nothing}\n" in shop.explain("sarah")


@pytest.mark.parametrize(
    "reentry, why",
    [("never", "the journey may be entered once only"), ({"after": "5d"}, "the last run ended too recently")],
)
def test_a_run_too_many_is_told_from_one_too_soon(
    parcours_project: Callable[..., VirtualProject], reentry: object, why: str
) -> None:
    journey = {
        "journey": "hello",
        "entry": {"event": "Seen"},
        "reentry": reentry,
        "steps": [{"id": "over", "end": True}],
    }
    shop = parcours_project(
        Project.of(
            ProjectDocument(project="shop"),
            events=EventsDocument.model_validate({"events": {"Seen": {}}}),
            journeys=[JourneyDocument.model_validate(journey)],
        )
    )
    shop.track("sarah", "Seen")
    shop.advance(days=3)
    shop.track("sarah", "Seen")

    assert f"not entered: {why}\n" in shop.explain("sarah")


def test_each_refusal_keeps_its_event_and_its_reason() -> None:
    facts: list[Fact] = [
        Unmet(0, "sarah", "cart", 2, "Start", "event.total is missing"),
        Moved(1, "sarah", "cart", 2, None, None, "not_entered", "too_soon"),
    ]

    (story,) = explain(facts, "sarah").journeys

    assert [(each.why, each.event, each.detail, each.version) for each in story.refusals] == [
        ("unmet", "Start", "event.total is missing", 2),
        ("too_soon", None, None, 2),
    ]


def test_what_a_machine_did_is_told_as_its_deed() -> None:
    assert reached("clicked", None, "https://shop.example", None, is_machine=True) == (
        "clicked by a machine: https://shop.example"
    )


def test_a_reason_of_several_lines_is_told_in_one() -> None:
    assert reached("failed", None, "rcpt: 550 5.1.1 gone\n5.1.1 for good\n", "550") == (
        "failed: rcpt: 550 5.1.1 gone 5.1.1 for good"
    )
