"""Tests of a project ask for decisions, mark offers, and say what has to be chosen, and why nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from parcours.examples import write_example
from parcours.journey.project import Project
from parcours.testing.cases.read import read_cases
from parcours.testing.cases.run import run_cases, verdict_lines

SCENE = """\
- test: an offer
  people: {mia: {plus: true, email: mia@mail.example}}
  start: 2024-07-08T12:00:00Z
  given:
    - {who: mia, consent: {channel: personalisation}}
    - {at: +1h, who: mia, decide: next-best, placement: push-line}
    - {at: +2h, who: mia, mark: dismissed, of: free-class}
GIVEN  until: +1d
  expect:
    - EXPECTED
"""


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("studio") / "studio"
    write_example(folder, "studio")
    for path in (folder / "tests").iterdir():
        path.unlink()
    return folder


def verdict(studio: Path, expected: str, given: str = "") -> list[str]:
    """The lines of the verdict, or what is wrong with the test."""
    scene = SCENE.replace("EXPECTED", expected).replace("GIVEN", f"    - {given}\n" if given else "")
    (studio / "tests" / "one.yaml").write_text(scene)
    project = Project.load(studio)
    cases, findings = read_cases(project, studio)
    if findings:
        return [each.message for each in findings]
    (found,) = run_cases(project, cases)
    return list(verdict_lines(found))


@pytest.mark.parametrize(
    "expected",
    [
        "{who: mia, decision: next-best, placement: push-line, offers: [free-class], fallback: false, at: +1h}",
        "{decision: next-best, reasons: {ten-classes: not_eligible}, times: 1}",
        "{who: mia, decision: advice, times: 0}",
    ],
)
def test_what_is_decided_is_as_expected(studio: Path, expected: str) -> None:
    assert verdict(studio, expected)[0].startswith("passed")


@pytest.mark.parametrize(
    "expected, told",
    [
        ("{who: mia, decision: next-best, offers: [ten-classes]}", "she got free-class, and not ten-classes"),
        ("{who: mia, decision: next-best, offers: []}", "she got free-class, and not nothing"),
        ("{who: mia, decision: next-best, fallback: true}", "it is not the fallback"),
        (
            "{who: mia, decision: next-best, reasons: {ten-classes: capped}}",
            "ten-classes was not_eligible, and not capped",
        ),
        ("{who: mia, decision: next-best, reasons: {yoga-wear: ended}}", "yoga-wear was not looked at, and not ended"),
        ("{who: mia, decision: next-best, times: 2}", "expected: mia gets an answer by next-best, twice"),
        ("{who: mia, decision: next-best, at: +2h}", "next-best at push-line: free-class (score 0); ten-classes: not"),
    ],
)
def test_what_is_decided_otherwise_is_told_with_the_difference(studio: Path, expected: str, told: str) -> None:
    first, *lines = verdict(studio, expected)

    assert first.startswith("FAILED")
    assert told in " ".join(" ".join(lines).split())


@pytest.mark.parametrize(
    "expected, wrong",
    [
        ("{decision: nextbest}", "unknown decision 'nextbest', did you mean 'next-best'?"),
        ("{decision: advice, placement: agents}", "unknown placement 'agents', did you mean 'agent'?"),
        ("{decision: next-best, offers: [freeclass]}", "unknown offer of next-best 'freeclass'"),
        ("{decision: next-best, reasons: {free-class: cap}}", "a reason is one of chosen, outranked"),
        ("{who: joe, decision: next-best}", "unknown person 'joe'"),
    ],
)
def test_a_name_that_no_decision_knows_is_a_mistake_of_the_test(studio: Path, expected: str, wrong: str) -> None:
    assert wrong in verdict(studio, expected)[0]


@pytest.mark.parametrize(
    "given, wrong",
    [
        ("{who: mia, decide: best, placement: agent}", "unknown decision 'best'"),
        ("{who: mia, decide: page, placement: home-hero, context: {pge: a}}", "unknown context of page 'pge'"),
        ("{who: mia, decide: page, placement: home-hero, context: {page: 3}}", "context.page is a string, and not 3"),
        ("{who: mia, mark: shown, of: free-clas}", "unknown offer 'free-clas'"),
        ("{who: mia, mark: seen, of: free-class}", "expected 'shown', 'clicked', 'dismissed' or 'converted'"),
    ],
)
def test_so_is_one_in_what_is_given(studio: Path, given: str, wrong: str) -> None:
    assert wrong in verdict(studio, "{decision: next-best}", given)[0]


def test_a_mark_of_an_offer_that_she_has_not_got_by_then_could_not_be_used(studio: Path) -> None:
    early = verdict(studio, "{decision: next-best}", "{at: +59m, who: mia, mark: shown, of: free-class}")

    assert early[0].startswith("FAILED")
    assert early[1:] == ["  given[3] could not be used: she has got no such offer until then"]


def test_a_mark_is_of_the_newest_one_also_of_whoever_she_was_before_she_logged_in(tmp_path: Path) -> None:
    write_example(tmp_path / "studio", "studio")
    (tmp_path / "studio" / "tests" / "merged.yaml").write_text("""\
- test: a visitor
  people: {mia: {email: mia@mail.example}, "@anonymous/tablet": null}
  start: 2024-07-08T12:00:00Z
  given:
    - {who: "@anonymous/tablet", consent: {channel: personalisation}}
    - {who: "@anonymous/tablet", decide: page, placement: home-hero, context: {page: yoga}}
    - {at: +1h, who: mia, identify: {anonymous: tablet}}
    - {at: +2h, who: mia, mark: clicked, of: yoga-wear}
    - {at: +2h, who: mia, mark: shown, of: yoga-wear}
  until: +1d
  expect:
    - {who: "@anonymous/tablet", decision: page, offers: [yoga-wear]}
""")
    project = Project.load(tmp_path / "studio")
    cases = [each for each in read_cases(project, tmp_path / "studio")[0] if each.file == "tests/merged.yaml"]

    (found,) = run_cases(project, cases)

    assert found.passed, list(verdict_lines(found))
