"""The command: lists what can be measured, measures it, and compares it with what was measured before."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from workloads import ABOUT, workload_of

from measuring.comparing import compare
from measuring.machine import load, this_machine
from measuring.plots import plot
from measuring.results import FORMAT, Result, figures_of, read, summed, write
from measuring.shape import Measured, Workload, WrongAnswer
from measuring.stores import without_password
from measuring.tables import about, show, show_compared
from parcours import ParcoursError, collector

TOLERANCE = 0.05
"""Medians that are closer than this are the same."""

WIDTH = 120
"""Of tables that are written into a file or a pipe, in characters."""

COMPARE = "compare"

ABOUT_COMPARE = "a stored run with another one, or with the same measured now"

OUTPUTS = ("json", "plot")
"""Options that say nothing of what is measured."""


def main(words: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if words is None else words)
    try:
        return _done(words)
    except ParcoursError as error:
        raise SystemExit(str(error)) from None


def _done(words: list[str]) -> int:
    asked = parser_for(words).parse_args(words)
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    if asked.what is None:
        listed(console)
        return 0
    if asked.what == COMPARE:
        return compared(asked, console)
    measured(asked, words, console)
    return 0


def parser_for(words: Sequence[str]) -> ArgumentParser:
    """Knows the options of the workload that is asked for; the others are not imported, for they may need an extra."""
    top = ArgumentParser(prog="python -m benchmarks", description="Measure the engine; without a name, list by what.")
    names = top.add_subparsers(dest="what", metavar="WORKLOAD")
    for name, about_it in ABOUT.items():
        one = names.add_parser(name, help=about_it, formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False)
        if name in words[:1]:
            _add_options(one, workload_of(name))
    against = names.add_parser(COMPARE, help=ABOUT_COMPARE)
    against.add_argument("old", metavar="OLD.json", type=Path)
    against.add_argument("new", metavar="NEW.json", type=Path, nargs="?", help="without it, OLD's command runs again")
    against.add_argument("--store", metavar="URL", help="where OLD's command runs again; no result keeps a password")
    against.add_argument("--tolerance", type=float, default=TOLERANCE, help="of a median before it counts as changed")
    return top


def _add_options(parser: ArgumentParser, workload: type[Workload]) -> None:
    parser.description = sys.modules[workload.__module__].__doc__
    parser.set_defaults(workload=workload)
    parser.add_argument("--rounds", type=int, default=5, help="after one that warms up; cases take turns in each")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the result there, for `compare`")
    parser.add_argument("--plot", metavar="FILE.svg", type=Path, help="draw it there")
    workload.add_options(parser)


def listed(console: Console) -> None:
    table = Table(box=None, show_header=False)
    for name, about_it in {**ABOUT, COMPARE: ABOUT_COMPARE}.items():
        table.add_row(name, about_it)
    console.print(table)
    console.print("`python -m benchmarks WORKLOAD --help` tells what can be asked of it.", highlight=False)


def measured(asked: Namespace, words: Sequence[str], console: Console) -> Result:
    """Run a workload, and show and write what came out."""
    result = run(asked, words)
    show(result, console)
    if asked.json is not None:
        write(result, asked.json)
    if asked.plot is not None:
        plot(result, asked.plot)
    return result


def run(asked: Namespace, words: Sequence[str]) -> Result:
    """All rounds. Raises SystemExit if an answer was wrong."""
    collector.spare_from_the_start()  # as a process that serves does
    told, workload = Console(stderr=True), asked.workload(asked)
    rounds: list[list[Measured]] = []
    load_before = load()
    for number in range(asked.rounds + 1):
        cases = []
        for each in workload.run(number):
            try:
                each.check()
            except WrongAnswer as error:
                raise SystemExit(f"{asked.what}: a wrong answer, so nothing is told of it: {error}") from error
            cases.append(each)
            told.print(f"{f'round {number} of {asked.rounds}' if number else 'warmed up'}: {each.case}", style="dim")
        if number or not asked.rounds:
            rounds.append(cases)
    return _result(asked, words, rounds, load_before)


def _result(
    asked: Namespace, words: Sequence[str], rounds: list[list[Measured]], load_before: list[float]
) -> Result:  # fmt: skip
    workload: type[Workload] = asked.workload
    summary = summed(rounds)
    left_out = {"what", "workload", *OUTPUTS}
    return Result(
        format=FORMAT,
        workload=workload.name,
        command=kept_words(words),
        options={name: _kept(value) for name, value in vars(asked).items() if name not in left_out},
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=this_machine(load_before),
        counted=workload.counted,
        figures=figures_of(workload.figures, summary),
        rounds=rounds,
        summary=summary,
    )


def _kept(value: object) -> object:
    return without_password(value) if isinstance(value, str) else value


def kept_words(words: Sequence[str]) -> list[str]:
    """The command as it is kept: without where its result went, and without passwords."""
    kept, skip = [], False
    for word in words:
        option, given, _ = word.removeprefix("--").partition("=")
        is_output = word.startswith("--") and option in OUTPUTS
        if not is_output and not skip:
            kept.append(without_password(word))
        skip = is_output and not given
    return kept


def compared(asked: Namespace, console: Console) -> int:
    """1 if any figure is worse."""
    old = read(asked.old)
    if asked.new is not None:
        new = read(asked.new)
    else:
        words = [*old.command, *(["--store", asked.store] if asked.store else [])]
        new = measured(parser_for(words).parse_args(words), words, console)
    found = compare(old, new, asked.tolerance)
    show_compared(found, console)
    for name, machine in (("old", old.machine), ("new", new.machine)):
        console.print(f"{name}: {about(machine)}", highlight=False)
    if not old.machine.is_like(new.machine):
        console.print("[yellow]These are two machines, and the ratios are theirs as well.[/]")
    return int(any(each.verdict == "worse" for each in found))
