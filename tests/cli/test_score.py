"""`parcours score train`: a model is written into the project, which can be published from then on."""

from __future__ import annotations

import json
from pathlib import Path

from tests.projects import write_texts
from tests.training.conftest import STUDIO, month
from typer.testing import CliRunner, Result

from parcours.cli import build


def train(folder: Path, *arguments: str) -> Result:
    named = ["score", "train", str(folder / "studio"), *arguments, "--events", str(folder / "events.ndjson")]
    return CliRunner(env={"COLUMNS": "100"}).invoke(build(), named)


def written(folder: Path, people: int = 1_200) -> Path:
    write_texts(folder / "studio", STUDIO)
    (folder / "events.ndjson").write_text("\n".join(month(people)))
    return folder


def test_it_makes_the_model_and_tells_what_it_is_worth(tmp_path: Path) -> None:
    folder = written(tmp_path)
    before = CliRunner().invoke(build(), ["check", str(folder / "studio")])

    told = train(folder, "book", "--at", "2026-03-15")

    assert told.exit_code == 0, told.output
    first, second, *others = told.stdout.splitlines()
    assert first.startswith(str(folder / "studio" / "models" / "book.json")) and "as of 2026-03-15T00:00:00" in first
    assert ": AUC 0." in second and "log loss" in second and "Brier" in second
    assert others[others.index("what moves it, on average") + 1].endswith("  views")
    after = CliRunner().invoke(build(), ["check", str(folder / "studio")])
    assert (before.exit_code, after.exit_code) == (1, 0)
    model = (folder / "studio" / "models" / "book.json").read_text()
    again = train(folder, "book", "--at", "2026-03-15T01:00:00+01:00", "--json")
    assert json.loads(again.stdout)["cases"] > 100
    assert (folder / "studio" / "models" / "book.json").read_text() == model


def test_a_model_that_does_not_fit_any_more_is_trained_again(tmp_path: Path) -> None:
    folder = written(tmp_path)
    assert train(folder, "book", "--at", "2026-03-15").exit_code == 0
    scores = folder / "studio" / "scores.yaml"
    scores.write_text(scores.read_text().replace("missing: 40", "missing: 30"))
    assert CliRunner().invoke(build(), ["check", str(folder / "studio")]).exit_code == 1

    assert train(folder, "book", "--at", "2026-03-15").exit_code == 0

    assert CliRunner().invoke(build(), ["check", str(folder / "studio")]).exit_code == 0


def test_what_cannot_be_trained_leaves_the_model_as_it_is(tmp_path: Path) -> None:
    folder = written(tmp_path, people=50)
    (folder / "studio" / "models").mkdir()
    (folder / "studio" / "models" / "book.json").write_text("{}")

    told = train(folder, "book", "--at", "2026-03-15")

    assert told.exit_code == 1 and "book needs 200 cases of each outcome" in told.stderr
    assert (folder / "studio" / "models" / "book.json").read_text() == "{}"
    assert train(folder, "bok", "--at", "2026-03-15").stderr.startswith("there is no score 'bok', did you mean 'book'?")
    assert "2026-03-31" in train(folder, "book", "--at", "2026-03-31").stderr
    assert train(folder, "book").exit_code == 2
