"""A funnel as tables that fit a terminal of 80 columns: its steps, to what units were lost, and groups beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Final

from msgspec import UNSET
from rich.console import RenderableType
from rich.text import Text

from parcours.expression.duration import format_duration
from parcours.insight.analyses.funnel import FunnelResult, FunnelStep
from parcours.insight.asking.shape import Shape
from parcours.insight.experiments.intervals import newcombe
from parcours.insight.experiments.moments import of_rate
from parcours.insight.figures import amount_text, bar, points_text, share_text
from parcours.insight.fitting_table import FittingTable

ALPHA: Final = 0.05
"""How often the interval of a difference may miss it."""

UNITS: Final = {"person": "people", "visit": "visits", "run": "runs"}


def funnel_tables(shape: Shape, result: FunnelResult) -> Iterator[RenderableType]:
    """The tables, those of all units first, each after its title; some may have no rows."""
    yield Text(f"Steps of {UNITS[shape.by]}", style="bold")
    yield _steps(result.steps)
    yield from _lost(result.steps)
    groups = {} if result.groups is UNSET else result.groups
    for name, group in groups.items():
        yield Text(f"Of {name}", style="bold")
        yield _steps(group.steps)
    if shape.sides is not None:
        sides = [groups[name].steps if name in groups else () for name in shape.sides]
        yield from _difference(shape.sides, *sides)


def _steps(steps: Sequence[FunnelStep]) -> FittingTable:
    valued = any(each.worth is not UNSET for each in steps)
    table = FittingTable(["step", "", "of the first", "of one before", "median", *(["worth"] if valued else [])])
    first, before = steps[0].reached, 0
    for number, step in enumerate(steps, start=1):
        table.add_row(
            f"{number} {step.step}",
            bar(step.reached, first),
            share_text(step.reached, first) or f"{step.reached:,}",
            share_text(step.reached, before),
            "" if step.median_ms is None else format_duration(step.median_ms),
            *([amount_text(None if step.worth is UNSET else step.worth)] if valued else []),
        )
        before = step.reached
    return table


def _lost(steps: Sequence[FunnelStep]) -> Iterator[RenderableType]:
    """After each step how many got no further, and what they did next."""
    valued = any(each.worth is not UNSET for each in steps)
    table = FittingTable(["lost after", "did next", *(["worth"] if valued else []), "of those lost"], widest=1)
    for number, step in enumerate(steps, start=1):
        if not step.lost:
            continue
        worth = [amount_text(None if step.lost_worth is UNSET else step.lost_worth)] if valued else []
        first, shown = [f"{number} {step.step}"], worth
        for name, count in step.lost_to.items():
            table.add_row(*first, name, *shown, share_text(count, step.lost))
            first, shown = [""], [""] * len(worth)
    yield Text("Lost", style="bold")
    yield table


def _difference(
    names: tuple[str, str], one: Sequence[FunnelStep], other: Sequence[FunnelStep]
) -> Iterator[RenderableType]:
    """How much more of the first segment's units got to each step than of the second one's."""
    if not (one and other and one[0].reached and other[0].reached):
        return
    yield Text(f"{names[0]} against {names[1]}, in points of the first step", style="bold")
    table = FittingTable(["step", *names, "difference", "95 % interval"])
    of_one, of_other = one[0].reached, other[0].reached
    for number, step in enumerate(one[1:], start=2):
        reached = one[number - 1].reached, other[number - 1].reached
        bounds = newcombe(of_rate(of_one, reached[0]), of_rate(of_other, reached[1]), ALPHA)
        table.add_row(
            f"{number} {step.step}",
            share_text(reached[0], of_one),
            share_text(reached[1], of_other),
            points_text(Fraction(reached[0], of_one) - Fraction(reached[1], of_other)),
            "" if bounds is None else " to ".join(points_text(bound) for bound in bounds),
        )
    yield table
