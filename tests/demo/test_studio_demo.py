"""The demo of decisions tells one person's way with the reason of each decision, and leaves a folder to ask further."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from parcours.cli import build
from parcours.demo import studio
from parcours.demo.studio import StudioDemo, chapters, run_studio_demo
from parcours.errors import CallerError
from parcours.insight.analyses.attribution import Attributed


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> StudioDemo:
    return run_studio_demo(tmp_path_factory.mktemp("demo") / "luma", shards=1, runtime="local")


def test_the_score_that_it_trains_tells_more_than_chance(outcome: StudioDemo) -> None:
    quality = outcome.trained.quality

    assert outcome.trained.positive + quality.positive >= 200
    assert quality.auc > 0.65


def test_audiences_have_who_is_meant_on_her_morning(outcome: StudioDemo) -> None:
    assert outcome.lapsed.sample[0].person == "sarah"
    assert 0 < outcome.likely.size < outcome.result.summary.journeys["order"].entered


def test_each_chapter_has_what_her_way_is_about(outcome: StudioDemo) -> None:
    told = dict(chapters(outcome.facts))

    for chapter, words in (
        ("She has bought a mat, and has become a member", "free-class: not eligible, profile.plus is missing"),
        ("On a page, a visitor whom nobody knows", "page at home-hero: news (the fallback)"),
        ("On a page, a visitor whom nobody knows", "yoga-wear was clicked"),
        ("She logs in", "@anonymous/tablet was merged into her"),
        ("She calls, and an agent asks what to offer", "advice at agent: free-class (score 0), ten-percent"),
        ("Her order, with an offer in its confirmation", "order.confirm: email order-confirmation sent"),
        ("She opens it, and clicks on nothing", "free-class was shown"),
        ("The day after", "order.remind: push class-reminder sent"),
        ("The day after", "free-class was clicked"),
        ("She comes to the studio", "studio.greet: inapp greeting sent"),
        ("She comes to the studio", "next-best at confirmation: free-class converted"),
        ("And leaves it", "next-best at push-line: ten-classes (score 0); free-class: not eligible"),
    ):
        assert any(words in line for line in told[chapter]), (chapter, words, told[chapter])


def test_nothing_that_was_fed_is_refused_or_comes_to_nothing(outcome: StudioDemo) -> None:
    events = outcome.result.summary.events

    assert (events.read, events.rejected, events.undeclared) == (events.used, 0, 0)
    assert outcome.result.failed == ()
    assert {kind for _, kind, _ in outcome.result.reasons} <= {"held", "withdrawn"}


def test_what_brought_people_to_a_class_adds_up(outcome: StudioDemo) -> None:
    figures = outcome.classes.figures()

    assert isinstance(figures, Attributed)
    for model in ("first", "last", "linear", "markov"):
        credited = sum(each.conversions for each in figures.models[model].values())
        assert credited == pytest.approx(figures.conversions)


def test_it_can_be_told_again_in_its_folder_and_in_no_other(
    outcome: StudioDemo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studio, "run_studio_demo", lambda out, **given: outcome)

    asked = ["demo", "decisions", "--runtime", "local", "--out", str(outcome.out)]
    told = CliRunner(env={"COLUMNS": "100"}).invoke(build(), asked)

    assert told.exit_code == 0, told.output
    headings = [line for line in told.stdout.splitlines() if line[:1].isdigit() and ". " in line[:4]]
    assert [line.partition(".")[0] for line in headings] == [str(number) for number in range(1, 13)]
    assert f"parcours explain {outcome.project} sarah --events {outcome.out / 'events.ndjson'}" in told.stdout

    (tmp_path / "mine").write_text("mine")
    with pytest.raises(CallerError, match="holds other files: choose another folder with --out"):
        studio.write_project(tmp_path)


@pytest.mark.parametrize("option", [["--json"], ["--open"]])
def test_what_belongs_to_another_demo_is_refused(option: list[str]) -> None:
    assert CliRunner().invoke(build(), ["demo", "decisions", *option]).exit_code == 2
