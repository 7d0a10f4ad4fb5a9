"""What do the views say, row by row?"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from tests.insight.warehouse.rows import TEN, Journal, asked, minutes

from parcours.insight.exporter.tables import COLUMNS, TABLES
from parcours.insight.warehouse.viewed import Follow, Viewed
from parcours.journey.model.document import EventsDocument, ProjectDocument
from parcours.journey.model.insight import InsightDocument
from parcours.journey.project import Project


def people(journal: Journal, folder: Path, follow: Follow = "used") -> list[tuple[str, str]]:
    """Of each event its name and whose it is."""
    with journal.warehouse(folder, Viewed(follow=follow)) as warehouse:
        return asked(warehouse, "select event, person from events order by time, record")


def test_every_table_is_there_with_all_columns_though_nothing_was_told(tmp_path: Path) -> None:
    with Journal().warehouse(tmp_path) as warehouse:
        for table in TABLES:
            answer = warehouse.sql(f"select * from {table}")
            assert [*answer.columns] == [*(each.name for each in COLUMNS[table]), "person_then"]
            assert [*answer.rows] == []


def test_who_was_merged_is_the_person_up_to_the_merge_and_somebody_else_after_it(tmp_path: Path) -> None:
    journal = Journal()
    journal.event(0, "@anonymous/a", "before")
    journal.merge(10, "@anonymous/a", "sarah")
    journal.event(10, "@anonymous/a", "at the merge")
    journal.event(20, "@anonymous/a", "after")
    journal.event(30, "sarah", "hers")

    assert people(journal, tmp_path) == [
        ("before", "sarah"),
        ("at the merge", "sarah"),
        ("after", "@anonymous/a"),
        ("hers", "sarah"),
    ]


def test_a_name_that_came_back_and_was_merged_again_is_of_each_in_her_time(tmp_path: Path) -> None:
    journal = Journal()
    journal.event(0, "@anonymous/a", "first")
    journal.merge(10, "@anonymous/a", "sarah")
    journal.event(20, "@anonymous/a", "second")
    journal.merge(30, "@anonymous/a", "joe")
    journal.event(40, "@anonymous/a", "third")

    assert people(journal, tmp_path) == [("first", "sarah"), ("second", "joe"), ("third", "@anonymous/a")]


def test_merges_are_followed_one_after_the_other_also_within_an_instant(tmp_path: Path) -> None:
    journal = Journal()
    journal.event(0, "@anonymous/a", "a")
    journal.merge(10, "@anonymous/a", "@loyalty/b", shard=1)
    journal.event(10, "@loyalty/b", "b")
    journal.merge(10, "@loyalty/b", "c", shard=0)
    journal.merge(20, "c", "d")
    journal.event(30, "c", "somebody new")

    assert people(journal, tmp_path) == [("a", "d"), ("b", "d"), ("somebody new", "c")]


def test_a_merge_that_came_before_ones_own_history_is_not_gone_through(tmp_path: Path) -> None:
    journal = Journal()
    journal.merge(10, "b", "c")
    journal.event(20, "@anonymous/a", "a")
    journal.merge(30, "@anonymous/a", "b")

    assert people(journal, tmp_path) == [("a", "b")]


@pytest.mark.parametrize(
    ("follow", "unused", "other"),
    [("none", "@anonymous/a", "@anonymous/b"), ("used", "@anonymous/a", "sarah"), ("all", "sarah", "sarah")],
)
def test_which_merges_are_followed_is_a_matter_of_the_project_and_of_who_asks(
    follow: Follow, unused: str, other: str, tmp_path: Path
) -> None:
    journal = Journal()
    journal.event(0, "@anonymous/a", "history does not count")
    journal.merge(10, "@anonymous/a", "sarah", [["cart", 1, 1, None, "unused", "wait"]])
    journal.event(20, "@anonymous/b", "history counts")
    journal.merge(30, "@anonymous/b", "sarah")

    assert people(journal, tmp_path, follow) == [("history does not count", unused), ("history counts", other)]


def test_a_visit_ends_with_a_pause_of_more_than_half_an_hour(tmp_path: Path) -> None:
    journal = Journal()
    for at in (0, 30, 60 + 1 / 60_000, 200):
        journal.event(at, "sarah", "Seen")
    journal.event(15, "joe", "Seen")

    with journal.warehouse(tmp_path) as warehouse:
        rows = asked(warehouse, "select person, visit from visits order by person, time")

    assert rows == [("joe", 1), ("sarah", 1), ("sarah", 1), ("sarah", 2), ("sarah", 3)]


def test_visits_are_of_the_person_of_today_and_pauses_as_long_as_is_said(tmp_path: Path) -> None:
    journal = Journal()
    journal.event(0, "@anonymous/a", "Seen")
    journal.merge(1, "@anonymous/a", "sarah")
    journal.event(2, "sarah", "Seen")
    journal.event(4.5, "sarah", "Seen")

    with journal.warehouse(tmp_path, Viewed(follow="used", visit_pause_ms=120_000)) as warehouse:
        rows = asked(warehouse, "select person, visit, person_then from visits order by time")

    assert rows == [("sarah", 1, "@anonymous/a"), ("sarah", 1, "sarah"), ("sarah", 2, "sarah")]


def test_visits_are_told_apart_by_a_property_where_one_is_named(tmp_path: Path) -> None:
    journal = Journal()
    for at, session in ((0, "s1"), (1, "s2"), (2, "s1"), (100, "s1")):
        journal.event(at, "sarah", "Seen", session={"id": session})  # two devices at once, and a pause
    journal.event(101, "sarah", "Bought")  # a server knows no session: this is of the visit before
    journal.event(140, "sarah", "Paid", session={"id": ""})  # a visit of its own after a pause
    journal.event(141, "sarah", "Seen", session={"id": "s2"})
    journal.event(142, "sarah", "Seen", session={"id": None})
    journal.event(143, "sarah", "Seen", session={"id": 7})
    journal.event(150, "joe", "Seen")
    journal.event(151, "joe", "Seen", session={"id": "s1"})
    journal.tell("events", 152, "joe", event="Seen", properties=None)

    with journal.warehouse(tmp_path, Viewed(visit_by="session.id")) as warehouse:
        rows = asked(warehouse, "select person, visit from visits order by person desc, time")

    assert rows == [
        *(("sarah", visit) for visit in (1, 2, 1, 1, 1, 3, 2, 2, 4)),
        *(("joe", visit) for visit in (1, 2, 2)),
    ]


def test_a_project_says_what_tells_visits_apart() -> None:
    events = EventsDocument.model_validate({"events": {"Seen": {"properties": {"session.id": "string"}}}})
    insight = InsightDocument.model_validate({"visit_pause": "5m", "visit_by": "event.session.id"})

    viewed = Viewed.of(Project.of(ProjectDocument(project="shop", insight=insight), events=events).program)

    assert (viewed.visit_pause_ms, viewed.visit_by) == (300_000, "session.id")
    assert Viewed.of(Project.of(ProjectDocument(project="shop")).program).visit_pause_ms == 1_800_000


PROPERTIES = {
    "text": "string", "price": "number", "count": "integer", "gift": "boolean", "paid": "timestamp", "day": "date",
    "cart": "object", "items": "list", "cart.total": "number", "utm.\"first.touch\"": "string", "person": "string",
}  # fmt: skip


def test_declared_properties_are_columns_of_their_kinds(tmp_path: Path) -> None:
    journal = Journal()
    journal.event(
        0, "sarah", "Bought", text="a", price=4, count=3.0, gift=True, paid="2026-01-01T12:00:00+02:00",
        day="2026-02-28T23:00:00-05:00", cart={"total": 1.5}, items=[1, "b"], utm={"first.touch": "mail"}, person="x",
    )  # fmt: skip
    journal.event(
        1, "sarah", "Bought", text=4, price="4", count=3.5, gift="true", paid="infinity", day="2026-02-30", cart=None
    )
    journal.tell("events", 2, "sarah", event="Bought", properties=None)

    with journal.warehouse(tmp_path, Viewed({"Bought": PROPERTIES})) as warehouse:  # type: ignore[dict-item]  # kinds
        answer = warehouse.sql('select * from "events_Bought" order by time')
        fitting, odd, none = [row for some in answer.rows for row in some]

    names = ["text", "price", "count", "gift", "paid", "day", "cart", "items", "cart.total", 'utm."first.touch"']
    assert [*answer.columns][2:13] == [*names, "properties.person"]
    assert fitting[2:13] == (
        "a", 4.0, 3, True, datetime(2026, 1, 1, 10, tzinfo=UTC), date(2026, 2, 28), '{"total":1.5}', '[1,"b"]', 1.5,
        "mail", "x",
    )  # fmt: skip
    assert odd[2:13] == none[2:13] == (None,) * 11


def test_events_and_properties_that_differ_in_the_case_of_letters_are_told_apart(tmp_path: Path) -> None:
    journal, hostile = Journal(), 'say "hi"; drop'
    for event in ("seen", "Seen", hostile):
        journal.event(0, event, event, a="lower", A="upper")
    views = Viewed({"seen": {}, "Seen": {"a": "string", "A": "string"}, hostile: {}})

    with journal.warehouse(tmp_path, views) as warehouse:
        answer = warehouse.sql('select * from "events_Seen"')
        ((_, person, *values),) = [row for some in answer.rows for row in some]
        assert (person, [*answer.columns][2:4], values[:2]) == ("Seen", ["a", "properties.A"], ["lower", "upper"])
        assert asked(warehouse, 'select person from "events_seen_2"') == [("seen",)]
        assert asked(warehouse, 'select person from "events_say ""hi""; drop"') == [(hostile,)]


def test_touches_are_outcomes_of_deliveries_but_not_what_machines_did(tmp_path: Path) -> None:
    journal = Journal()
    journal.tell("deliveries", 0, "@anonymous/a", outcome="sent")
    journal.merge(1, "@anonymous/a", "sarah")
    journal.tell("deliveries", 2, "sarah", outcome="opened", machine=True)
    journal.tell("deliveries", 3, "sarah", outcome="clicked", link="shop", machine=False)

    with journal.warehouse(tmp_path) as warehouse:
        rows = asked(warehouse, "select person, kind, what, message, link from touches order by time")

    assert rows == [
        ("sarah", "delivery", "sent", "reminder", None),
        ("sarah", "delivery", "clicked", "reminder", "shop"),
    ]


def test_a_run_is_one_row_with_its_times_and_where_it_stands(tmp_path: Path) -> None:
    journal = Journal()
    journal.move(0, "sarah", "entered", why="Product Added")
    journal.move(0, "sarah", "reached", step="hour")
    journal.move(60, "sarah", "reached", step="mail")
    journal.move(61, "sarah", "goal")
    journal.move(62, "sarah", "ended", why="last step")
    journal.move(70, "sarah", "entered", run=2, why="Product Added")
    journal.move(71, "sarah", "reached", run=2, step="hour")
    journal.move(80, "joe", "entered")
    journal.move(81, "joe", "parked", why="instant_steps_max")
    journal.tell("moves", 90, "joe", what="not_entered", why="already_in")

    with journal.warehouse(tmp_path) as warehouse:
        rows = asked(
            warehouse,
            "select person, run, entered, entered_by, state, ended, why, step, goal from runs order by person, run",
        )

    assert [(*row[:2], minutes(row[2]), *row[3:5], minutes(row[5]), *row[6:8], minutes(row[8])) for row in rows] == [
        ("joe", 1, 80, None, "parked", None, "instant_steps_max", None, None),
        ("sarah", 1, 0, "Product Added", "ended", 62, "last step", "mail", 61),
        ("sarah", 2, 70, "Product Added", "open", None, None, "hour", None),
    ]


def test_a_run_goes_on_under_its_next_number_after_merges(tmp_path: Path) -> None:
    journal = Journal()
    journal.move(0, "sarah", "entered", why="hers")
    journal.move(1, "@anonymous/a", "entered", why="of a")
    journal.merge(2, "@anonymous/a", "@loyalty/b", [["cart", 1, 1, 4, None, "hour"]])
    journal.move(3, "@loyalty/b", "reached", run=4, step="mail")
    journal.merge(4, "@loyalty/b", "sarah", [["cart", 1, 4, 2, None, "mail"]])
    journal.move(5, "sarah", "ended", run=2, why="last step")
    journal.move(6, "@anonymous/a", "entered", why="of another a")

    follows: tuple[Follow, ...] = ("used", "none")
    for follow in follows:
        with journal.warehouse(tmp_path, Viewed(follow=follow)) as warehouse:
            rows = asked(warehouse, "select person, run, entered_by, state, step from runs order by entered")

        assert rows == [
            ("sarah", 1, "hers", "open", None),
            ("sarah", 2, "of a", "ended", "mail"),
            ("@anonymous/a", 1, "of another a", "open", None),
        ]


def test_a_run_that_ended_with_the_merge_is_of_whom_its_history_is(tmp_path: Path) -> None:
    journal = Journal()
    journal.move(1, "@anonymous/a", "entered")
    journal.move(2, "@anonymous/a", "ended", why="merged: already_in")
    journal.merge(2, "@anonymous/a", "sarah", [["cart", 1, 1, None, "already_in", "hour"]])
    journal.move(3, "sarah", "entered")

    with journal.warehouse(tmp_path) as warehouse:
        rows = asked(warehouse, "select person, run, state, person_then from runs order by entered")

    assert rows == [("sarah", 1, "ended", "@anonymous/a"), ("sarah", 1, "open", "sarah")]


def test_an_answer_says_up_to_when_everything_is_known(tmp_path: Path) -> None:
    journal = Journal()
    journal.event(0, "sarah", "Seen")

    with journal.warehouse(tmp_path) as warehouse:
        assert warehouse.sql("select 1").as_of_ms == TEN
