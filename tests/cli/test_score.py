"""`parcours score train`: a model is written into the project, which can be published from then on."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from tests.projects import write_texts
from tests.training.conftest import CUT, STUDIO, month, viewed
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


JOURNEY = """\
    journey: invite
    entry: {event: Class Viewed, when: 'score("book") > 0.5'}
    steps: [{id: done, end: true}]
"""


def test_it_tells_what_a_score_was_worth_by_facts_and_how_far_people_are_from_its_training(tmp_path: Path) -> None:
    folder = written(tmp_path)
    assert train(folder, "book", "--at", "2026-03-15").exit_code == 0
    write_texts(folder / "studio", {"journeys/invite.yaml": JOURNEY})
    lines = [*month(1_200), *(viewed(f"p{number}", CUT - timedelta(minutes=1)) for number in range(1_200))]
    (folder / "events.ndjson").write_text("\n".join(lines))
    runner, studio, events = CliRunner(env={"COLUMNS": "100"}), str(folder / "studio"), str(folder / "events.ndjson")
    simulated = runner.invoke(
        build(), ["simulate", studio, "--events", events, "--out", str(folder / "results"), "--facts"]
    )
    assert simulated.exit_code == 0, simulated.output

    def check(*asked: str) -> Result:
        return runner.invoke(build(), ["score", "check", studio, "book", *asked])

    facts = ["--facts", str(folder / "results" / "facts")]
    by_facts, both = check(*facts), check(*facts, "--events", events, "--at", "2026-03-15", "--json")
    first, _, heading, *bins = by_facts.stdout.splitlines()
    told = json.loads(both.stdout)
    quality = told["since"]["quality"]
    assert first.startswith(f"Of {quality['cases']} cases from 2026-03-") and f"AUC {quality['auc']:.3f}" in first
    assert heading == "probability from   cases   predicted   came true" and len(bins) == len(quality["calibration"])
    assert 0 < quality["positive"] < quality["cases"] < 60  # of one person in a hundred
    assert told["people"] > 900 and [each["name"] for each in told["drifts"]][:2] == [None, "views"]
    (folder / "one.ndjson").write_text(viewed("p1", CUT))
    alone = check("--events", str(folder / "one.ndjson"), "--at", "2026-03-15")
    assert alone.stdout.startswith("book says something of 1 person, and 0 lack a feature's value."), alone.output
    refused = [check(), check("--at", "2026-03-15"), check("--events", events), check(*facts, "--at", "2026-03-15")]
    assert [each.exit_code for each in refused] == [2, 2, 2, 2]
    assert "choose one of --events with --at, --facts and --store" in refused[0].stderr
