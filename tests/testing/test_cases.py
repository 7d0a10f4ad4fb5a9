"""A project's own tests pass or fail with what came nearest, and their mistakes are named by line."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from parcours.journey.project import Project
from parcours.testing.cases.read import read_cases
from parcours.testing.cases.run import run_cases, verdict_lines

SCENE = """\
- test: a cart
  people: {sarah: {email: s@luma.example, phone: "+33612345678", timezone: Europe/Paris}}
  start: 2026-03-02T09:00:00Z
  given:
    - {who: sarah, event: Product Added, properties: {cart: {total: 80}}}
    - {at: +30m, who: sarah, event: Product Added, properties: {cart: {total: 8}}}
  until: +10d
  expect:
"""

SENT = "abandoned-cart.remind: email cart-reminder sent"


def verdict_on(cases_of: Any, *expected: str) -> list[str]:
    """The lines of the verdict on the scene with these expectations."""
    project, cases, findings = cases_of(SCENE + "".join(f"    - {each}\n" for each in expected))
    assert findings == []
    (verdict,) = run_cases(project, cases)
    return list(verdict_lines(verdict))


def test_all_tests_of_the_example_pass(luma: Project, luma_folder: Path) -> None:
    cases, findings = read_cases(luma, luma_folder)

    verdicts = list(run_cases(luma, cases))

    assert findings == []
    assert len(verdicts) == 10
    assert not [line for verdict in verdicts if not verdict.passed for line in verdict_lines(verdict)]


LETTER = """\
journey: letter
entry: {read: everybody, at: "2026-03-16T09:00:00Z", rule: FREQ=WEEKLYEND}
steps: [{id: done, end: true}]
"""
READS = """\
- test: a letter a week
  people: {sarah: {email: s@luma.example}}
  start: 2026-03-02T09:00:00Z
  expect:
    - {who: sarah, journey: letter, times: 4}
- test: another journey
  people: {sarah: {email: s@luma.example}}
  start: 2026-03-02T09:00:00Z
  expect:
    - {who: sarah, journey: checkout, times: 0}
"""


@pytest.mark.parametrize("rule_end, told", [(";COUNT=4", []), ("", ["The reads of letter recur without end;"])])
def test_a_test_whose_reads_ended_with_what_is_given_says_so(rule_end: str, told: list[str], luma_copy: Path) -> None:
    (luma_copy / "audiences.yaml").write_text("audiences: {everybody: has(profile.email)}\n")
    (luma_copy / "journeys" / "west-coast-launch.yaml").unlink()
    (luma_copy / "journeys" / "letter.yaml").write_text(LETTER.replace("END", rule_end))
    shutil.rmtree(luma_copy / "tests")
    (luma_copy / "tests").mkdir()
    (luma_copy / "tests" / "some.yaml").write_text(READS)
    project = Project.load(luma_copy)

    verdicts = list(run_cases(project, read_cases(project, luma_copy)[0]))

    assert [verdict.passed for verdict in verdicts] == [not told, True]
    lines = [list(verdict_lines(verdict)) for verdict in verdicts]
    assert [line.strip()[:38] for line in lines[0] if "reads of" in line] == told
    assert not [line for line in lines[1] if "reads of" in line]


@pytest.mark.parametrize("name", ["some.yml", "some.YAML"])
def test_tests_in_a_file_of_another_suffix_are_not_passed_over(name: str, luma: Project, luma_copy: Path) -> None:
    (luma_copy / "tests" / name).write_text(SCENE)

    _, findings = read_cases(luma, luma_copy)

    assert [str(each) for each in findings] == [f"tests/{name}: documents end in .yaml, rename it"]


def test_a_key_that_is_given_twice_is_told_with_its_line_and_keeps_only_its_own_test_from_running(
    cases_of: Any,
) -> None:
    sound = SCENE + "    - {who: sarah, journey: checkout}\n"
    twice = sound.replace("  until: +10d\n", "  until: +10d\n  until: +1d\n").replace("a cart", "twice")

    _, cases, findings = cases_of(twice + sound + "- {test: third, tset: x}\n")

    assert [each.case.test for each in cases] == ["a cart"]
    assert [each.split(":")[1] for each in findings][:1] == ["8"]
    assert "the key is given twice" in findings[0]
    assert any("tset: unknown key" in each for each in findings)


def test_people_go_by_their_user_ids_whatever_these_look_like(cases_of: Any) -> None:
    expected = ["{who: sarah, channel: email, at: +1h}", "{who: sarah, journey: checkout}"]
    expected.append('never: {between: ["10:00", "11:00"], channel: email}')  # by her own clock it is eleven
    scene = SCENE + "".join(f"    - {each}\n" for each in expected)
    project, cases, findings = cases_of(re.sub(r"\bsarah\b", '"@a/b"', scene))

    (verdict,) = run_cases(project, cases)

    assert (findings, verdict.refused) == ([], ())
    assert [failure.place for failure in verdict.failures] == [1]
    assert verdict.failures[0].reasons == (f"did not enter checkout: {NEVER_STARTED}: Checkout Started",)


NEVER_STARTED = "nothing of this happened while it could start it"


@pytest.mark.parametrize(
    "expected",
    [
        "{who: sarah, channel: email, at: +1h}",
        "{who: sarah, message: cart-reminder, at: 2026-03-02T11:00:00+01:00}",
        "{who: sarah, step: text, channel: sms, times: 1}",
        "{channel: push, outcome: refused, gate: address, at: +2d1h}",
        "{who: sarah, journey: abandoned-cart, step: opened, what: timed_out, at: +1d1h}",
        "{who: sarah, journey: abandoned-cart, what: not_entered, times: 0}",
        "{who: sarah, journey: checkout, times: 0}",
        'never: {between: ["22:00", "08:00"]}',
        'never: {between: ["11:00", "12:00"], channel: email, days: [tue]}',
        'never: {between: ["10:00", "11:00"], channel: email}',  # sent at 11:00, and the end is exclusive
    ],
)
def test_what_happens_is_what_is_expected(expected: str, cases_of: Any) -> None:
    assert verdict_on(cases_of, expected) == ["passed  tests/some.yaml:1  a cart"]


@pytest.mark.parametrize(
    "expected, happened",
    [
        (
            "{who: sarah, channel: email, at: +2h}",
            [
                "  line 9: expected: sarah gets email message sent at +2h",
                "    happened:  +1h  abandoned-cart.remind: email cart-reminder sent",
            ],
        ),
        (
            "{who: sarah, channel: sms, times: 0}",
            [
                "  line 9: expected: sarah gets sms message sent, never",
                "    happened:  +1d1h  abandoned-cart.text: sms cart-reminder sent",
            ],
        ),
        (
            'never: {between: ["11:00", "11:01"], channel: email}',
            [
                "  line 9: expected: nothing by email for anybody between 11:00 and 11:01",
                f"    happened:  +1h  {SENT}, when the clock of sarah showed Mon 11:00",
            ],
        ),
        (
            "{who: sarah, journey: checkout, step: confirm}",
            [
                "  line 9: expected: sarah reached checkout.confirm",
                f"    because:   did not enter checkout: {NEVER_STARTED}: Checkout Started",
            ],
        ),
        (
            "{who: sarah, journey: abandoned-cart, times: 2}",
            [
                "  line 9: expected: sarah entered abandoned-cart, twice",
                "    because:   +30m  did not enter abandoned-cart by Product Added: event.cart.total > 50 is false",
            ],
        ),
    ],
)
def test_a_failure_shows_what_came_nearest_and_why_the_rest_did_not(
    expected: str, happened: list[str], cases_of: Any
) -> None:
    lines = verdict_on(cases_of, expected)

    assert lines[0] == "FAILED  tests/some.yaml:1  a cart"
    assert [line for line in happened if line not in lines] == []


@pytest.mark.parametrize(
    "change, finding",
    [
        (("  until: +10d\n", "  untill: +10d\n"), "tests/some.yaml:7: [0].untill: unknown key, did you mean 'until'?"),
        (("+30m", "30m"), "[0].given[1].at: a moment is written +20s or +1d12h after the start"),
        (("+30m", "+11d"), "[0].given[1].at: this is after `until`, and so would never be seen"),
        (("who: sarah, event: Product Added, properties: {cart: {total: 8}}", "who: sara, event: Product Added"),
         "[0].given[1].who: unknown person 'sara', did you mean 'sarah'?"),
        (("event: Product Added, properties: {cart: {total: 8}}", "event: Product Addd"),
         "[0].given[1].event: unknown event 'Product Addd', did you mean 'Product Added'?"),
        (("event: Product Added, properties: {cart: {total: 8}}", "reaction: opened, of: announce"),
         "[0].given[1].of: west-coast-launch.announce sends on email, push: name the channel"),
        (("event: Product Added, properties: {cart: {total: 8}}", "reaction: opend, of: announce"),
         "failed, answered, did you mean 'opened'?"),
        (("2026-03-02T09:00:00Z", "2026-03-02"), "[0].start: a time needs its zone"),
        (("step: remind", "step: remnd"), "[0].expect[0].step: unknown step 'remnd', did you mean 'remind'?"),
        (("step: remind", "outcome: sen"), "[0].expect[0].outcome: an outcome is one of held, refused"),
        (("{who: sarah, step: remind, channel: email}", 'never: {between: ["22:00", "25:00"]}'),
         "a time of day is written like 22:00"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_test_is_named_by_line_and_key(change: tuple[str, str], finding: str, cases_of: Any) -> None:
    text = SCENE + "    - {who: sarah, step: remind, channel: email}\n"
    assert change[0] in text

    _, cases, findings = cases_of(text.replace(*change))

    assert cases == []
    assert any(finding in found for found in findings), findings


@pytest.mark.parametrize("text", ["a: [", "just words", "- {test: x}", "\tx"])
def test_a_file_that_is_no_list_of_tests_is_a_finding(text: str, cases_of: Any) -> None:
    _, cases, findings = cases_of(text)

    assert cases == []
    assert findings


def test_what_the_engine_cannot_use_fails_the_test(cases_of: Any) -> None:
    text = SCENE.replace("{cart: {total: 8}}", "{cart: {total: 8}, junk: " + "x" * 40_000 + "}")
    project, cases, _ = cases_of(text + "    - {who: sarah, channel: email}\n")

    (verdict,) = run_cases(project, cases)

    assert not verdict.passed
    assert [place for place, _ in verdict.refused] == [1]
