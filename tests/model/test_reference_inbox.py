"""Does the model mean what the rules say of inboxes? Lines worked out by hand."""

from typing import Any

import pytest
from tests.model.cases import START_MS, Document, at, event, project, reaction
from tests.model.reference.inboxes import listed
from tests.model.reference.people import Person
from tests.model.reference.simulation import people_at_end
from tests.model.reference.times import DAY_MS, parse_duration
from tests.model.reference.worlds import Limits

LAY: Document = {"id": "c", "send": "offer"}
STAY: Document = {"id": "w", "wait": "90d"}


def laid(*steps: Document, journey: Document | None = None, **message: Any) -> Document:
    """A journey that lays a card into the inbox."""
    documents = project(list(steps or (LAY, STAY)), **(journey or {}))
    card = {"message": "offer", "class": "transactional", "status": "ready", "card": {"title": "Hello"}}
    documents["messages"].append({**card, **message})
    return documents


def ann(documents: Document, *lines: Document, until: str = "5d", limits: Limits = Limits()) -> Person:
    (person,) = people_at_end(documents, list(lines), START_MS + parse_duration(until), limits)
    return person


def told(person: Person) -> list[tuple[str, str, str | None]]:
    return [(line["at"], line["outcome"], line["withdrawn_by"]) for line in person.delivery_lines]


def of_card(offset: str, kind: str) -> Document:
    return reaction(offset, kind, "c", channel="card")


def test_it_lies_under_her_own_name_from_the_send_on_and_for_a_month() -> None:
    person = ann(laid(), event("1h", "Start"))
    lies = START_MS + parse_duration("1h")
    assert listed(person) == [("card", "offer", lies, lies + 30 * DAY_MS, False, False)]
    assert [(line["to"], line["outcome"]) for line in person.delivery_lines] == [("ann", "sent")]
    assert told(ann(laid(), event("1h", "Start"), until="90d"))[1:] == [(at("721h"), "withdrawn", "expired")]


def test_it_expires_by_its_message_seen_or_not() -> None:
    person = ann(laid(expires="2h"), event("0s", "Start"), of_card("2h", "opened"))
    # An event of the last instant still finds it there.
    assert told(person)[1:] == [
        *((at("2h"), kind, None) for kind in ("delivered", "opened")),
        (at("2h"), "withdrawn", "expired"),
    ]


def test_what_is_held_expires_from_the_instant_of_its_send_step() -> None:
    quiet = [{"channels": ["card"], "from": "09:00", "until": "12:00"}]  # it is ten
    policies = {"consent": {"default": "opt_out"}, "quiet_hours": quiet}
    documents = laid(journey={"policies": policies}, expires="3h", **{"class": "marketing"})
    assert told(ann(documents, event("0s", "Start"))) == [
        (at("0s"), "held", None),
        (at("2h"), "sent", None),
        (at("3h"), "withdrawn", "expired"),
    ]


@pytest.mark.parametrize("kind, stays", [("delivered", False), ("opened", True), ("clicked", True)])
def test_an_exit_and_an_event_take_back_what_was_not_seen(kind: str, stays: bool) -> None:
    documents = laid(journey={"exit": [{"event": "Stop"}]}, withdraw=["Buy"])
    for name, why in (("Stop", "exit"), ("Buy", "event")):
        person = ann(documents, event("0s", "Start"), of_card("1h", kind), event("2h", name))
        assert bool(person.inbox) == stays
        assert stays or told(person)[-1] == (at("2h"), "withdrawn", why)


def test_an_event_takes_back_of_runs_that_have_ended_what_is_of_its_own_value() -> None:
    documents = laid(LAY, journey={"correlation": "event.cart_id"}, withdraw=["Buy"])
    starts = [event("0s", "Start", cart_id="a"), event("1h", "Start", cart_id="b")]
    for bought, left in (({"cart_id": "a"}, [1]), ({"cart_id": "c"}, [1, 0]), ({}, [])):
        person = ann(documents, *starts, event("2h", "Buy", **bought))
        assert [since for _, _, since, *_ in listed(person)] == [START_MS + parse_duration(f"{hour}h") for hour in left]
    # An exit is of no run that has ended.
    documents["journeys"][0]["exit"] = [{"event": "Stop"}]
    assert len(ann(documents, *starts, event("2h", "Stop")).inbox) == 2


def test_an_event_takes_back_nothing_that_it_sends() -> None:
    documents = laid(LAY, withdraw=["Start"])
    person = ann(documents, event("0s", "Start"), event("1h", "Start"))
    assert told(person) == [(at("0s"), "sent", None), (at("1h"), "withdrawn", "event"), (at("1h"), "sent", None)]


def test_a_dismissal_is_her_own_mark_and_hides_it() -> None:
    person = ann(laid(), event("0s", "Start"), of_card("1h", "dismissed"), until="90d")
    assert person.inbox == []
    assert told(person)[1:] == [(at("1h"), "dismissed", None)]


@pytest.mark.parametrize("pinned, left", [((), [2, 3]), ((0,), [0, 3]), ((0, 1), [0, 1]), ((0, 1, 2, 3), [2, 3])])
def test_one_more_pushes_out_the_oldest_that_is_not_pinned(pinned: tuple[int, ...], left: list[int]) -> None:
    names = ("plain", "pinned")
    documents = laid(*({"id": f"c{number}", "send": names[number in pinned]} for number in range(4)))
    for name in names:
        card = {"title": "Hello", "pinned": name == "pinned"}
        documents["messages"].append({"message": name, "class": "transactional", "status": "ready", "card": card})
    person = ann(documents, event("0s", "Start"), limits=Limits(inbox_max=2))
    assert [one["delivery"]["step"] for one in person.inbox] == [f"c{number}" for number in left]
    assert [why for _, _, why in told(person) if why] == ["pushed_out"] * 2


def test_of_a_run_that_is_forgotten_nothing_is_told() -> None:
    documents = laid(LAY, journey={"correlation": "event.cart_id"}, withdraw=["Buy"])
    lines = [event("0s", "Start", cart_id="a"), event("1h", "Start", cart_id="b"), event("2h", "Buy", cart_id="b")]
    person = ann(documents, *lines, limits=Limits(ended_runs_max=1))
    # Nor is it known any more which events concern it.
    assert person.inbox == []
    assert told(person)[2:] == [(at("2h"), "withdrawn", "event")]
