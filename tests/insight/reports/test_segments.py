"""Do reports that are divided by segments count everybody once, and add up to the same without groups?"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.insight.reports.test_reports import deliver, journal, rows, run, table
from tests.insight.warehouse.rows import Journal
from tests.projects import write_texts

from parcours.config import Settings
from parcours.errors import CallerError
from parcours.insight.reports.asked import Asked
from parcours.insight.reports.counting import report_of
from parcours.insight.reports.report import Report
from parcours.insight.warehouse.viewed import Viewed
from parcours.insight.warehouse.warehouse import Warehouse
from parcours.journey.program import Program
from parcours.journey.project import Project

__all__ = ["journal"]

SHOP = {
    "parcours.yaml": "{project: shop, anonymous_history: used}",
    "profile.yaml": "traits: {city: {type: string, insight: true}}",
    "events.yaml": "events: {Added: {properties: {price: number}}, Bought: {}}",
    "insight/shop.yaml": """
segments:
  west: profile.city == 'Brest'
  homeless: '!has(profile.city)'
  buyers: {event: Bought}
""",
}


@pytest.fixture
def program(tmp_path: Path) -> Program:
    write_texts(tmp_path / "shop", SHOP)
    return Project.load(tmp_path / "shop").program


def live(journal: Journal, at: float, person: str, city: str) -> None:
    journal.tell("changes", at, person, what="trait", name="city", value=f'"{city}"')


def asked(journal: Journal, program: Program, folder: Path, asked: Asked) -> Report:
    with Warehouse(folder / "none", Viewed.of(program), Settings(), journal.tail()) as warehouse:
        return report_of(warehouse, asked, program)


def divided(report: Report, title: str, figure: str) -> dict[object, object]:
    (found,) = [each for each in report.sections if each.title == title]
    assert report.asked.by is not None
    return {row[report.asked.by]: row[figure] for row in table(report, found.title)}


@pytest.mark.parametrize("cohort", ["entered", "moved"])
def test_a_journey_is_divided_into_a_segment_and_everybody_else(
    cohort: str, journal: Journal, program: Program, tmp_path: Path
) -> None:
    live(journal, -10, "ann", "Brest")
    live(journal, -10, "ben", "Lille")
    live(journal, -10, "dan", "Brest")

    report = asked(journal, program, tmp_path, Asked("journey", by="west", cohort=cohort))  # type: ignore[arg-type]  # one of the two

    assert divided(report, "Runs", "entered") == {"west": 2, "(others)": 3}
    assert divided(report, "Runs", "exited") == {"west": 1, "(others)": 0}
    steps = {(row["west"], row["step"]): row["inflow"] for row in table(report, "Steps")}
    assert steps == {("west", "wait"): 2, ("west", "remind"): 1, ("(others)", "wait"): 3, ("(others)", "remind"): 2}


def test_who_is_in_several_segments_is_a_group_of_its_own(journal: Journal, program: Program, tmp_path: Path) -> None:
    live(journal, -10, "ann", "Brest")
    live(journal, -10, "dan", "Brest")
    journal.event(3, "ann", "Bought")
    journal.event(4, "eve", "Bought")

    report = asked(journal, program, tmp_path, Asked("journey", by="west,buyers"))
    of_nobody = asked(journal, program, tmp_path, Asked("journey", by="homeless,west"))

    entered = divided(report, "Runs", "entered")
    assert entered == {"west + buyers": 1, "west": 1, "buyers": 1, "(others)": 2}
    assert divided(of_nobody, "Runs", "entered") == {"homeless": 3, "west": 2}


def test_a_segment_by_an_event_looks_into_the_window_of_the_report(
    journal: Journal, program: Program, tmp_path: Path
) -> None:
    for at, person in ((1, "ann"), (50, "ben"), (60, "ben")):
        journal.event(at, person, "Added")
    journal.event(1, "ann", "Bought")
    journal.event(55, "ben", "Bought")
    began = journal.rows["events"][0][0]
    assert isinstance(began, int)

    whole = asked(journal, program, tmp_path, Asked("event", "Added", by="buyers"))
    early = asked(journal, program, tmp_path, Asked("event", "Added", to_ms=began + 52 * 60_000, by="buyers"))

    assert rows(whole, "Events") == [("buyers", "Added", 3, 2)]
    assert rows(early, "Events") == [("(others)", "Added", 1, 1), ("buyers", "Added", 1, 1)]


def test_deliveries_are_those_of_the_person_who_has_them_now(program: Program, tmp_path: Path) -> None:
    journal = Journal()
    deliver(journal, 0, "k1", "queued", "claimed")
    deliver(journal, 0, "k2", "queued", "claimed", "sent", "opened")
    journal.merge(10, "of k1", "ann")
    journal.tell("deliveries", 20, "ann", outcome="sent", key="k1", link=None)
    live(journal, -10, "ann", "Brest")

    for cohort in ("entered", "moved"):
        report = asked(journal, program, tmp_path, Asked("channel", by="west", cohort=cohort))
        sent = [row for row in table(report, "Outcomes") if row["outcome"] == "sent"]
        assert {row["west"]: row["times"] for row in sent} == {"west": 1, "(others)": 1}
    begun = asked(journal, program, tmp_path, Asked("message", by="west"))
    assert divided(begun, "Deliveries", "sent") == {"west": 1, "(others)": 1}


def test_runs_of_visitors_who_became_somebody_are_in_the_segment_of_that_person(
    program: Program, tmp_path: Path
) -> None:
    journal = Journal()
    run(journal, "@anonymous/a", 0)
    journal.merge(5, "@anonymous/a", "ann", [["cart", 1, 1, 1, "", "wait"]])
    journal.move(8, "ann", "reached", step="remind")
    live(journal, 6, "ann", "Brest")

    report = asked(journal, program, tmp_path, Asked("journey", by="west"))

    assert divided(report, "Runs", "entered") == {"west": 1}


@pytest.mark.parametrize(
    ("kind", "by", "why"),
    [
        ("journey", "wst", "no segment is called so, did you mean 'west'"),
        ("journey", "step", "not divided by step: by one of day, hour, week, version"),
        ("campaign", "west", "not divided by west, nor by anything else"),
        ("event", "west,west", "up to 4 different segments"),
        ("event", "west,,buyers", "up to 4 different segments"),
        ("event", "a,b,c,d,e", "up to 4 different segments"),
    ],
)
def test_what_nothing_is_divided_by_is_said(kind: str, by: str, why: str, program: Program, tmp_path: Path) -> None:
    with pytest.raises(CallerError, match=why):
        asked(Journal(), program, tmp_path, Asked(kind, by=by))  # type: ignore[arg-type]  # one of them


def test_segments_are_those_of_a_project(journal: Journal, tmp_path: Path) -> None:
    with (
        journal.warehouse(tmp_path) as warehouse,
        pytest.raises(CallerError, match="Segments are those of a project: name its folder"),
    ):
        report_of(warehouse, Asked("journey", by="west"))


def test_a_row_that_is_missing_shows_in_the_groups_as_well(journal: Journal, program: Program, tmp_path: Path) -> None:
    live(journal, -10, "ann", "Brest")
    entered = next(row for row in journal.rows["moves"] if row[1] == "ann")
    journal.rows["moves"].remove(entered)

    with pytest.raises(Exception, match="Facts do not add up") as caught:
        asked(journal, program, tmp_path, Asked("journey", by="west"))
    assert "west.cart" in str(caught.value)
