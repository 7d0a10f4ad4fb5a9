"""Do figures add up? Each equation has two sides that are counted in different ways; a side that differs is named.

Pure but for `states_that_differ` and `propositions_that_differ`, which ask what is in no state, or in several.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from parcours.errors import FiguresDiffer
from parcours.insight.reports.asked import Asked
from parcours.insight.reports.report import Cell, Section
from parcours.insight.warehouse.warehouse import Warehouse

STEPS: Final = "inflow = waiting + gone on + ended"
STEPS_MOVED: Final = "before + inflow = waiting + gone on + ended"
RUNS: Final = "entered = open + parked + exited + ended"
RUNS_MOVED: Final = "before + entered = open + exited + ended"
DELIVERIES: Final = "one state = states of a delivery"
PROPOSITIONS: Final = "decided = shown + pending + never shown"
CLICKS: Final = "clicked = clicked and shown"
GROUPS: Final = "total = sum over groups"
SUMMARY: Final = "summary.json = report from facts"
FILES: Final = "rows of the done list = rows of files"

SHOWN_MAX: Final = 20
"""Differences that are told one by one."""

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """
    equation  which one does not hold
    where     the journey, step, key or the like
    left      its left side, `right` its right one
    """

    equation: str
    where: str
    left: int
    right: int

    def __str__(self) -> str:
        return f"{self.where}: {self.equation}, but {self.left} is not {self.right}"


def require_none(differences: Iterable[Difference]) -> None:
    """Raises FiguresDiffer that names the differences."""
    found = list(differences)
    if not found:
        return
    more = len(found) - SHOWN_MAX
    lines = [*map(str, found[:SHOWN_MAX]), *([f"and {more:,} more"] if more > 0 else [])]
    raise FiguresDiffer("\n".join(["Facts do not add up; some are missing, or are there twice.", *lines]))


def rows_that_differ(sections: Iterable[Section]) -> Iterator[Difference]:
    """The steps and journeys of a report of journeys whose figures do not add up."""
    for each in sections:
        if each.title == "Steps" and "waiting" in each.columns:
            is_moved = "before" in each.columns
            left = ("before", "inflow") if is_moved else ("inflow",)
            yield from _sides(each, STEPS_MOVED if is_moved else STEPS, left, ("waiting", "gone on", "ended"))
        elif each.title == "Runs" and "open" in each.columns:
            if "before" in each.columns:
                yield from _sides(each, RUNS_MOVED, ("before", "entered"), ("open", "exited", "ended"))
            else:
                yield from _sides(each, RUNS, ("entered",), ("open", "parked", "exited", "ended"))


def _sides(of: Section, equation: str, left: tuple[str, ...], right: tuple[str, ...]) -> Iterator[Difference]:
    for row in of.rows:
        figures = dict(zip(of.columns, row, strict=True))
        sides = [sum(_number(figures[name]) for name in side) for side in (left, right)]
        if sides[0] != sides[1]:
            yield Difference(equation, ".".join(map(str, row[: of.keys])), *sides)


def states_that_differ(warehouse: Warehouse, asked: Asked, *, cut: bool) -> Iterator[Difference]:
    """The deliveries that are not in exactly one state.

    cut  deliveries were kept for long enough: those of which nothing tells the beginning are left out
    """
    of = asked.named(asked.kind) if asked.kind in ("channel", "message") else "true"
    known = "decided" if cut else "true"
    query = (
        "select channel, journey, step, key, states from main.delivery_states"
        f" where {of} and {known} and states <> 1 order by channel, journey, step, key"
    )
    for channel, journey, step, key, states in warehouse.rows(query):
        yield Difference(DELIVERIES, f"{journey}.{step}, {channel}, key {key}", 1, states)


def propositions_that_differ(warehouse: Warehouse, asked: Asked, *, cut: bool) -> Iterator[Difference]:
    """The offers that somebody got of which something is told, and not that she got them; or a click, and no show.

    cut  what was kept for long enough is gone: those of which it is not told that they were decided are left out
    """
    known = "told" if cut else "true"
    query = (
        "select offer, placement, proposition, decided, states, clicked, shown from main.proposition_states"
        f" where {asked.named('offer')} and {known} and (decided <> states or (clicked and not shown))"
        " order by offer, placement, proposition"
    )
    for offer, placement, key, decided, states, clicked, shown in warehouse.rows(query):
        where = f"{offer} at {placement}, proposition {key}"
        if decided != states:
            yield Difference(PROPOSITIONS, where, decided, states)
        if clicked and not shown:
            yield Difference(CLICKS, where, 1, 0)


def groups_that_differ(total: Iterable[Section], groups: Iterable[Section]) -> Iterator[Difference]:
    """Where the sum over all groups is not the total; both have the same tables."""
    for whole, divided in zip(total, groups, strict=True):
        sums = _sums(divided, 1)
        for path, number in _sums(whole, 0).items():
            if sums[path] != number:
                yield Difference(GROUPS, _where(divided, path), number, sums[path])
            del sums[path]
        yield from (Difference(GROUPS, _where(divided, path), 0, number) for path, number in sums.items() if number)


def _sums(of: Section, first: int) -> Counter[tuple[Cell, ...]]:
    """By what a row is about and the figure's name: `first` is the first column that is no group."""
    sums: Counter[tuple[Cell, ...]] = Counter()
    for row in of.rows:
        for name in of.adds:
            sums[*row[first : of.keys], name] += _number(row[of.columns.index(name)])
    return sums


def _where(of: Section, path: tuple[Cell, ...]) -> str:
    return f"{of.title} by {of.columns[0]}, {'.'.join(map(str, path))}"


def counts_that_differ(equation: str, left: Mapping[Path, int], right: Mapping[Path, int]) -> Iterator[Difference]:
    """Where two mappings of numbers differ; what is missing in one is 0 there."""
    for path in sorted(left.keys() | right.keys()):
        sides = left.get(path, 0), right.get(path, 0)
        if sides[0] != sides[1]:
            yield Difference(equation, ".".join(path), *sides)


def _number(cell: Cell) -> int:
    assert isinstance(cell, int), "a figure that adds up is a whole number"
    return cell
