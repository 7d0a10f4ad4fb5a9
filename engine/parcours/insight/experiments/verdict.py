"""What may be said of an experiment in words: who is better, what is not decided yet, or that nothing may be said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

from parcours.insight.experiments.intervals import Interval
from parcours.insight.experiments.moments import Moments
from parcours.insight.experiments.power import POWER, units_needed
from parcours.insight.experiments.result import Estimate, SampleRatio
from parcours.insight.experiments.sample_ratio import is_sound
from parcours.insight.figures import exact, half_up

DECIMALS_MAX: Final = 6
"""A bound that is 0 to so many decimals is shown as 0."""

HALF: Final = Fraction(1, 2)
"""Less than half a unit of the last decimal is shown as 0."""

NOUNS: Final = {"person": "people", "run": "runs"}


@dataclass(frozen=True, slots=True)
class Against:
    """A variant beside control. `share` is the variant's of the units that go to both."""

    name: str
    estimate: Estimate
    variant: Moments
    control: Moments
    share: float


def verdict(
    control: str,
    against: Sequence[Against],
    ratio: SampleRatio,
    alpha: float,
    *,
    is_rate: bool,
    by: Literal["person", "run"],
) -> str:
    """A sentence for each variant, one after the other; in place of them a warning if the sample ratio is not sound."""
    if not is_sound(ratio):
        return (
            f"no verdict: the {NOUNS[by]} of the variants do not fit their percentages (p = {ratio.p:.2g}), "
            "so something is wrong with who is counted"
        )
    names = [f"{each.name}: " if len(against) > 1 else "" for each in against]
    return "; ".join(
        _better(control, each, is_rate=is_rate) or name + _undecided(each, alpha, by)
        for name, each in zip(names, against, strict=True)
    )


def _better(control: str, one: Against, *, is_rate: bool) -> str | None:
    """Better or worse by how much; None if that may be chance."""
    interval, difference = one.estimate.always_valid, one.estimate.difference
    if interval is None or difference is None or interval[0] <= 0 <= interval[1]:
        return None
    word = "better" if difference > 0 else "worse"
    return f"{one.name} is {word} than {control} by {_amount(difference, interval, is_rate=is_rate)}"


def _undecided(one: Against, alpha: float, by: Literal["person", "run"]) -> str:
    needed = units_needed(one.variant, one.control, one.share, alpha)
    if needed is None:
        return "not decided"
    return (
        f"not decided: a fixed test would see the present difference with {POWER * 100:.0f} % power "
        f"at {needed:,} {NOUNS[by]}"
    )


def _amount(difference: float, interval: Interval, *, is_rate: bool) -> str:
    """The size of a difference and of the bounds of its interval, smaller one first."""
    scale, unit, decimals = (100, " points", 1) if is_rate else (1, "", 2)
    sizes = [exact(abs(difference)) * scale, *sorted(exact(abs(each)) * scale for each in interval)]
    while decimals < DECIMALS_MAX and sizes[1] * 10**decimals < HALF:
        decimals += 1
    size, low, high = (half_up(each, decimals) for each in sizes)
    return f"{size}{unit} ({low} to {high})"
