"""Are the lines of campaigns exported once each, wherever the exporter stops, and looked after like all other files?"""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

from tests.insight.failing_disk import FailingDisk

from parcours.campaigns.campaign_line import CampaignLine
from parcours.config import DAY_MS, Settings
from parcours.errors import StoreBroken
from parcours.insight.exporter.checking import check_exports
from parcours.insight.exporter.done import facts_folder
from parcours.insight.exporter.opening import open_upkeep
from parcours.insight.exporter.outputs import write_outputs
from parcours.insight.exporter.reading import reading, rows_of
from parcours.journey.model.insight import InsightDocument
from parcours.store.exports import CAMPAIGNS_SHARD, DONE

DAY = 20_000


def line(record: int, day: int = DAY, **more: Any) -> CampaignLine:
    return CampaignLine(day * DAY_MS + record, "push", 1, 1, f"step{record}", "main", 3, record=record, **more)


def exported(store: Path, lines: list[CampaignLine], disk: FailingDisk | None = None) -> int:
    return write_outputs(store, lambda after: [each for each in lines if each.record > after], disk)


def rows(store: Path) -> list[dict[str, Any]]:
    folder = facts_folder(store)
    found: list[dict[str, Any]] = reading(folder, lambda each: rows_of(folder, each, "campaign_steps")).to_pylist()
    return sorted(found, key=lambda row: int(row["record"]))


def documents(store: Path) -> list[str]:
    return sorted(path.name for path in (facts_folder(store) / DONE).glob("*.json"))


def test_what_is_told_later_is_a_range_of_its_own(tmp_path: Path) -> None:
    lines = [line(1), line(2, dropped={"exited": 2, "blocked": 1})]
    assert exported(tmp_path, lines) == 2
    lines += [line(4, begins=5)]
    assert exported(tmp_path, lines) == 4
    assert exported(tmp_path, lines) == 4, "nothing is new"

    assert documents(tmp_path) == [
        "32767-000000000001-000000000002.json",
        "32767-000000000003-000000000004.json",
    ]
    assert [row["record"] for row in rows(tmp_path)] == [1, 2, 4]
    assert rows(tmp_path)[1]["dropped"] == [("blocked", 1), ("exited", 2)]


def test_wherever_the_disk_fails_each_line_is_there_once_afterwards(tmp_path: Path) -> None:
    lines = [line(1), line(2, DAY + 1), line(3, DAY + 1)]
    for works_for in count():
        store = tmp_path / str(works_for)
        try:
            exported(store, lines[:2], FailingDisk(works_for))
        except StoreBroken:
            told = exported(store, lines)  # another line has come since
            assert told == 3
            assert [row["record"] for row in rows(store)] == [1, 2, 3], works_for
            assert check_exports(store, CAMPAIGNS_SHARD, None).wrong == []
        else:
            assert works_for > 5
            return


def test_days_are_put_together_and_go_when_they_were_kept_for_long_enough(tmp_path: Path) -> None:
    lines = [line(1, dropped={"exited": 2}), line(2), line(3, DAY + 9), line(4, DAY + 9)]
    for through in range(1, 5):
        exported(tmp_path, lines[:through])
    insight = InsightDocument.model_validate({"facts_for": {"all": "90d", "campaign_steps": "10d"}})

    while open_upkeep(tmp_path, Settings()).step(insight, (DAY + 5) * DAY_MS):
        pass
    assert [dict(row["dropped"]) for row in rows(tmp_path)] == [{"exited": 2}, {}, {}, {}]
    assert "32767-000000000001-000000000002.20241004.json" in documents(tmp_path)

    while open_upkeep(tmp_path, Settings()).step(insight, (DAY + 12) * DAY_MS):
        pass
    assert [row["record"] for row in rows(tmp_path)] == [3, 4]
    assert exported(tmp_path, lines) == 4, "what was cut off does not come again"
