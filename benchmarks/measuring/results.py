"""What is kept of a run? Every round's figures as they were, their medians and ranges, and the machine."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from measuring.machine import Machine
from measuring.shape import MICROSECONDS, Figure, Measured

FORMAT = 1

CPU = "cpu"


class Spread(msgspec.Struct, frozen=True):
    """What the rounds gave of one figure."""

    median: float
    low: float
    high: float

    def overlaps(self, other: Spread) -> bool:
        return self.low <= other.high and other.low <= self.high


class Result(msgspec.Struct, frozen=True):
    """A run of a workload; as JSON it is what `--json` writes and `compare` reads.

    format    number of this form
    workload  its name
    command   the words after `python -m benchmarks` that measure the same again
    options   all of them, the defaults included
    at        when it ended
    machine   on which it ran
    counted   of what processor time is for each one
    figures   what the figures count
    rounds    what was measured, for each round case by case
    summary   for each case the spread of each figure; `cpu` is all processes' together, `cpu driver` one's
    """

    format: int
    workload: str
    command: list[str]
    options: dict[str, Any]
    at: str
    machine: Machine
    counted: str
    figures: dict[str, Figure]
    rounds: list[list[Measured]]
    summary: dict[str, dict[str, Spread]]


def write(result: Result, path: Path) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")


def read(path: Path) -> Result:
    """Raises SystemExit for what is no result."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Result)
    except (OSError, msgspec.DecodeError) as error:
        raise SystemExit(f"{path} is no result of a run: {error}") from None


def summed(rounds: Sequence[Sequence[Measured]]) -> dict[str, dict[str, Spread]]:
    """The spread of each figure of each case, in the order of the cases."""
    values: dict[str, dict[str, list[float]]] = {}
    for measured in (each for number in rounds for each in number):
        of_case = values.setdefault(measured.case, {})
        for name, value in {**measured.figures, **_cpu_of(measured)}.items():
            of_case.setdefault(name, []).append(value)
    return {
        case: {name: Spread(statistics.median(each), min(each), max(each)) for name, each in of_case.items()}
        for case, of_case in values.items()
    }


def _cpu_of(measured: Measured) -> dict[str, float]:
    each = measured.cpu_us
    apart = {f"{CPU} {name}": value for name, value in each.items()} if len(each) > 1 else {}
    return {CPU: sum(each.values()), **apart} if each else {}


def figures_of(declared: Mapping[str, Figure], summary: Mapping[str, Mapping[str, Spread]]) -> dict[str, Figure]:
    """What each figure of the summary counts; those that no case gave are left out."""
    given = dict.fromkeys(name for figures in summary.values() for name in figures)
    return {name: declared.get(name, MICROSECONDS) for name in given}
