"""A fact that is taken out by hand: which equation is said not to hold, where, and with which numbers?"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.insight.reports.simulated import differences, opened, take_out
from typer.testing import CliRunner, Result

from parcours.cli import build
from parcours.errors import FiguresDiffer
from parcours.insight.reports.asked import Asked
from parcours.insight.reports.counting import report_of
from parcours.insight.reports.equations import Difference, groups_that_differ, require_none, rows_that_differ
from parcours.insight.reports.report import Section
from parcours.journey.starter import write_starter

Out = Callable[[], Path]

CALLS = [
    {"type": "identify", "userId": "sarah", "traits": {"email": "sarah@mail.example"}},
    {"type": "track", "userId": "sarah", "event": "Checkout Started", "properties": {"cart": {"total": 80}}},
]
OPENED = {
    "type": "reaction", "reaction": "opened", "userId": "sarah", "journey": "abandoned-cart", "step": "remind",
    "channel": "email", "timestamp": "2026-03-02T12:00:00Z",
}  # fmt: skip


def ask(*arguments: str | Path) -> Result:
    return CliRunner(env={"COLUMNS": "100"}).invoke(build(), [str(each) for each in arguments])


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Sarah waits an hour at `bought`, gets a mail at `remind`, which she opens, and ends at `done`."""
    write_starter(tmp_path / "shop")
    lines = [*({**call, "timestamp": "2026-03-02T09:00:00Z"} for call in CALLS), OPENED]
    (tmp_path / "events").write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = ask("simulate", tmp_path / "shop", "--events", tmp_path / "events", "--out", tmp_path / "out", "--facts")
    assert done.exit_code == 0, done.output
    return tmp_path / "out"


def is_move(what: str, step: str | None = None) -> Callable[[dict[str, Any]], bool]:
    return lambda row: row["what"] == what and row["step"] == step


def said(out: Path, *arguments: str) -> list[str]:
    """What a report says of what does not add up."""
    result = ask("report", out, *arguments)
    assert result.exit_code == 1, result.output
    heading, *lines = result.output.splitlines()
    assert heading == "Facts do not add up; some are missing, or are there twice."
    return lines


def test_all_facts_add_up(out: Path) -> None:
    assert differences(out) == []


def test_a_step_that_was_not_reached_but_ended_at_is_named(out: Path) -> None:
    take_out(out, "moves", is_move("reached", "done"))

    assert said(out, "journey") == ["abandoned-cart.done: inflow = waiting + gone on + ended, but 0 is not 1"]


def test_a_step_that_was_not_reached_but_waited_at_is_named(out: Path) -> None:
    take_out(out, "moves", is_move("reached", "bought"))

    assert said(out, "journey", "abandoned-cart") == [
        "abandoned-cart.bought: inflow = waiting + gone on + ended, but 0 is not 1"
    ]


def test_it_is_named_whatever_window_and_groups_are_asked_for(out: Path) -> None:
    take_out(out, "moves", is_move("reached", "done"))
    line = "abandoned-cart.done: inflow = waiting + gone on + ended, but 0 is not 1"

    assert line in said(out, "journey", "--by", "day")
    assert line in said(out, "journey", "--from", "2027-01-01T00:00:00Z")
    assert line in said(out, "journey", "--cohort", "moved", "--by", "hour")


def test_of_what_happened_in_a_window_the_step_is_named_with_what_was_there_before(out: Path) -> None:
    take_out(out, "moves", is_move("reached", "done"))

    assert "abandoned-cart.done: before + inflow = waiting + gone on + ended, but 0 is not 1" in said(
        out, "journey", "--cohort", "moved", "--from", "2026-03-02T09:30:00Z"
    )


def test_a_run_that_did_not_enter_is_named_with_its_journey(out: Path) -> None:
    take_out(out, "moves", is_move("entered"))

    assert said(out, "journey") == ["abandoned-cart: entered = open + parked + exited + ended, but 0 is not 1"]


def test_of_what_happened_in_a_window_the_journey_is_named_with_what_was_there_before(out: Path) -> None:
    take_out(out, "moves", is_move("entered"))

    assert "abandoned-cart: before + entered = open + exited + ended, but 0 is not 1" in said(
        out, "journey", "--cohort", "moved"
    )


def test_a_delivery_with_a_mark_that_was_not_sent_is_named_with_its_key(out: Path) -> None:
    take_out(out, "deliveries", lambda row: row["outcome"] == "sent")

    (line,) = said(out, "channel", "email")
    assert line.startswith("abandoned-cart.remind, email, key ")
    assert line.endswith(": one state = states of a delivery, but 1 is not 0")
    assert said(out, "message") == [line]


def test_a_delivery_that_nothing_else_is_told_of_is_missed_by_the_summary(out: Path) -> None:
    take_out(out, "deliveries", lambda row: row["outcome"] == "opened")

    assert ask("report", out, "channel").exit_code == 0
    result = ask("insight", "check", out)
    assert result.exit_code == 1
    assert "channels.email.opened: summary.json = report from facts, but 1 is not 0" in result.output


def test_an_end_that_is_missing_is_a_difference_from_the_summary(out: Path) -> None:
    take_out(out, "moves", is_move("ended", "done"))

    assert ask("insight", "check", out).output.splitlines()[1:] == [
        "moves: rows of the done list = rows of files, but 7 is not 6",
        "journeys.abandoned-cart.steps.done.ended: summary.json = report from facts, but 1 is not 0",
        "journeys.abandoned-cart.steps.done.waiting: summary.json = report from facts, but 0 is not 1",
    ]


@pytest.mark.parametrize("table", ["events", "moves", "deliveries", "publications"])
def test_whatever_is_missing_the_files_have_too_few_rows(out: Path, table: str) -> None:
    take_out(out, table, lambda row: True)

    result = ask("insight", "check", "--facts", out / "facts")

    assert result.exit_code == 1
    assert f"{table}: rows of the done list = rows of files" in result.output


def test_groups_that_are_not_the_total_are_named_also_if_the_total_has_none() -> None:
    total = Section("Runs", ["journey", "entered"], [("cart", 3)], 1, ["entered"])
    groups = Section(
        "Runs", ["day", "journey", "entered"], [("1", "cart", 1), ("(missing)", "cart", 1)], 2, ["entered"]
    )
    other = Section("Runs", ["day", "journey", "entered"], [("1", "cart", 3), ("1", "tour", 1)], 2, ["entered"])

    assert [*map(str, groups_that_differ([total], [groups]))] == [
        "Runs by day, cart.entered: total = sum over groups, but 3 is not 2"
    ]
    assert [*map(str, groups_that_differ([total], [other]))] == [
        "Runs by day, tour.entered: total = sum over groups, but 0 is not 1"
    ]


def test_rows_that_add_up_are_not_named() -> None:
    steps = ["journey", "step", "inflow", "waiting", "gone on", "ended"]
    rows = [("cart", "a", 3, 1, 1, 1), ("cart", "b", 1, 0, 0, 2)]

    assert [*rows_that_differ([Section("Steps", steps, rows, 2)])] == [
        Difference("inflow = waiting + gone on + ended", "cart.b", 1, 2)
    ]


def test_of_many_differences_the_first_are_told_and_the_rest_counted() -> None:
    with pytest.raises(FiguresDiffer) as raised:
        require_none(Difference("a = b", str(number), 0, 1) for number in range(1_050))

    lines = str(raised.value).splitlines()
    assert (len(lines), lines[1], lines[-1]) == (22, "0: a = b, but 0 is not 1", "and 1,030 more")


def test_moves_that_were_kept_for_long_enough_do_not_make_a_difference(out: Path) -> None:
    take_out(out, "moves", is_move("entered"))
    (out / "facts/_done/0.cut.json").write_text('{"shard":0,"before":{"moves":"2026-03-01"},"made_ms":0,"format":1}')

    with opened(out) as warehouse:
        report = report_of(warehouse, Asked("journey"))

    assert report.cut_before_ms == {"moves": 1_772_323_200_000}
    (steps,) = [each for each in report.sections if each.title == "Steps"]
    assert [row[2:6] for row in steps.rows] == [(0, 0, 0, 0)] * 3
