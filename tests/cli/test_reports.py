"""The command that reports: of which source, of what kind, within which bounds, and in which form?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.insight.warehouse.test_stores import SHOP
from tests.projects import write_texts

if TYPE_CHECKING:
    from tests.cli.conftest import Ask


@pytest.fixture
def out(ask: Ask, luma_copy: Path, events: Path, tmp_path: Path) -> Path:
    done = ask("simulate", luma_copy, "--events", events, "--out", tmp_path / "out", "--facts")
    assert done.exit_code == 0, done.output
    return tmp_path / "out"


def test_a_report_of_one_kind_is_the_same_from_the_result_and_from_its_facts(ask: Ask, out: Path) -> None:
    found = ask("report", out, "journey", "abandoned-cart")

    assert found.exit_code == 0, found.output
    assert found.output.splitlines()[:2] == ["journey abandoned-cart", "Runs entered at any time."]
    assert ask("report", "journey", "abandoned-cart", "--facts", out / "facts").output == found.output


def test_people_who_became_one_count_as_one_where_the_project_of_the_simulation_is_there(
    ask: Ask, tmp_path: Path
) -> None:
    shop, lines = tmp_path / "shop", tmp_path / "lines"
    write_texts(shop, SHOP)
    seen = {"type": "track", "event": "Seen", "timestamp": "2026-01-01T10:00:00Z"}
    login = {"type": "identify", "userId": "u", "anonymousId": "a", "timestamp": "2026-01-01T10:01:00Z"}
    calls = [{**seen, "anonymousId": "a"}, login, {**seen, "userId": "u", "timestamp": "2026-01-01T10:02:00Z"}]
    lines.write_text("".join(json.dumps(call) + "\n" for call in calls))
    done = ask("simulate", shop, "--events", lines, "--out", tmp_path / "out", "--facts")
    assert done.exit_code == 0, done.output

    def events(*more: str | Path) -> list[list[str | int]]:
        told = json.loads(ask("report", tmp_path / "out", "event", "Seen", *more, "--format", "json").stdout)
        rows: list[list[str | int]] = told["tables"]["Events"]["rows"]
        return rows

    assert events() == [["Seen", 2, 1]]
    moved = shop.rename(tmp_path / "moved")
    assert events() == [["Seen", 2, 2]]
    assert "which is not there: --project names it" in ask("report", tmp_path / "out", "event").stderr
    assert events("--project", moved) == [["Seen", 2, 1]]


def test_bounds_groups_and_the_cohort_are_told_in_the_answer(ask: Ask, out: Path) -> None:
    bounds = ["--from", "2026-03-01T00:00:00Z", "--to", "2026-04-01T00:00:00Z"]

    told = json.loads(
        ask("report", out, "channel", *bounds, "--cohort", "moved", "--by", "day", "--format", "json").stdout
    )

    assert (told["from"], told["to"]) == ("2026-03-01T00:00:00.000Z", "2026-04-01T00:00:00.000Z")
    assert (told["cohort"], told["by"]) == ("moved", "day")
    assert {row[0] for row in told["tables"]["Outcomes"]["rows"]} <= {f"2026-03-{day:02}" for day in range(1, 32)}
    assert told["tables"]["Outcomes"]["rows"]


def test_live_is_the_day_before_the_newest_that_is_known(ask: Ask, out: Path) -> None:
    told = json.loads(ask("report", out, "event", "--live", "--format", "json").stdout)

    assert (told["from"][:10] < told["as_of"][:10]) and told["from"][10:] == told["as_of"][10:]


def test_a_report_is_written_to_a_file(ask: Ask, out: Path, tmp_path: Path) -> None:
    done = ask("report", out, "event", "--format", "csv", "--out", tmp_path / "events.csv")

    assert done.exit_code == 0
    assert (tmp_path / "events.csv").read_text() == "table,event,events,people\nEvents,Product Added,1,1\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["offer", "free"], 1, "Facts tell of no offer 'free'"),
        (["offers"], 2, "'offers' is none; there are journey, campaign, channel, message, event, place, offer"),
        (["journey", "--live", "--to", "2026-04-01T00:00:00Z"], 2, "without --from and --to"),
        (["journey", "--from", "yesterday"], 2, "no time with a zone"),
        (["journey", "--by", "step"], 1, "is not divided by step"),
        (["journey", "nobody"], 1, "Facts tell of no journey 'nobody'"),
        (["--by", "day"], 2, "it goes with KIND"),
        (["--out", "file"], 2, "it goes with KIND"),
    ],
)
def test_what_is_no_report_is_said(ask: Ask, out: Path, arguments: list[str], code: int, words: str) -> None:
    result = ask("report", out, *arguments)

    assert result.exit_code == code, result.output
    assert words in " ".join(result.output.split())


def test_without_facts_the_line_is_told_that_writes_them(ask: Ask, out: Path, luma_copy: Path, events: Path) -> None:
    bare = out.with_name("bare")
    assert ask("simulate", luma_copy, "--events", events, "--out", bare).exit_code == 0

    for command in (["report", bare, "journey"], ["insight", "check", bare]):
        result = ask(*command)
        assert result.exit_code == 1
        assert "`parcours simulate --facts` writes them to OUT/facts" in result.output


def test_one_source_is_checked(ask: Ask, out: Path) -> None:
    assert ask("insight", "check", "--facts", out / "facts").output == "All facts add up.\n"
    assert ask("insight", "check", out, "--facts", out / "facts").exit_code == 2
    assert ask("report", out, "journey", "--facts", out / "facts").exit_code == 2
