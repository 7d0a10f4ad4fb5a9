"""Is the page on campaigns whole and up to date, and are its examples in order?"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from tests.docs import campaign_examples as examples
from tests.docs.campaigns_page import OUTPUTS, PAGE, models, page
from typer.testing import CliRunner

from parcours.cli import build
from parcours.journey.model.campaign_steps import CAMPAIGN_STEP_KINDS
from parcours.journey.picture.mermaid import campaign_mermaid
from parcours.journey.project import Project
from parcours.testing.cases.read import read_cases
from parcours.testing.cases.run import run_cases, verdict_lines


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of the page's examples on disk."""
    folder: Path = tmp_path_factory.mktemp("campaigns")
    for name, text in examples.files().items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    name, text = examples.ORDERS
    (folder / name).write_bytes(gzip.compress(text.encode()))
    return folder


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m tests.docs.campaigns_page`"


def test_nothing_is_wrong_with_the_examples_but_that_they_end_early(folder: Path) -> None:
    said = [str(each) for each in Project.check(folder)]

    assert [each for each in said if "no step takes the set" not in each] == []
    assert [each for each in said if "campaigns/wishes.yaml" in each] == []


@pytest.mark.parametrize("model", models(), ids=lambda model: model.__name__)
def test_each_field_says_what_it_is_and_stands_on_the_page(model: type[BaseModel]) -> None:
    text, fields = page(), model.model_fields.items()

    assert [name for name, field in fields if not (field.description or "").endswith(".")] == []
    assert [name for name, field in fields if f"| `{field.alias or name}` |" not in text] == []


SHOWN = {
    "read": "visitors",
    "filter": "parisians",
    "dedupe": "addresses",
    "split": "value",
    "union": "either",
    "intersect": "both",
    "exclude": "quiet",
    "enrich": "known",
    "save": "saved",
    "update": "tiers",
    "export": "list",
    "wait": "pause",
    "test": "size",
    "reacted": "clicked",
    "send": "mail",
}
"""The step of this kind in each example."""


@pytest.mark.parametrize("kind", CAMPAIGN_STEP_KINDS)
def test_the_outputs_of_a_step_are_those_that_the_page_names(folder: Path, kind: str) -> None:
    campaigns = {each.name: each for each in Project.load(folder).program.campaigns}
    outputs = campaigns[f"of-{kind}"].steps[SHOWN[kind]].outputs

    named = [name for name in ("rest", "refused") if f"`{name}`" in OUTPUTS[kind]]
    given = {"split": ["gold", "top", "others"], "test": ["many", "few"]}.get(kind, ["main"])
    assert list(outputs) == [*given, *named]


def test_every_kind_of_step_travels_as_it_is_written_and_is_drawn(folder: Path) -> None:
    project = Project.load(folder)

    assert Project.from_json(project.to_json()).program.campaigns == project.program.campaigns
    for campaign in project.program.campaigns:
        drawn = campaign_mermaid(campaign)
        assert all(f"{step}: " in drawn for step in campaign.steps)


def test_the_test_of_the_page_passes(folder: Path) -> None:
    project = Project.load(folder)
    cases, findings = read_cases(project, folder)

    assert findings == [] and len(cases) == 1
    (verdict,) = run_cases(project, cases)
    assert verdict.passed, list(verdict_lines(verdict))


def test_a_campaign_of_the_page_is_drawn(folder: Path) -> None:
    result = CliRunner().invoke(build(), ["graph", str(folder), "wishes"])

    assert result.exit_code == 0, result.output
    assert "opened: opened mail within 3d" in result.output


def test_the_lines_that_conduct_a_campaign_run(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = page().split("```python engine\n")[1].split("```")[0]
    (tmp_path / "shop").symlink_to(folder)
    monkeypatch.chdir(tmp_path)

    known: dict[str, Any] = {}
    exec(compile(lines, "the page", "exec"), known)  # the page's own lines

    assert known["number"] == 1
    assert known["run"].number == 1
