"""By what do groups by an experiment go, and which tables has an analysis read?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.insight.warehouse.rows import TEN, Journal

from parcours.errors import CallerError
from parcours.insight.analyses.happenings import Events, Happening
from parcours.insight.asking.asking import Asking
from parcours.insight.asking.groups import Groups
from parcours.insight.warehouse.questions import Questions
from parcours.insight.warehouse.warehouse import Warehouse
from parcours.journey.analyses import (
    Attribution,
    ByAudience,
    ByVariant,
    Cohort,
    DeliveryCount,
    DeliveryTouches,
    EventTouches,
    Funnel,
    Grouping,
)
from parcours.journey.parts import Trigger
from parcours.journey.project import Project

PROJECTS = Path(__file__).parents[2] / "journey"
SEEN = Trigger("Seen")


def asking_of(warehouse: Warehouse) -> Asking:
    return Asking(Questions(warehouse), Project.load(PROJECTS / "yoga").program, known_until=TEN)


def test_versions_that_list_their_ways_otherwise_are_one_group_by_name(tmp_path: Path) -> None:
    journal = Journal()
    for version, (first, second) in {8: ("name: a, ", "name: b, "), 9: ("name: b, ", "")}.items():
        arms = f"[{{{first}percent: 50, next: done}}, {{{second}percent: 50, next: done}}]"
        document = f"journey: cart\nsteps: [{{id: test, split: {arms}}}, {{id: done, end: true}}]"
        journal.tell("publications", 0, "", journey="cart", version=version, document=document, digest="")
    taken = {"anna": (0, 8), "bert": (1, 8), "cleo": (0, 9), "dora": (1, 9)}
    for person, (way, version) in taken.items():
        journal.move(1, person, "split", step="test", index=way, version=version)
    journal.move(2, "anna", "split", run=2, step="test", index=1, version=8)

    with journal.warehouse(tmp_path) as warehouse:
        program = Project.load(PROJECTS / "yoga").program
        groups = Groups(Questions(warehouse), program, None, None).by(ByVariant("cart", "test"))

    assert groups is not None
    seen = Happening(TEN, "Seen")
    assert {who: groups(Events(who, 0, [seen]), seen) for who in (*taken, "eve")} == {
        "anna": ("a",), "bert": ("b",), "cleo": ("b",), "dora": ("1",), "eve": ("(missing)",),
    }  # fmt: skip


def test_a_split_of_a_campaign_without_an_experiment_makes_no_groups(tmp_path: Path) -> None:
    program = Project.load(PROJECTS / "wishlist").program

    with Journal().warehouse(tmp_path) as warehouse, pytest.raises(CallerError, match="facts tell the parts of a"):
        Groups(Questions(warehouse), program, None, None).by(ByVariant("autumn", "half"))


@pytest.mark.parametrize(
    ("split", "read"),
    [
        (None, {"events"}),
        (ByAudience("locals"), {"events", "changes"}),
        (ByVariant("cart", "test"), {"events", "moves", "publications"}),
    ],
)
def test_groups_tell_which_tables_they_read(split: Grouping | None, read: set[str], tmp_path: Path) -> None:
    with Journal().warehouse(tmp_path) as warehouse:
        asking = asking_of(warehouse)
        asking.funnel(Funnel(name="seen", steps=(SEEN, SEEN), split=split))

        assert asking.tables == read


def test_analyses_tell_which_tables_they_read(tmp_path: Path) -> None:
    with Journal().warehouse(tmp_path) as warehouse:
        by_run, counted, clicked, seen, back = (asking_of(warehouse) for _ in range(5))
        by_run.funnel(Funnel(name="seen", steps=(SEEN, SEEN), by="run"))
        counted.metric(DeliveryCount(outcome="sent"))
        for_events = Attribution(
            name="it", conversion=SEEN, touches=EventTouches(("Seen",)), key="event", lookback_ms=1, models={}
        )
        clicked.attribution(replace(for_events, touches=DeliveryTouches("clicked"), key="message"))
        seen.attribution(for_events)
        back.cohort(Cohort(name="it", starts=SEEN, returns=SEEN, unit="day", periods=1))

        assert [sorted(each.tables) for each in (by_run, counted, clicked, seen, back)] == [
            ["events", "moves"], ["deliveries"], ["deliveries", "events"], ["events"], ["events"],
        ]  # fmt: skip
