"""A project's tests let campaigns begin, and expect sizes of sets; mistakes in them are named by line."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from parcours.journey.project import Project
from parcours.testing.cases.read import LocatedTest, read_cases
from parcours.testing.cases.run import Verdict, run_cases, verdict_lines

SCENE = """\
- test: one who looks around, and one who is about to leave
  people:
    ana: {email: ana@shop.example, churnprop: 0.1}
    eva: {email: eva@shop.example, churnprop: 0.9}
  start: 2026-11-02T07:00:00Z
  given:
    - {who: ana, event: Product Viewed, properties: {category: equipment}}
    - {who: eva, event: Product Viewed, properties: {category: equipment}}
    - {at: +5d, campaign: wishlist}
  until: +6d
  expect:
"""

UNSTARTED = "nothing of this happened while it could start it:"

Read: TypeAlias = Callable[[str], tuple[Project, list[LocatedTest], list[str]]]


@pytest.fixture
def copy(wishlist_folder: Path, tmp_path: Path) -> Path:
    """A copy of the example, to be changed."""
    folder = Path(shutil.copytree(wishlist_folder, tmp_path / "wishlist"))
    shutil.rmtree(folder / "tests")
    (folder / "tests").mkdir()
    return folder


@pytest.fixture
def read(wishlist: Project, copy: Path) -> Read:
    """The example with the scene and these expectations, and what is wrong with them."""

    def read(text: str) -> tuple[Project, list[LocatedTest], list[str]]:
        (copy / "tests" / "some.yaml").write_text(text)
        cases, findings = read_cases(wishlist, copy)
        return wishlist, cases, [str(finding) for finding in findings]

    return read


def verdict_on(read: Read, *expected: str) -> Verdict:
    project, cases, findings = read(SCENE + "".join(f"    - {each}\n" for each in expected))
    assert findings == []
    (verdict,) = run_cases(project, cases)
    return verdict


def test_sizes_are_compared_for_each_run(read: Read) -> None:
    verdict = verdict_on(
        read,
        "{campaign: wishlist, sets: {visitors: 2, risk.low: 1, risk.high: 1, at-risk: 1, mail: 1, mail.refused: 0}}",
        "{campaign: wishlist, run: 2, sets: {visitors: 2, mail: 1, mail.refused: 1}}",
        "{who: ana, journey: wishlist, step: mail, channel: email, at: +1h, contains: {subject: Rowing machine}}",
        "{who: ana, journey: wishlist, step: mail, outcome: refused, gate: cap, at: +5d}",
        "{who: ana, journey: wishlist, step: clicked, times: 2}",
        "{who: eva, journey: wishlist, times: 0}",
        "never: {between: ['10:00', '08:00'], journey: wishlist}",
    )

    assert list(verdict_lines(verdict)) == [
        "passed  tests/some.yaml:1  one who looks around, and one who is about to leave"
    ]


def test_a_size_that_is_another_is_told_with_what_the_step_took(read: Read) -> None:
    verdict = verdict_on(read, "{campaign: wishlist, sets: {visitors: 2, risk.low: 2, unique.rest: 1}}")

    assert list(verdict_lines(verdict))[1:] == [
        "  line 12: expected: in run 1 of wishlist visitors has 2, risk.low has 2, unique.rest has 1",
        "    happened:  risk.low has 1: risk took 2 (low 1, medium 0, high 1, rest 0)",
        "               unique.rest has 0: unique took 2 (main 2, rest 0)",
    ]


def test_a_run_that_has_not_begun_and_a_set_that_is_still_to_come_are_told(read: Read) -> None:
    verdict = verdict_on(
        read,
        "{campaign: wishlist, run: 3, sets: {visitors: 2}}",
        "{campaign: wishlist, run: 2, sets: {clicked: 0}}",
    )

    assert [line.strip() for line in verdict_lines(verdict)][2::2] == [
        "happened:  wishlist has no run 3: it has begun twice",
        "happened:  clicked has not been made by the end",
    ]


TESTED = """\
campaign: sized
steps:
  - {id: visitors, read: equipment-visitors}
  - {id: size, test: [{name: many, when: size() > 1}, {otherwise: few}]}
  - {id: gently, from: size.many, send: wishlist-nudge, channels: [sms], rate: 1/s}
  - {id: quickly, from: size.few, send: wishlist-nudge, channels: [sms]}
"""


def test_a_set_that_was_skipped_is_not_an_empty_one(copy: Path) -> None:
    (copy / "campaigns" / "sized.yaml").write_text(TESTED)
    (copy / "messages" / "wishlist-nudge.yaml").write_text(
        "message: wishlist-nudge\nsms: {text: Look}\npush: {title: Look, body: Look}\n"
    )
    given = SCENE.replace("campaign: wishlist", "campaign: sized")
    met = "{campaign: sized, sets: {size.many: 2, size.few: skipped, gently: 2, quickly: skipped}}"
    unmet = "{campaign: sized, sets: {size.many: skipped, size.few: 0, quickly: 0}}"
    (copy / "tests" / "some.yaml").write_text(f"{given}    - {met}\n    - {unmet}\n")
    project = Project.load(copy)

    cases, findings = read_cases(project, copy)
    (verdict,) = run_cases(project, cases)

    assert findings == []
    assert list(verdict_lines(verdict))[1:] == [
        "  line 13: expected: in run 1 of sized size.many is skipped, size.few has 0, quickly has 0",
        "    happened:  size.many has 2: size took 2 (many 2)",
        "               size.few was skipped",
        "               quickly was skipped",
    ]


def test_a_person_who_gets_no_mail_is_told_why(read: Read) -> None:
    verdict = verdict_on(read, "{who: eva, journey: wishlist, step: mail, channel: email}")

    assert [line.strip() for line in verdict_lines(verdict)][3:] == [
        f"because:   eva: did not enter wishlist: {UNSTARTED} a run of the campaign takes people along"
    ]


@pytest.mark.parametrize(
    "expected, told",
    [
        ("{campaign: wishlst, sets: {mail: 1}}", "campaign: unknown campaign 'wishlst', did you mean 'wishlist'?"),
        ("{campaign: wishlist, sets: {mial: 1}}", "sets.mial: unknown set 'mial', did you mean 'mail'?"),
        ("{campaign: wishlist, sets: {risk: 1}}", "sets.risk: risk gives no set 'risk', but risk.low and risk.medium "),
        ("{campaign: wishlist, sets: {mail.rest: 1}}", "mail gives no set 'mail.rest', but mail and mail.refused"),
        ("{campaign: wishlist, sets: {}}", "sets"),
        ("{campaign: wishlist, sets: {mail: -1}}", "sets.mail: a size is a whole number such as 12, or skipped"),
        ("{campaign: wishlist, sets: {mail: skiped}}", "sets.mail: a size is a whole number such as 12, or skipped"),
        ("{campaign: wishlist, run: 0, sets: {mail: 1}}", "run"),
        ("{campaign: wishlist, who: ana, sets: {mail: 1}}", "who: unknown key"),
        ("{journey: wishlist, step: risk, times: 0}", "step: risk makes a set, and takes nobody along"),
        ("{journey: wishlist, step: mial, times: 0}", "step: unknown step 'mial', did you mean 'mail'?"),
        ("{journey: wishlist, channel: sms, step: mail, times: 0}", "wishlist.mail sends on email, not on sms"),
        ("{step: mail, content: {subjct: x}}", "unknown field 'subjct', did you mean 'subject'?"),
    ],
)
def test_a_mistake_in_an_expectation_is_told_with_its_line(expected: str, told: str, read: Read) -> None:
    _, cases, findings = read(f"{SCENE}    - {expected}\n")

    assert cases == []
    assert len(findings) == 1
    assert findings[0].startswith("tests/some.yaml:12: ")
    assert told in findings[0]


@pytest.mark.parametrize(
    "given, told",
    [
        ("{campaign: wishlst}", "campaign: unknown campaign 'wishlst', did you mean 'wishlist'?"),
        ("{campaign: wishlist, who: ana}", "who: unknown key"),
        ("{campaign: wishlist, at: +7d}", "at: this is after `until`"),
        ("{who: ana, reaction: clicked, of: wishlist.risk}", "no step 'wishlist.risk' sends anything"),
        ("{who: ana}", "given is an event, identify, reaction, consent, merge, decide, mark, campaign or message"),
    ],
)
def test_a_mistake_in_what_is_given_is_told_with_its_line(given: str, told: str, read: Read) -> None:
    text = SCENE.replace("    - {at: +5d, campaign: wishlist}", f"    - {given}")

    _, _, findings = read(f"{text}    - {{campaign: wishlist, sets: {{mail: 1}}}}\n")

    assert len(findings) == 1
    assert findings[0].startswith("tests/some.yaml:9: ")
    assert told in findings[0]


def test_what_could_not_be_used_is_named_by_its_place_beside_runs_that_begin_by_hand(read: Read) -> None:
    junk = "    - {who: ana, event: Product Viewed, properties: {junk: " + "x" * 40_000 + "}}\n"
    text = SCENE.replace("  until", f"{junk}  until")
    project, cases, _ = read(f"{text}    - {{who: ana, channel: email}}\n")

    (verdict,) = run_cases(project, cases)

    assert [place for place, _ in verdict.refused] == [3]


def test_a_run_that_fails_fails_the_test_whatever_is_expected(copy: Path) -> None:
    table = copy / "data" / "wishlist.csv"
    table.write_text(re.sub(r"\d+\.\d\d,", "cheap,", table.read_text()))
    (copy / "tests" / "some.yaml").write_text(SCENE + "    - {who: eva, channel: email, times: 0}\n")
    project = Project.load(copy)

    (verdict,) = run_cases(project, read_cases(project, copy)[0])

    assert not verdict.passed
    lines = list(verdict_lines(verdict))
    assert lines[1].startswith("  run 1 of wishlist failed at wishes: table 'wishlist': 29 of 29 cells")
    assert len(lines) == 3
