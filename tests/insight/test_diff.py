"""The comparison of two projects over the same events, delivery by delivery."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from parcours.core.fact import Decided, DeliveryReached, OfferGiven
from parcours.insight.diff import compare
from parcours.insight.diff_text import difference_json, difference_text


@pytest.mark.parametrize(
    "old, new, kinds",
    [
        ([(1, "sent")], [(1, "sent")], []),
        ([], [(1, "sent")], ["appears"]),
        ([(1, "sent")], [], ["vanishes"]),
        ([(1, "sent")], [(2, "sent")], ["moves"]),
        ([(1, "sent")], [(1, "refused")], ["appears", "vanishes"]),
        ([(1, "queued")], [], []),  # of the engine's working only
    ],
)
def test_outcomes_appear_vanish_and_move(
    old: list[tuple[int, Any]], new: list[tuple[int, Any]], kinds: list[str], delivery: Any
) -> None:
    difference = compare([delivery(*each, "a") for each in old], [delivery(*each, "b") for each in new])

    assert sorted(change.kind for change in difference.changes) == kinds


def test_deliveries_of_one_step_are_told_apart_by_their_visit(delivery: Any) -> None:
    old = [delivery(1, "sent", "a"), delivery(5, "sent", "b")]
    new = [delivery(1, "sent", "c"), delivery(7, "sent", "d")]

    (change,) = compare(old, new).changes

    assert (change.visit, change.kind, change.before, change.after) == (
        2, "moves", "1970-01-01T00:00:00.005Z", "1970-01-01T00:00:00.007Z",
    )  # fmt: skip


def test_totals_count_deliveries_outcomes_and_people(delivery: Any) -> None:
    old = [delivery(1, "sent", "a"), delivery(2, "opened", "a"), delivery(1, "sent", "b", who="mike")]
    new = [delivery(1, "sent", "c"), delivery(1, "sent", "d", who="mike"), delivery(1, "sent", "e", who="ana")]

    difference = compare(old, new)

    count = difference.deliveries
    assert (count.appears, count.vanishes, count.moves, count.same) == (1, 0, 1, 1)
    assert difference.outcomes["cart email opened"].vanishes == 1
    assert difference.people == 2


def test_the_output_is_bounded_and_says_how_much_more_there_is(delivery: Any) -> None:
    difference = compare([], [delivery(1, "sent", str(n), who=f"p{n}") for n in range(7)])

    text = difference_text(difference, 3)
    figures = msgspec.json.decode(difference_json(difference, 3))

    assert text.count("cart.remind") == 3
    assert text.endswith("and 4 more changes\n")
    assert (len(figures["changes"]), figures["more"]) == (3, 4)


def test_no_difference_is_said_in_a_sentence(delivery: Any) -> None:
    same: list[DeliveryReached] = [delivery(1, "sent")]

    assert difference_text(compare(same, same), 10) == "No difference: 1 delivery is the same.\n"


def decided(at: int, *offers: str, who: str = "sarah", origin: str = "ask/1/pick/1") -> Decided:
    given = tuple(OfferGiven(each, f"key of {each}") for each in offers)
    return Decided(at, who, "best", "agent", origin, given, fallback=False, trace=())


def test_decisions_are_compared_by_what_asked_for_them_and_what_they_give() -> None:
    old = [decided(1, "free"), decided(2, "free", who="ann"), decided(3, "pack", origin="ask/1/pick/2"), decided(4)]
    new = [decided(1, "pack"), decided(2, "free", who="ann"), decided(5, "pack", origin="ask/1/pick/2")]
    new.append(decided(6, "free", who="zoe"))

    found = compare(old, new)

    assert found.offers is not None
    count = found.offers.decisions
    assert (count.appears, count.vanishes, count.changes, count.moves, count.same) == (1, 1, 1, 1, 1)
    assert {name: (each.before, each.after) for name, each in found.offers.offers.items()} == {
        "free at agent": (2, 2), "pack at agent": (1, 2),
    }  # fmt: skip
    assert found.people == 2
    assert difference_text(found, 3).splitlines() == [
        "Deliveries: no difference. People who notice: 2.",
        "Decisions: 1 appear, 1 vanish, 1 give other offers, 1 move, 1 the same.",
        "  pack at agent: 1 -> 2",
        "",
        "sarah, offers",
        "  ~ 1970-01-01T00:00:00.001Z  best at agent, ask/1/pick/1: free -> pack",
        "  ~ 1970-01-01T00:00:00.003Z -> 1970-01-01T00:00:00.005Z  best at agent, ask/1/pick/2: pack",
        "  - 1970-01-01T00:00:00.004Z  best at agent, ask/1/pick/1: nothing",
        "",
        "and 1 more change",
    ]
    told = msgspec.json.decode(difference_json(found, 1))["offers"]
    assert (told["more"], told["changes"][0]["gave"], told["changes"][0]["gives"]) == (3, ["free"], ["pack"])


def test_projects_that_decide_the_same_say_so(delivery: Any) -> None:
    same = [delivery(1, "sent", "a"), decided(1, "free")]

    assert difference_text(compare(same, same), 10) == "No difference: 1 delivery and 1 decision are the same.\n"
    assert "offers" not in msgspec.json.decode(difference_json(compare([], []), 10))
