"""Are reports the same in each form, and does a table say what it counts?"""

from __future__ import annotations

import csv
import json
from io import StringIO

import pytest
from rich.console import Console

from parcours.insight.reports import forms
from parcours.insight.reports.asked import Asked, Cohort
from parcours.insight.reports.report import Report, Section

HOUR_MS = 3_600_000

REPORT = Report(
    Asked("journey", "cart", 0, HOUR_MS),
    [
        Section("Goals", ["journey", "reached", "entered", "rate"], [("cart", 1, 3_000, 1 / 3_000)], 1, rated=True),
        Section("Steps", ["journey", "step", "inflow", "median ms"], [("cart", "wait", 3_000, None)], 2),
        Section("Ended", ["journey", "step", "runs"], [], 2),
    ],
    HOUR_MS,
    {"moves": 0},
)


def test_json_has_everything_unrounded() -> None:
    file = StringIO()

    forms.write_json(file, REPORT)

    told = json.loads(file.getvalue())
    assert [*told] == ["kind", "name", "from", "to", "cohort", "by", "as_of", "cut_before", "tables"]
    assert (told["from"], told["as_of"]) == ("1970-01-01T00:00:00.000Z", "1970-01-01T01:00:00.000Z")
    assert told["tables"]["Goals"] == {
        "columns": ["journey", "reached", "entered", "rate"],
        "rows": [["cart", 1, 3_000, 1 / 3_000]],
    }
    assert told["tables"]["Ended"]["rows"] == []


def test_csv_has_the_tables_one_after_the_other() -> None:
    file = StringIO()

    forms.write_csv(file, REPORT)

    goals, steps, ended = file.getvalue().split("\n\n")
    assert next(csv.reader(goals.splitlines())) == ["table", "journey", "reached", "entered", "rate"]
    assert steps == "table,journey,step,inflow,median ms\nSteps,cart,wait,3000,"
    assert ended == "table,journey,step,runs\n"


def test_a_table_to_look_at_has_percentages_and_leaves_out_what_is_empty() -> None:
    file = StringIO()

    forms.print_sections(Console(file=file, width=80), REPORT)

    text = file.getvalue()
    assert "0.0 %" in text and "3,000" in text
    assert "Steps of cart" in text and "Ended" not in text
    assert text.splitlines()[:4] == [
        "journey cart",
        "Runs entered from 1970-01-01T00:00:00.000Z and before 1970-01-01T01:00:00.000Z.",
        "There are no moves from before 1970-01-01T00:00:00.000Z: they were kept for long",
        "enough.",
    ]


@pytest.mark.parametrize(("cohort", "words"), [("entered", "Runs entered"), ("moved", "Moves that happened")])
def test_the_heading_says_what_a_window_counts(cohort: Cohort, words: str) -> None:
    assert forms.heading(Report(Asked("journey", cohort=cohort), [])) == [
        "each journey",
        f"{words} at any time.",
        "Nothing is known yet.",
    ]


NOTHING = Report(Asked("event"), [Section("Events", ["event", "events", "people"], [], 1)], HOUR_MS, {})


def test_where_there_are_no_rows_programs_get_the_columns_and_people_are_told() -> None:
    as_csv, as_json, as_table = StringIO(), StringIO(), StringIO()

    forms.write_csv(as_csv, NOTHING)
    forms.write_json(as_json, NOTHING)
    forms.print_sections(Console(file=as_table, width=80), NOTHING)

    assert as_csv.getvalue() == "table,event,events,people\n"
    assert json.loads(as_json.getvalue())["tables"] == {
        "Events": {"columns": ["event", "events", "people"], "rows": []}
    }
    assert as_table.getvalue().endswith("\n\nNothing to tell.\n")
