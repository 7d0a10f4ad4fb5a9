"""Is a run kept, and compared with another one, as its rounds were?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest
from measuring.comparing import compare
from measuring.machine import load, this_machine
from measuring.plots import plot
from measuring.results import FORMAT, Result, Spread, figures_of, read, summed, write
from measuring.shape import EVENTS_PER_SECOND, MICROSECONDS, MILLISECONDS, Answer, Measured, WrongAnswer

FIGURES = {"rate": EVENTS_PER_SECOND, "p99": MILLISECONDS}


def result(rates: Sequence[float], p99s: Sequence[float] = (5.0,), **options: object) -> Result:
    """Of one case, measured so often."""
    rounds = [
        [Measured("cart", {"rate": rate, "p99": p99s[number % len(p99s)]}, {"driver": 1.5, "shards": 3.5})]
        for number, rate in enumerate(rates)
    ]
    summary = summed(rounds)
    return Result(
        FORMAT, "ingest", ["ingest"], {"events": 10, **options}, "2026-01-01T00:00:00+00:00", this_machine(load()),
        "event", figures_of(FIGURES, summary), rounds, summary,
    )  # fmt: skip


def test_medians_and_ranges_are_of_all_rounds_and_processor_time_is_told_by_process() -> None:
    figures = result([100, 300, 200]).summary["cart"]

    assert figures["rate"] == Spread(200, 100, 300)
    assert figures["cpu"] == Spread(5.0, 5.0, 5.0)
    assert figures["cpu shards"] == Spread(3.5, 3.5, 3.5)
    assert figures_of(FIGURES, {"cart": figures})["cpu driver"] == MICROSECONDS


def test_a_result_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = result([100, 300, 200])

    write(written, tmp_path / "run.json")

    assert read(tmp_path / "run.json") == written


def test_what_is_no_result_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")

    with pytest.raises(SystemExit, match=r"run\.json is no result of a run"):
        read(tmp_path / "run.json")


VERDICTS = [
    ([100, 101, 102], [200, 201, 202], "better"),
    ([200, 201, 202], [100, 101, 102], "worse"),
    ([100, 200, 300], [150, 250, 350], "unclear"),  # the ranges meet
    ([100, 101, 102], [102, 103, 104], "the same"),  # within the tolerance, though the ranges hardly meet
]


@pytest.mark.parametrize("old, new, verdict", VERDICTS)
def test_a_rate_is_better_or_worse_where_the_medians_are_apart_and_the_ranges_are(
    old: list[float], new: list[float], verdict: str
) -> None:
    rate = compare(result(old), result(new), tolerance=0.05)[0]

    assert (rate.name, rate.verdict) == ("rate", verdict)


def test_a_latency_is_worse_where_there_is_more_of_it() -> None:
    compared = compare(result([100], p99s=[5.0]), result([100], p99s=[10.0]), tolerance=0.05)

    verdicts = {each.name: (each.ratio, each.verdict) for each in compared}

    assert verdicts["p99"] == (2.0, "worse")
    assert verdicts["rate"] == (1.0, "the same")


def test_runs_with_other_options_are_not_compared_but_with_more_rounds_they_are() -> None:
    assert compare(result([100], rounds=1), result([100], rounds=5), tolerance=0.05)

    with pytest.raises(SystemExit, match="other options: events"):
        compare(result([100]), result([100], events=20), tolerance=0.05)


def test_a_wrong_answer_tells_what_came_out_and_what_had_to() -> None:
    right, wrong = Answer("accepted", 10, 10), Answer("reminders", 1_999, 2_000)

    with pytest.raises(WrongAnswer, match="cart: 1,999 reminders, not 2,000$"):
        Measured("cart", {}, answers=[right, wrong]).check()


def test_a_plot_names_every_figure_and_the_cases(tmp_path: Path) -> None:
    plot(result([100, 300, 200]), tmp_path / "run.svg")

    words = "".join(ElementTree.fromstring((tmp_path / "run.svg").read_text()).itertext())
    assert all(word in words for word in ("cart", "rate, events/s (more is better)", "p99, ms", "cpu, µs"))
