"""Is it faster than it was? A figure is better or worse where its medians are apart and its ranges do not meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from measuring.results import Result, Spread
from measuring.shape import Figure

Verdict: TypeAlias = Literal["better", "worse", "unclear", "the same"]

NOT_COMPARED = {"rounds", "store"}
"""Options by which results may differ: how often was measured, and where the stores lay."""


@dataclass(frozen=True)
class Compared:
    """One figure of one case, then and now."""

    case: str
    name: str
    figure: Figure
    old: Spread
    new: Spread
    tolerance: float

    @property
    def ratio(self) -> float:
        return self.new.median / self.old.median if self.old.median else float("inf" if self.new.median else 1)

    @property
    def verdict(self) -> Verdict:
        """`unclear` where the medians are apart and the ranges meet: more rounds would tell."""
        if abs(self.ratio - 1) <= self.tolerance:
            return "the same"
        if self.old.overlaps(self.new):
            return "unclear"
        return "better" if (self.ratio > 1) == (self.figure.better == "more") else "worse"


def compare(old: Result, new: Result, tolerance: float) -> list[Compared]:
    """Every figure that both have. Raises SystemExit for results of different workloads or options."""
    if old.workload != new.workload:
        raise SystemExit(f"{old.workload} and {new.workload} are different workloads")
    differ = [name for name in {**old.options, **new.options} if old.options.get(name) != new.options.get(name)]
    if told := sorted(set(differ) - NOT_COMPARED):
        raise SystemExit(f"the two were asked for with other options: {', '.join(told)}")
    return [
        Compared(case, name, old.figures[name], then, new.summary[case][name], tolerance)
        for case, figures in old.summary.items()
        if case in new.summary
        for name, then in figures.items()
        if name in new.summary[case]
    ]
