"""What `insight` of parcours.yaml may say of how long facts are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from parcours.config import DAY_MS
from parcours.journey.model.insight import InsightDocument
from parcours.journey.project import Project
from parcours.journey.starter import write_starter


@pytest.mark.parametrize(
    "facts_for, usually, moves",
    [
        ("5d", 5 * DAY_MS, 5 * DAY_MS),
        ("ever", None, None),
        ({"all": "ever"}, None, None),
        ({"all": "ever", "moves": "5d"}, None, 5 * DAY_MS),
        ({"moves": "ever"}, 90 * DAY_MS, None),
    ],
)
def test_facts_are_kept_for_days_or_for_ever_all_of_them_or_by_table(
    facts_for: object, usually: int | None, moves: int | None
) -> None:
    insight = InsightDocument.model_validate({"facts_for": facts_for})

    assert insight.usually_kept_for == usually
    assert insight.kept_for("moves") == moves
    assert InsightDocument.model_validate(insight.model_dump(mode="json")) == insight


@pytest.mark.parametrize(
    "facts_for, words",
    [
        ("never", "insight.facts_for: whole days are expected, such as 90d, or ever"),
        ("{moves: always}", "insight.facts_for.moves: whole days are expected, such as 90d, or ever"),
        ("36h", "insight.facts_for: whole days are expected, such as 90d, and not 1d12h"),
        ("90", "insight.facts_for: a duration is a text with a unit, such as 30s or 3d"),
        ("0d", "insight.facts_for: a duration that is longer than nothing is expected"),
        ("3 days", "insight.facts_for: a duration is written like 30s, 20m, 5h, 3d, 2w or 1d12h"),
    ],
)
def test_what_is_neither_days_nor_ever_is_told_with_what_may_stand_there(
    facts_for: str, words: str, tmp_path: Path
) -> None:
    write_starter(tmp_path / "shop")
    (tmp_path / "shop" / "parcours.yaml").write_text(f"project: shop\ninsight:\n  facts_for: {facts_for}\n")

    assert [words in str(finding) for finding in Project.check(tmp_path / "shop")] == [True]


@pytest.mark.parametrize(
    "setting, words",
    [
        ("visit_pause: 0m", "insight.visit_pause: a duration that is longer than nothing is expected"),
        ("visit_by: session_id", "insight.visit_by: a property is named as in event.category"),
        ("visit_by: event.sesion", "insight.visit_by: unknown property 'sesion', did you mean 'session'?"),
        ("visit_by: event.mail", "insight.visit_by: event.mail is personal, so that facts do not have it"),
        ("visit_by: event.basket", "insight.visit_by: event.basket is no single value"),
    ],
)
def test_what_cannot_tell_visits_apart_is_told(setting: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "parcours.yaml").write_text(f"project: shop\ninsight:\n  {setting}\n")
    (tmp_path / "events.yaml").write_text(
        "events: {Seen: {properties: {session: string, mail: {type: string, pii: true}, basket: list}}}\n"
    )

    assert [words in str(finding) for finding in Project.check(tmp_path)] == [True]
