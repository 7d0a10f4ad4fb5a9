"""How is a run shown? As a table of medians and ranges, below a line about the machine."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from measuring.comparing import Compared
from measuring.machine import Machine
from measuring.results import Result

VERDICTS = {"better": "green", "worse": "red", "unclear": "yellow", "the same": "default"}


def show(result: Result, console: Console) -> None:
    table = Table(title=f"{result.workload}, rounds: {len(result.rounds)}", title_justify="left")
    for name in ("case", "figure", "median", "range", ""):
        table.add_column(name, justify="right" if name in ("median", "range") else "left", no_wrap=True)
    for case, figures in result.summary.items():
        for number, (name, spread) in enumerate(figures.items()):
            table.add_row(
                "" if number else case,
                name,
                shown(spread.median),
                f"{shown(spread.low)} to {shown(spread.high)}",
                result.figures[name].unit,
                end_section=number == len(figures) - 1,
            )
    console.print(table)
    if any("cpu" in figures for figures in result.summary.values()):
        console.print(f"cpu: processor time for each {result.counted}")
    console.print(about(result.machine), highlight=False)


def about(machine: Machine) -> str:
    before, after = machine.load_before[0], machine.load_after[0]
    return (
        f"{machine.cores} cores of {machine.cpu}, {machine.memory_mb / 1_000:.0f} GB, Python {machine.python}, "
        f"commit {machine.commit or 'unknown'}; load {before:g} before and {after:g} after"
    )


def show_compared(compared: Sequence[Compared], console: Console) -> None:
    table = Table(title="new to old, by the medians", title_justify="left")
    for name in ("case", "figure", "old", "new", "ratio", "verdict"):
        table.add_column(name, justify="right" if name in ("old", "new", "ratio") else "left", no_wrap=True)
    for each in compared:
        style = VERDICTS[each.verdict]
        table.add_row(
            each.case,
            f"{each.name} ({each.figure.unit})",
            shown(each.old.median),
            shown(each.new.median),
            f"{each.ratio:.3f}",
            f"[{style}]{each.verdict}[/]",
        )
    console.print(table)


def shown(value: float) -> str:
    """Three digits at least, and no more behind the point than one can use."""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"
