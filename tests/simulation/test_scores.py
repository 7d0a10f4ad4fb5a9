"""What scores do in a simulation: the same on any number of shards, in journeys and in what campaigns ask of sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.simulation.campaign_shop import BEGIN_MS, HOUR_MS, campaign, people, project_in, told, tracked

from parcours.core.fact import Moved
from parcours.errors import ProjectInvalid
from parcours.journey.project import Project
from parcours.scoring.model import ScoreModel, read_model

SEEN = 'count("Seen", "30d")'

SCORES: dict[str, Any] = {
    "scores": {
        "buy": {
            "predicts": {"event": "Bought", "within": "7d"},
            "features": {"seen": SEEN, "number": "profile.score"},
            "model": {"file": "models/buy.json", "kind": "logistic"},
        }
    }
}

MODEL = """{"format": 1, "score": "buy", "kind": "logistic", "intercept": -3, "weights": [2, 1], "features": [
    {"name": "seen", "text": "count(\\"Seen\\", \\"30d\\")"}, {"name": "number", "text": "profile.score"}]}"""

ALL = {"id": "all", "read": {"where": "has(profile.score)"}}


def shop(folder: Path, *steps: dict[str, Any], **documents: Any) -> Project:
    assert isinstance(read_model(MODEL), ScoreModel)
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "buy.json").write_text(MODEL)
    campaigns = [campaign(*steps)] if steps else []
    return project_in(folder, *campaigns, scores=SCORES, **documents)


def test_a_campaign_reads_filters_and_divides_by_a_score(tmp_path: Path) -> None:
    likely = {"id": "likely", "read": {"where": 'score("buy") > 0.5'}}  # a margin above 0
    surest = {"id": "surest", "filter": 'margin("buy") >= 2.0'}
    bands = [{"name": "high", "when": 'band("buy") == "high"'}, {"name": "other", "otherwise": True}]
    divided = {"id": "bands", "from": "all", "split": bands}
    project = shop(tmp_path, likely, surest, ALL, divided)

    made = told(project, [*people(6), tracked("u2", "Seen", 0.5)])

    # margins are number - 3, and 2 more for u2
    assert made.sizes() == {
        "likely.main": 3, "surest.main": 1, "surest.rest": 2,
        "all.main": 6, "bands.high": 3, "bands.other": 3, "bands.rest": 0,
    }  # fmt: skip


def test_a_campaign_keeps_a_score_as_a_trait(tmp_path: Path) -> None:
    again = {"id": "again", "filter": "profile.score > 0.5"}
    keep = {"id": "keep", "from": "all", "update": {"score": 'score("buy")'}}
    project = shop(tmp_path, ALL, keep, {"id": "wait", "wait": "1h"}, again)

    made = told(project, people(6))

    assert made.sizes()["again.main"] == 2  # before the update it would have been 5


def test_a_score_together_with_a_row_is_refused(tmp_path: Path) -> None:
    both = {"id": "both", "filter": 'score("buy") > 0.5 && run.id != ""'}

    with pytest.raises(ProjectInvalid, match="ask for it in a step of its own"):
        shop(tmp_path, ALL, both)


@pytest.mark.parametrize("shards", [2, 3])
def test_journeys_go_by_scores_on_any_number_of_shards(tmp_path: Path, shards: int) -> None:
    journey = {
        "journey": "invite",
        "entry": {"event": "Seen", "when": 'score("buy") > 0.5'},
        "steps": [{"id": "stay", "wait": "1h"}],
    }
    project = shop(tmp_path, journeys_invite=journey)
    calls = [*people(6), *(tracked(f"u{each}", "Seen", 1 + hour) for each in range(6) for hour in (0, 1))]
    calls.sort(key=lambda call: call["timestamp"])

    def entered(count: int) -> list[tuple[str, int]]:
        facts = told(project, calls, shards=count).facts
        return sorted((each.person, each.at) for each in facts if isinstance(each, Moved) and each.what == "entered")

    second = dict.fromkeys(["u0", "u1"], HOUR_MS) | dict.fromkeys(["u2", "u3", "u4", "u5"], 0)
    assert entered(1) == entered(shards) == [(who, BEGIN_MS + HOUR_MS + later) for who, later in second.items()]
