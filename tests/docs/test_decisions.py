"""Does the page on scores say what is so? Its project is trained and simulated, its Python tells the same margin."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from tests.docs.blocks import blocks
from tests.projects import write_texts
from tests.training.conftest import STUDIO, month
from typer.testing import CliRunner

from parcours.cli import build
from parcours.config import Settings
from parcours.expression.expression import Scope
from parcours.journey.project import Project
from parcours.scoring import model as models
from parcours.scoring.features import numbers_of, rounding
from parcours.scoring.margins import margin_of

PAGE = Path(__file__).parents[2] / "engine" / "docs" / "decisions.md"


@pytest.mark.parametrize("kind", ["logistic", "trees"])
def test_what_the_page_says_can_be_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.chdir(tmp_path)
    documents = {
        text.splitlines()[0].removeprefix("# "): text.replace("logistic", kind) for text in blocks(PAGE, "yaml")
    }
    write_texts(
        Path("studio"),
        {**STUDIO, "profile.yaml": "traits: {city: string, age: number, likely: number, booking: number}\n"},
    )
    write_texts(Path("studio"), documents)
    Path("events.ndjson").write_text("\n".join(month(500)))

    for command in "".join(blocks(PAGE, "shell")).splitlines():
        result = CliRunner(env={"COLUMNS": "80"}).invoke(build(), shlex.split(command)[1:])
        assert result.exit_code == 0, (command, result.output)
        assert "explain" not in command or "\nscores\n  2026-03-22T00:00:00.000Z  book: 0." in result.output

    score = Project.load("studio").program.scores["book"]
    assert score.model is not None and score.model.kind == kind
    summary = json.loads(Path("results/summary.json").read_text())
    assert summary["journeys"]["invite"]["entered"] > 0
    decided = [json.loads(line) for line in Path("decided/decisions.ndjson").read_text().splitlines()]
    assert {each["placement"] for each in decided} == {"agent", "news-card"}
    assert all(any(each["offer"] for each in decided if each["placement"] == place) for place in ("agent", "news-card"))
    defined: dict[str, Any] = {"__name__": "decisions"}
    exec(compile("\n".join(blocks(PAGE, "python")), PAGE.name, "exec"), defined)
    for profile in ({"city": "Atlanta", "age": 33.3}, {}, {"city": "Rome", "age": 0.1}):
        values = [each.value.value(Scope(profile=profile)) for each in score.features]
        numbers = [each for each in numbers_of(score.features, values) if each is not None]
        theirs = defined["margin_of"]("studio/models/book.json", dict(zip(score.columns, numbers, strict=True)))
        assert theirs == margin_of(score.model)(rounding(len(numbers))(numbers))


def test_the_bounds_of_the_page_are_those_of_the_code() -> None:
    text = " ".join(PAGE.read_text().split())

    assert f"at most {models.FEATURES_MAX:,} features, {models.TREES_MAX:,} trees" in text
    assert f"{models.TREE_NODES_MAX:,} nodes in one and {models.NODES_MAX:,} in all, {models.DEPTH_MAX} below" in text
    assert f"fewer than {Settings().score_cases_min} cases of either outcome (`score_cases_min`)" in text
