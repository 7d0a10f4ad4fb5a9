"""Answers of analyses as tables that fit a terminal of 80 columns, with the window, and as of when they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from msgspec import UNSET
from rich.console import Console, RenderableType
from rich.text import Text

from parcours.insight.analyses.attribution import Attributed
from parcours.insight.analyses.cohort import CohortResult
from parcours.insight.analyses.flow import FlowResult
from parcours.insight.analyses.funnel import FunnelResult
from parcours.insight.analyses.metric import MetricResult
from parcours.insight.asking.funnel_tables import funnel_tables
from parcours.insight.asking.rows import AnalysisResult
from parcours.insight.asking.shape import Shape
from parcours.insight.figures import NOTHING, amount_text, bar, counted_text, percent_text, share_text
from parcours.insight.fitting_table import FittingTable

LINKS_SHOWN_MAX: Final = 20
"""Links of a flow that are listed, the strongest first; the other forms have all."""

PERIODS_SHOWN_MAX: Final = 9
"""Columns of a cohort beside each other; the other forms have all."""


@dataclass(frozen=True, slots=True)
class Heading:
    """
    words      the analysis as it was asked for
    sentences  the window, as of when the answer is, how many people have part in it, and what is missing
    """

    words: str
    sentences: tuple[str, ...]


def print_analysis(console: Console, heading: Heading, shape: Shape, result: AnalysisResult) -> None:
    """Print the heading and the tables, an empty line between them."""
    console.print(Text(heading.words, style="bold"))
    for sentence in heading.sentences:
        console.print(Text(sentence))
    for part in analysis_parts(shape, result):
        if isinstance(part, Text):
            console.print()
        console.print(part)


def analysis_parts(shape: Shape, result: AnalysisResult) -> Sequence[RenderableType]:
    """The tables, each after its title, and sentences. Without rows one is left out; without any, that is said."""
    kept = list[RenderableType]()
    for part in _parts(shape, result):
        if isinstance(part, FittingTable) and not part.rows:
            kept.pop()  # its title
        else:
            kept.append(part)
    return kept or [Text(NOTHING)]


def _parts(shape: Shape, result: AnalysisResult) -> Iterator[RenderableType]:
    match result:
        case FunnelResult():
            return funnel_tables(shape, result)
        case FlowResult():
            return _flow(result)
        case Attributed():
            return _attribution(shape, result)
        case CohortResult():
            return _cohort(result)
        case MetricResult():
            return _metric(result)
        case _:
            assert_never(result)


def _flow(result: FlowResult) -> Iterator[RenderableType]:
    yield Text("What came before and after", style="bold")
    nodes = FittingTable(["column", "what", "", "times"], widest=1)
    for column in result.columns:
        total, first = sum(column.nodes.values()), f"{column.offset:+}" if column.offset else "anchor"
        for name, count in column.nodes.items():
            nodes.add_row(first, name, bar(count, total), share_text(count, total))
            first = ""
    yield nodes
    yield Text("Strongest links", style="bold")
    links = FittingTable(["from column", "from", "to", "times"], widest=2)
    strongest = sorted(result.links, key=lambda each: -each.count)
    for link in strongest[:LINKS_SHOWN_MAX]:
        links.add_row(f"{link.offset:+}" if link.offset else "anchor", link.origin, link.target, f"{link.count:,}")
    yield links
    if (more := len(strongest) - LINKS_SHOWN_MAX) > 0:
        yield Text(f"There are {more:,} more: --format json and csv have all.")


def _attribution(shape: Shape, result: Attributed) -> Iterator[RenderableType]:
    worth = f", worth {amount_text(result.value)}" if shape.valued else ""
    yield Text(f"{counted_text(result.conversions, 'conversion', 'conversions')}{worth}", style="bold")
    yield _credits(result, "conversions credited", of_value=False)
    if shape.valued:
        yield Text("What they are worth", style="bold")
        yield _credits(result, "value credited", of_value=True)
    for name in shape.apart:
        yield Text(f"{name} credits all of a conversion to each of its keys, so it does not add up.")


def _credits(result: Attributed, title: str, *, of_value: bool) -> FittingTable:
    """A row for each key, a column for each model."""
    table = FittingTable([title, *result.models])
    keys = next(iter(result.models.values()))
    for key in keys:
        of_key = (credits_[key] for credits_ in result.models.values())
        table.add_row(key, *(amount_text(each.value if of_value else each.conversions) for each in of_key))
    return table


def _cohort(result: CohortResult) -> Iterator[RenderableType]:
    longest = max((len(row.returned) for row in result.rows), default=0)
    periods = range(min(longest, PERIODS_SHOWN_MAX))
    columns = ["start", "people", *map(str, periods)]
    counts, shares = FittingTable(columns), FittingTable(columns)
    for row in result.rows:
        shown = [row.returned[period] for period in periods]
        start = row.start, f"{row.people:,}"
        counts.add_row(*start, *("" if each is None else f"{each:,}" for each in shown))
        shares.add_row(*start, *("" if each is None else percent_text(each, row.people)[:-2] for each in shown))
    yield Text("Came back, by periods since the start", style="bold")
    yield counts
    yield Text("Of the people of the row, in percent", style="bold")
    yield shares
    if longest > len(periods):
        yield Text(f"There are {longest - len(periods):,} more periods: --format json and csv have all.")


def _metric(result: MetricResult) -> Iterator[RenderableType]:
    table = FittingTable(["group", "value"])
    table.add_row("all", amount_text(result.value))
    for name, value in () if result.groups is UNSET else result.groups.items():
        table.add_row(name, amount_text(value))
    yield Text("Value", style="bold")
    yield table
