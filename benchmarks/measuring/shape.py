"""What is a workload? Something with a name and options that is run round by round, and knows what has to come out.

The command makes a workload from its options, which may take a while: lines are written then, and whatever else is not
to be measured. Each round gives what was measured for every case, one after the other, so that cases take turns and a
slow minute of the machine meets all of them. An answer that is not what it has to be ends the command before anything
is printed.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal, Protocol

import msgspec


class WrongAnswer(Exception):
    """The engine did not do what it was measured at."""


class Figure(msgspec.Struct, frozen=True):
    """What a figure counts.

    unit    such as events/s
    better  whether more or less of it is better
    """

    unit: str
    better: Literal["more", "less"]


class Answer(msgspec.Struct, frozen=True):
    """What came out beside what had to."""

    what: str
    got: int
    wanted: int


class Measured(msgspec.Struct, frozen=True):
    """A case of a workload, measured once.

    case     its name
    figures  by name, as the workload's `figures` say what they count
    cpu_us   processor time by process, for each of what the workload counts
    answers  what came out, which is checked and kept
    """

    case: str
    figures: dict[str, float]
    cpu_us: dict[str, float] = {}
    answers: list[Answer] = []

    def check(self) -> None:
        """Raises WrongAnswer unless all came out as it had to."""
        wrong = [f"{each.got:,} {each.what}, not {each.wanted:,}" for each in self.answers if each.got != each.wanted]
        if wrong:
            raise WrongAnswer(f"{self.case}: {'; '.join(wrong)}")


class Workload(Protocol):
    """One workload.

    name     by which it is run
    counted  of what `cpu_us` is for each one
    figures  what it measures of each case
    """

    name: ClassVar[str]
    counted: ClassVar[str]
    figures: ClassVar[Mapping[str, Figure]]

    def __init__(self, asked: Namespace) -> None:
        """Get ready what is not measured."""

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        """Add what can be asked of it; every default is what the README's figures were measured with."""

    def run(self, number: int) -> Iterator[Measured]:
        """Measure each case once. Round 0 warms up: it is checked as any, and counts for nothing."""


EVENTS_PER_SECOND = Figure("events/s", "more")
MILLISECONDS = Figure("ms", "less")
MICROSECONDS = Figure("µs", "less")
SECONDS = Figure("s", "less")
BYTES = Figure("bytes", "less")
