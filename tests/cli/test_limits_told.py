"""Limits that a simulation reached are told by its report, then and later."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Ask

JOURNEY = """
journey: baskets
entry: {event: Filled}
correlation: event.cart.items
steps: [{id: rest, wait: 1d}]
"""


def test_a_report_of_result_files_tells_the_limits_that_were_reached(ask: Ask, tmp_path: Path) -> None:
    project = tmp_path / "shop"
    (project / "journeys").mkdir(parents=True)
    (project / "parcours.yaml").write_text("project: shop\n")
    (project / "events.yaml").write_text("events: {Filled: {properties: {cart.items: integer}}}\n")
    (project / "journeys" / "baskets.yaml").write_text(JOURNEY)
    events, out = tmp_path / "events.ndjson", tmp_path / "out"
    call = {"type": "track", "userId": "ann", "event": "Filled", "timestamp": "2026-03-02T09:00:00Z"}
    events.write_text(
        "".join(json.dumps({**call, "properties": {"cart": {"items": number}}}) + "\n" for number in range(1_001))
    )

    simulated = ask("simulate", project, "--events", events, "--out", out)

    assert simulated.exit_code == 0, simulated.output
    limits = json.loads((out / "summary.json").read_text())["limits"]
    assert limits == {"ended_runs_max": 1, "open_runs_max": 1}, "the first loss of a memory is told, once"
    assert "open_runs_max" in ask("report", out).output


def test_a_summary_without_a_limit_reached_has_no_key_for_limits(
    ask: Ask, luma_copy: Path, events: Path, tmp_path: Path
) -> None:
    ask("simulate", luma_copy, "--events", events, "--out", tmp_path / "out")

    assert "limits" not in json.loads((tmp_path / "out" / "summary.json").read_text())
