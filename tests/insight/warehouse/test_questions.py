"""Do analyses get the rows that they ask for, by person and in the order of happening?"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.insight.warehouse.rows import MINUTE, TEN, Journal

from parcours.config import DAY_MS, Settings
from parcours.errors import CallerError
from parcours.insight.analyses.happenings import Events, Happening
from parcours.insight.exporter.people_file import PeopleFile
from parcours.insight.warehouse.questions import Questions
from parcours.insight.warehouse.told_rows import Assignment, Conversion, ToldTraits, Touch
from parcours.insight.warehouse.viewed import Viewed
from parcours.insight.warehouse.warehouse import ROWS_AT_ONCE, Warehouse
from parcours.journey.analyses import DeliveryTouches, EventTouches, PropositionTouches, Unit


def at(minutes: float) -> int:
    return TEN + int(minutes * MINUTE)


def names(events: Events) -> str:
    return " ".join(each.event for each in events.happenings)


def told(found: list[Events]) -> list[tuple[str, int, str]]:
    return [(each.person, each.unit, names(each)) for each in found]


def test_events_come_by_person_in_the_order_of_happening(tmp_path: Path) -> None:
    journal = Journal()
    journal.event(5, "sarah", "c")
    journal.event(1, "zoé", "z")
    journal.event(5, "sarah", "a")
    journal.event(4, "sarah", "b", price=3)
    journal.event(1, "Joe", "j")
    journal.event(6, "sarah", "unasked")

    with journal.warehouse(tmp_path) as warehouse:
        found = [*Questions(warehouse).happenings(["a", "b", "c", "j", "z"])]
        assert told(found) == [("Joe", 0, "j"), ("sarah", 0, "b c a"), ("zoé", 0, "z")]
        assert found[1].happenings[0] == Happening(at(4), "b", '{"price": 3}')
        assert [*Questions(warehouse).happenings([])] == []
        bare = [*Questions(warehouse).happenings(["b"], properties=False)]
        assert bare == [Events("sarah", 0, [Happening(at(4), "b", None)])]


def test_a_window_begins_with_its_first_instant_and_ends_before_its_last(tmp_path: Path) -> None:
    journal = Journal()
    for minute in range(4):
        journal.event(minute, "sarah", f"e{minute}")

    with journal.warehouse(tmp_path) as warehouse:
        assert told([*Questions(warehouse).happenings(from_ms=at(1), to_ms=at(3))]) == [("sarah", 0, "e1 e2")]


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("person", [("sarah", 0, "a b d a")]),
        ("visit", [("sarah", 1, "a b"), ("sarah", 2, "d a")]),  # `c`, which is not asked for, goes on with a visit
        ("run", [("sarah", 1, "a b"), ("sarah", 2, "b d a")]),  # an event may lie in two runs
    ],
)
def test_units_are_people_visits_or_runs(unit: Unit, expected: list[tuple[str, int, str]], tmp_path: Path) -> None:
    journal = Journal()
    journal.event(0, "sarah", "a")
    journal.move(0, "sarah", "entered")
    journal.move(20, "sarah", "entered", run=1, journey="other")
    journal.event(20, "sarah", "b")
    journal.move(20, "sarah", "ended")
    journal.event(60, "sarah", "c")
    journal.event(80, "sarah", "d")
    journal.event(110, "sarah", "a")

    with journal.warehouse(tmp_path) as warehouse:
        assert told([*Questions(warehouse).happenings(["a", "b", "d"], unit=unit)]) == expected


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("person", [("joe", 0, "a"), ("sarah", 0, "a b a c b d")]),  # the second `c` and `d` follow none
        ("visit", [("joe", 1, "a"), ("sarah", 1, "a b a c"), ("sarah", 2, "b d")]),
    ],
)
def test_with_events_come_those_that_follow_them_at_once(
    unit: Unit, expected: list[tuple[str, int, str]], tmp_path: Path
) -> None:
    journal = Journal()
    for minute, event in enumerate("abacc"):
        journal.event(minute, "sarah", event)
    journal.event(60, "sarah", "b")
    journal.event(61, "sarah", "d")
    journal.event(62, "sarah", "d")
    for minute, event in enumerate("cca"):
        journal.event(minute, "joe", event)

    with journal.warehouse(tmp_path) as warehouse:
        found = told([*Questions(warehouse).happenings(["a", "b"], unit=unit, following=True)])
        late = told([*Questions(warehouse).happenings(["a", "b"], at(60), at(61), unit=unit, following=True)])

    assert found == expected
    assert [names for _, _, names in late] == ["b"]  # what follows it is not in the window


def test_the_newest_value_of_each_trait_is_told_of_whose_changes_are(tmp_path: Path) -> None:
    journal = Journal()
    for minute, city in enumerate(("Oslo", "Rome")):
        journal.tell("changes", minute, "sarah", what="trait", name="city", value=f'"{city}"')
    journal.tell("changes", 3, "sarah", what="trait", name="mail")
    journal.tell("changes", 3, "joe", what="trait", name="age", value="null")

    with journal.warehouse(tmp_path) as warehouse:
        assert [*Questions(warehouse).told_traits()] == [
            ToldTraits("joe", {"age": (at(3), "null")}),
            ToldTraits("sarah", {"city": (at(1), '"Rome"')}),
        ]


def test_more_rows_than_are_in_memory_at_once_are_of_the_same_person(tmp_path: Path) -> None:
    journal = Journal()
    for number in range(ROWS_AT_ONCE + 5):
        journal.event(number / 100, "sarah", "Seen")

    with journal.warehouse(tmp_path) as warehouse:
        ((person, _, happenings),) = Questions(warehouse).happenings(["Seen"])
    assert (person, len(happenings)) == ("sarah", ROWS_AT_ONCE + 5)


def test_touches_and_conversions_come_in_one_order_with_their_visits(tmp_path: Path) -> None:
    journal = Journal()
    journal.tell("deliveries", 0, "sarah", outcome="sent", message="early")
    journal.tell("deliveries", 60, "sarah", outcome="clicked", message="reminder")
    journal.event(61, "sarah", "Bought", total=4)
    journal.tell("deliveries", 61, "sarah", outcome="clicked", message="other")
    journal.event(70, "joe", "Seen")
    journal.event(200, "sarah", "Bought", total=5)

    with journal.warehouse(tmp_path) as warehouse:
        asking = Questions(warehouse)
        ((person, happened),) = asking.touched(DeliveryTouches("clicked"), "message", ["Bought"])
        assert person == "sarah"
        assert happened == [
            Touch(at(60), "reminder", 1),
            Conversion(Happening(at(61), "Bought", '{"total": 4}'), 1),
            Touch(at(61), "other", 1),
            Conversion(Happening(at(200), "Bought", '{"total": 5}'), 2),
        ]
        ((_, within),) = asking.touched(DeliveryTouches("clicked"), "message", ["Bought"], at(61), at(201))
        assert [type(each).__name__ for each in within] == ["Conversion", "Touch", "Conversion"]
        assert [*asking.deliveries("clicked")] == [("sarah", 1)]  # both are of one delivery


def test_touches_belong_to_visits_by_a_property_as_well(tmp_path: Path) -> None:
    journal = Journal()
    journal.event(0, "sarah", "Seen", session="s1")
    journal.event(1, "sarah", "Bought", session="s2")
    journal.tell("deliveries", 2, "sarah", outcome="clicked", message="reminder")  # none of its own: of the one before
    journal.event(100, "sarah", "Bought", session="s1")
    journal.tell("deliveries", 200, "sarah", outcome="clicked", message="other")

    with journal.warehouse(tmp_path, Viewed(visit_by="session")) as warehouse:
        asking = Questions(warehouse)
        ((_, happened),) = asking.touched(DeliveryTouches("clicked"), "message", ["Bought"])
        units = [*asking.happenings(unit="visit", properties=False)]

    assert [each.visit for each in happened] == [2, 2, 1, 3]
    assert told(units) == [("sarah", 1, "Seen Bought"), ("sarah", 2, "Bought")]


def test_offers_touch_by_their_marks_and_messages_by_theirs(tmp_path: Path) -> None:
    journal = Journal()
    for minute, offer, mark in ((0, "free", "shown"), (1, "free", "clicked"), (2, "pack", "given_back")):
        value = json.dumps((f"key of {offer}", "best", "banner", mark))
        journal.tell("changes", minute, "sarah", what="proposition", name=offer, value=value)
    journal.tell("deliveries", 3, "sarah", outcome="clicked", message="reminder")
    journal.event(4, "sarah", "Bought")

    with journal.warehouse(tmp_path) as warehouse:
        asking = Questions(warehouse)
        found = {
            (touches, key): [each.key for each in happened if isinstance(each, Touch)]
            for touches, key in (
                (PropositionTouches("clicked"), "offer"),
                (PropositionTouches("shown"), "placement"),
                (PropositionTouches("converted"), "offer"),
                (DeliveryTouches("clicked"), "message"),
            )
            for _, happened in asking.touched(touches, key, ["Bought"])
        }
        told = [*warehouse.rows("select kind, what, offer, message from main.touches order by time")]

    assert [*found.values()] == [["free"], ["banner"], [], ["reminder"]]
    assert told == [
        ("offer", "shown", "free", None), ("offer", "clicked", "free", None), ("delivery", "clicked", None, "reminder"),
    ]  # fmt: skip
    assert "changes" in asking.tables


def test_events_touch_by_their_name_or_by_a_property(tmp_path: Path) -> None:
    journal = Journal()
    journal.event(0, "sarah", "Ad Seen", utm={"source": "mail"}, n=3)
    journal.event(1, "sarah", "Bought")

    with journal.warehouse(tmp_path) as warehouse:
        keys = {}
        for key in ("event", "event.utm.source", "event.n", "event.nothing"):
            ((_, happened),) = Questions(warehouse).touched(EventTouches(("Ad Seen", "Bought")), key, ["Bought"])
            keys[key] = [each.key if isinstance(each, Touch) else "!" for each in happened]

    assert keys == {
        "event": ["Ad Seen", "!", "Bought"],  # nobody is led to an event by itself
        "event.utm.source": ["mail", "!", None],
        "event.n": ["3", "!", None],
        "event.nothing": [None, "!", None],
    }


@pytest.mark.parametrize(
    ("touches", "key"),
    [(DeliveryTouches("sent"), "nothing"), (DeliveryTouches("sent"), "event.a"), (EventTouches(("a",)), "message"),
     (PropositionTouches("shown"), "message")],
)  # fmt: skip
def test_touches_have_no_other_keys(
    touches: DeliveryTouches | EventTouches | PropositionTouches, key: str, tmp_path: Path
) -> None:
    with Journal().warehouse(tmp_path) as warehouse, pytest.raises(CallerError):
        [*Questions(warehouse).touched(touches, key, [])]


def test_who_took_a_split_comes_with_her_events_from_then_on(tmp_path: Path) -> None:
    journal = Journal()
    journal.event(0, "joe", "Bought")
    journal.event(0, "sarah", "Bought", total=1)
    journal.move(10, "sarah", "split", step="test", why="1", index=1)
    journal.event(10, "sarah", "Bought", total=2)
    journal.move(20, "sarah", "split", run=2, step="test", why="0", index=0)
    journal.move(20, "sarah", "split", run=2, step="another", why="0", index=0)
    journal.move(30, "zoé", "split", step="test", why="0", index=0, version=2)

    with journal.warehouse(tmp_path) as warehouse:
        sarah, zoe = Questions(warehouse).assigned("cart", "test", ["Bought"])
        before, _ = Questions(warehouse).assigned("cart", "test", ["Bought"], before_ms=10 * MINUTE)

    assert sarah.assignments == [Assignment(at(10), 1, 1, 1), Assignment(at(20), 2, 0, 1)]
    assert [each.decoded() for each in sarah.happenings] == [{"total": 2}]
    assert (zoe.person, zoe.assignments, zoe.happenings) == ("zoé", [Assignment(at(30), 1, 0, 2)], [])
    assert len(before.happenings) == 2


def test_everybody_is_whoever_anything_is_told_of(tmp_path: Path) -> None:
    file = PeopleFile(tmp_path, TEN // DAY_MS, {})
    file.add([SimpleNamespace(taken=TEN, person="kim", traits={}, audiences=[], consents=[], places=[])])
    file.finish()
    journal = Journal()
    journal.event(0, "zoé", "Seen")
    journal.event(1, "zoé", "Seen")
    journal.move(0, "moved", "entered")
    journal.tell("deliveries", 0, "mailed", outcome="sent")
    journal.tell("changes", 0, "changed", what="trait", name="city", value="1")
    journal.tell("unmet", 0, "unmet", journey="cart", version=1, event="Seen", why="no")
    journal.tell("unmatched", 0, "unmatched", reaction="opened", why="no")
    journal.tell("limits", 0, "limited", setting="runs", why="no")
    journal.tell("limits", 0, "", setting="runs", why="nobody's")
    journal.tell("looks", 0, "looked at", key="k", route="/people")
    journal.event(0, "@anonymous/a", "Seen")
    journal.merge(1, "@anonymous/a", "sarah")

    with journal.warehouse(tmp_path) as warehouse:
        assert [*Questions(warehouse).everybody()] == [
            "changed", "kim", "limited", "mailed", "moved", "sarah", "unmatched", "unmet", "zoé",
        ]  # fmt: skip


def test_audiences_are_known_at_each_instant_and_end_with_a_merge(tmp_path: Path) -> None:
    journal = Journal()

    def change(minute: float, who: str, value: str, name: str = "northern") -> None:
        journal.tell("changes", minute, who, what="audience", name=name, value=value)

    change(0, "@anonymous/a", "entered")
    journal.merge(10, "@anonymous/a", "sarah")
    change(20, "sarah", "entered")
    change(30, "sarah", "left")
    change(30, "joe", "entered", "southern")

    with journal.warehouse(tmp_path) as warehouse:
        (sarah,) = Questions(warehouse).members("northern")

    assert sarah.spans == [(at(0), at(10) + 1), (at(20), at(30))]
    assert [sarah.at(at(minute)) for minute in (-1, 0, 10, 11, 20, 29, 30)] == [
        False, True, True, False, True, True, False,
    ]  # fmt: skip


def test_traits_are_those_of_the_newest_row_of_each(tmp_path: Path) -> None:
    day = TEN // DAY_MS
    for number, city in ((day, "Oslo"), (day + 1, "Rome")):
        file = PeopleFile(tmp_path, number, {"city": "string", "person": "string", "since": "timestamp"})
        rows = [("sarah", {"city": city, "person": "x", "since": "2026-01-01T00:00:00Z"})]
        if number == day:
            rows.append(("joe", {}))
        file.add([
            SimpleNamespace(taken=number * DAY_MS, person=who, traits=traits, audiences=["a"], consents=[], places=[])
            for who, traits in rows
        ])  # fmt: skip
        file.finish()

    with Warehouse(tmp_path / "facts", Viewed(), Settings()) as warehouse:
        joe, sarah = Questions(warehouse).traits()

    assert (joe.person, joe.taken, dict(joe.traits)) == (
        "joe",
        day * DAY_MS,
        {"city": None, "person": None, "since": None},
    )
    assert dict(sarah.traits) == {"city": "Rome", "person": "x", "since": datetime(2026, 1, 1, tzinfo=UTC)}
    assert ([*sarah.audiences], [*sarah.consents]) == (["a"], [])
