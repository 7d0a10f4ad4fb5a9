"""What came of it, why it came so, and what a change would have changed: asked from the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest


def test_a_report_is_made_from_what_a_simulation_left(ask: Any, luma_copy: Path, events: Path, tmp_path: Path) -> None:
    ask("simulate", luma_copy, "--events", events, "--out", tmp_path / "out")

    result = ask("report", tmp_path / "out")

    assert result.exit_code == 0
    assert "abandoned-cart  version 1" in result.stdout
    assert "Lines read: 2 · used 2" in result.stdout


@pytest.mark.parametrize("summary, complaint", [(None, "holds no summary.json"), ("{}x", "is no summary")])
def test_a_folder_without_a_result_is_said_to_be_one(
    summary: str | None, complaint: str, ask: Any, tmp_path: Path
) -> None:
    if summary is not None:
        (tmp_path / "summary.json").write_text(summary)

    result = ask("report", tmp_path)

    assert result.exit_code == 1
    assert complaint in result.stderr


def test_somebody_is_explained(ask: Any, luma_copy: Path, events: Path) -> None:
    told = ask("explain", luma_copy, "--events", events, "--until", "2026-03-02T10:30:00Z", "sarah")
    figures = json.loads(ask("explain", luma_copy, "sarah", "--events", events, "--json").stdout)

    assert told.exit_code == 0
    assert "now: at opened, waiting for opened of remind until 2026-03-03T10:00:00.000Z" in told.stdout
    assert figures["person"] == "sarah"
    assert [story["journey"] for story in figures["journeys"]] == ["checkout", "abandoned-cart", "west-coast-launch"]


def test_a_stranger_is_nobody_to_explain(ask: Any, luma_copy: Path, events: Path) -> None:
    result = ask("explain", luma_copy, "--events", events, "mike")

    assert result.exit_code == 1
    assert "Nothing happened to 'mike'" in result.stderr


@pytest.mark.parametrize("piped", [False, True])
def test_a_change_is_told_person_by_person(
    piped: bool, ask: Any, luma_copy: Path, events: Path, tmp_path: Path
) -> None:
    changed = Path(shutil.copytree(luma_copy, tmp_path / "changed"))
    journey = changed / "journeys" / "abandoned-cart.yaml"
    journey.write_text(journey.read_text().replace("wait: 1h", "wait: 2h"))

    source = "-" if piped else events
    result = ask("diff", luma_copy, changed, "--events", source, given=events.read_bytes() if piped else None)

    assert result.exit_code == 0
    assert "Deliveries: 3 move. People who notice: 1." in result.stdout
    assert (
        "  ~ 2026-03-02T10:00:00.000Z -> 2026-03-02T11:00:00.000Z  abandoned-cart.remind, run 1: email sent"
        in result.stdout.splitlines()
    )


def test_a_change_is_told_to_machines_as_well(ask: Any, luma_copy: Path, events: Path) -> None:
    figures = json.loads(ask("diff", luma_copy, luma_copy, "--events", events, "--json").stdout)

    assert figures["deliveries"] == {"appears": 0, "vanishes": 0, "moves": 0, "same": 3}
    assert (figures["changes"], figures["more"]) == ([], 0)
