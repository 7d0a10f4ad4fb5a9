"""A report fits a terminal of 80 columns, and says whether the figures agree."""

from __future__ import annotations

from collections import Counter
from io import StringIO

import pytest
from rich.console import Console

from parcours.insight.report import REASONS_SHOWN_MAX, print_report
from parcours.insight.summary import EventCount, JourneyCount, StepCount, Summary

SUMMARY = Summary(
    journeys={
        "abandoned-cart": JourneyCount(
            version=2,
            entered=1_640,
            goal=801,
            steps={
                "leave-in-peace": StepCount(inflow=1_640, waiting=0, gone_on=1_402, ended=238),
                "remind": StepCount(inflow=1_402, waiting=2, gone_on=1_400, ended=0),
            },
        )
    },
    channels={"email": {"failed": 6, "opened": 400, "sent": 1_396}, "push": {"sent": 7}},
    gates={"address": 2},
    events=EventCount(read=32_176, used=32_170, rejected=6),
    clock="2024-06-29T22:02:40.000Z",
)

WHOLE = """\
abandoned-cart  version 2
1,640 entered · goal reached by 801 (48.8 %) · target 50 %: not met
 step                     inflow    waiting    gone on      ended
──────────────────────────────────────────────────────────────────
 leave-in-peace            1,640          0      1,402        238
 remind                    1,402          2      1,400          0

Deliveries by channel
 outcome                   email       push
────────────────────────────────────────────
 sent                      1,396          7
 opened                      400          0
 failed                        6          0

Reasons
 channel   outcome   reason                   times
────────────────────────────────────────────────────
 email     failed    550 5.1.1 No such user       6

Refused or held by a gate
 gate                   deliveries
───────────────────────────────────
 address                         2

Limits reached
 setting                   times
─────────────────────────────────
 traits_bytes_max              1

Time zones that do not exist
 zone                      times
─────────────────────────────────
 Mars/Base                     3

Ids that were not merged
 call                      times
─────────────────────────────────
 identify                     12

Mails reported sent: 1,396 · mails in the mailbox: 1,396 · the same

Lines read: 32,176 · used 32,170 · rejected 6
The clock stands at 2024-06-29T22:02:40.000Z.

"""


def printed(summary: Summary, *, mails_received: int | None = None, target: float = 50) -> str:
    """The report as it is piped into a file, without the blanks at line ends."""
    file = StringIO()
    print_report(
        Console(file=file, width=80),
        summary,
        targets={"abandoned-cart": target},
        reasons=Counter({("email", "failed", "550 5.1.1 No such user"): 6}),
        limits={"traits_bytes_max": 1},
        unknown_zones={"Mars/Base": 3},
        not_merged={"identify": 12},
        mails_received=mails_received,
    )
    return "".join(line.rstrip() + "\n" for line in file.getvalue().splitlines())


def test_the_whole_report_reads_like_this() -> None:
    assert printed(SUMMARY, mails_received=1_396) == WHOLE


@pytest.mark.parametrize(
    "target, verdict",
    [(50, "target 50 %: not met"), (48.8, "target 48.8 %: met"), (12.5, "target 12.5 %: met")],
)
def test_the_goal_is_held_against_its_target(target: float, verdict: str) -> None:
    assert verdict in printed(SUMMARY, target=target)


def test_mails_that_differ_from_those_reported_are_pointed_out() -> None:
    report = printed(SUMMARY, mails_received=1_390)

    assert "mails in the mailbox: 1,390 · they differ by 6" in report


def test_nothing_is_wider_than_the_terminal_even_with_long_names() -> None:
    long = "a-step-with-a-name-that-somebody-really-wanted-to-explain-everything-in-all-its-details"
    summary = Summary(journeys={"cart": JourneyCount(version=1, steps={long: StepCount(inflow=1_000_000)})})

    report = printed(summary)

    assert max(map(len, report.splitlines())) <= 80
    assert "1,000,000" in report


def test_names_are_shown_as_they_are_and_not_read_as_markup() -> None:
    summary = Summary(
        journeys={"cart": JourneyCount(version=1, steps={"[bold]x[/bold]": StepCount()})},
        channels={"[red]": {"sent": 1}},
    )

    report = printed(summary)

    assert "[bold]x[/bold]" in report
    assert "[red]" in report


def test_only_the_most_frequent_reasons_are_listed() -> None:
    file = StringIO()
    reasons = Counter({("sms", "failed", f"reason {number:03}"): 1 for number in range(REASONS_SHOWN_MAX + 3)})

    print_report(Console(file=file, width=80), Summary(), reasons=reasons)

    assert file.getvalue().count("reason 0") == REASONS_SHOWN_MAX
    assert "and 3 more" in file.getvalue()


def test_the_most_frequent_remarks_on_what_leaves_are_listed_by_step_and_channel() -> None:
    file = StringIO()
    seldom = {f"remark {number:03}": 1 for number in range(REASONS_SHOWN_MAX)}
    summary = Summary(remarks={"cart": {"remind": {"sms": {**seldom, "the text leaves as 3 segments": 1_200}}}})

    print_report(Console(file=file, width=80), summary)

    lines = [" ".join(line.split()) for line in file.getvalue().splitlines()]
    assert lines[0] == "Remarks on what leaves"
    assert lines[3] == "sms cart.remind the text leaves as 3 segments 1,200"
    assert sum("remark 0" in line for line in lines) == REASONS_SHOWN_MAX - 1
    assert "and 1 more" in lines


def test_parked_runs_are_told_with_their_steps_and_most_frequent_reasons() -> None:
    file = StringIO()
    seldom = {("cart", "later", f"reason {number:03}"): 1 for number in range(REASONS_SHOWN_MAX)}

    parked = {**seldom, ("cart", "birthday", "wait until profile.birthday: it is missing"): 1_200}
    print_report(Console(file=file, width=80), Summary(), parked=parked)

    lines = [" ".join(line.split()) for line in file.getvalue().splitlines()]
    assert lines[0] == "Parked they count as waiting, and nothing moves them any more"
    assert lines[3] == "cart.birthday wait until profile.birthday: it is missing 1,200"
    assert "and 1 more" in lines


def test_a_summary_alone_tells_how_many_runs_are_parked() -> None:
    file = StringIO()

    print_report(Console(file=file, width=80), Summary(parked={"cart": {"birthday": 7}}))

    assert "cart.birthday 7" in [" ".join(line.split()) for line in file.getvalue().splitlines()]


@pytest.mark.parametrize("width", [20, 30, 45, 60, 80, 120])
def test_no_column_is_dropped_however_narrow_the_terminal(width: int) -> None:
    file = StringIO()
    reasons = Counter({("email", "failed", "550 5.1.1 No such user"): 61_234})

    print_report(Console(file=file, width=width), SUMMARY, reasons=reasons, limits={"traits_bytes_max": 77})

    lines = file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    shown = "".join("".join(lines).split())
    for word in ("inflow", "waiting", "goneon", "ended", "238", "1,402", "email", "push", "61,234", "deliveries", "77"):
        assert word in shown, f"{word} is missing in {width} characters"


def test_a_goal_that_nobody_has_reached_is_shown() -> None:
    file = StringIO()
    summary = Summary(journeys={"cart": JourneyCount(version=1, entered=4)})

    print_report(Console(file=file, width=80), summary, targets={"cart": None})

    assert "4 entered · goal reached by 0 (0.0 %)" in file.getvalue()
