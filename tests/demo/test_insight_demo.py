"""The demo of insight leaves a folder that can be asked further, and a page on which its numbers stand."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from parcours.cli import build
from parcours.demo.insight import InsightDemo, insight_page, run_insight_demo, write_insight_page, write_project
from parcours.dispatch.judgement import Judgement, load_project
from parcours.dispatch.registry import Registry
from parcours.errors import CallerError


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> InsightDemo:
    return run_insight_demo(tmp_path_factory.mktemp("demo"), shards=1, runtime="local")


@pytest.fixture(scope="module")
def page(outcome: InsightDemo) -> str:
    return write_insight_page(outcome).read_text(encoding="utf-8")


def ask(*arguments: str | Path) -> str:
    done = CliRunner(env={"COLUMNS": "100"}).invoke(build(), [*map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_nothing_is_wrong_with_its_project(tmp_path: Path) -> None:
    assert Judgement(Registry.installed()).findings(write_project(tmp_path / "demo")) == []


def test_its_folder_is_not_taken_from_anybody_else(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")

    with pytest.raises(CallerError, match="holds other files: choose another folder with --out"):
        write_project(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_the_page_tells_of_the_shoppers_of_the_test_and_of_the_hold_out(outcome: InsightDemo, page: str) -> None:
    summary = outcome.result.summary
    entered = sum(each.entered for each in summary.journeys.values())

    assert f"<dt>runs entered</dt><dd>{entered:,}<small>in 3 journeys</small></dd>" in page
    for words in (
        '<th scope="row">1 Product Viewed</th><td class="number">598 / 598 · 100.0 %</td>',
        "470 conversions, worth 27,844",
        "checkout-abandoned",
        "<bdi>abandoned-cart.test</bdi>",
        "<bdi>program by buyers</bdi>",
        "Verdict: not decided",
    ):
        assert words in page, words
    assert len(page.encode()) <= 1_000_000


def test_the_same_facts_give_the_same_page(outcome: InsightDemo, page: str) -> None:
    project = load_project(outcome.project)

    assert insight_page(outcome.out, project, outcome.result.summary) == page


def test_whoever_wants_may_run_it_on_the_command_line_and_ask_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def open_browser(address: str) -> bool:
        opened.append(address)
        return True

    monkeypatch.setattr(webbrowser, "open", open_browser)
    folder = tmp_path / "a folder"

    told = ask("demo", "insight", "--runtime", "local", "--shards", "3", "--out", folder, "--open")

    assert opened == [(folder / "report.html").as_uri()]
    assert f"What happened, as Parquet, and its project: {folder}" in told
    command = next(line for line in told.splitlines() if line.startswith("  parcours funnel"))
    assert command == f"  parcours funnel '{folder}' 'Product Viewed > Product Added > Order Completed' --within 7d"
    assert "598 / 598" in ask("funnel", folder, "Product Viewed > Product Added > Order Completed", "--within", "7d")
    assert "not decided" in ask("experiment", folder, "abandoned-cart.test")


@pytest.mark.parametrize("option, with_what", [(("--out", "x"), "insight and decisions"), (("--open",), "insight")])
def test_its_options_go_with_it(option: tuple[str, ...], with_what: str) -> None:
    refused = CliRunner().invoke(build(), ["demo", *option])

    assert refused.exit_code == 2
    assert f"Invalid value for {option[0]}: it goes with {with_what}." in refused.stderr
