"""What is known of a compiled part of an expression? How to evaluate it, and what can be said before there is data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from parcours.expression.change_times import TimeOffsets
from parcours.expression.values import Evaluate, Scope

Why: TypeAlias = Callable[[Scope], list[str]]
"""What kept a condition from holding, a reason each; asked only where it does not hold."""


@dataclass(frozen=True, slots=True)
class Operand:
    """A compiled part.

    kind     "any" where only data can tell
    exact    whether it is a number with decimals
    literal  whether it is a value written out
    moved    by what `now` is moved if it is nothing else, None for everything else
    source   what a path holds before it is read as a timestamp, None where it is taken as it is
    why      its reasons as a condition, None where its parts are no conditions themselves
    """

    evaluate: Evaluate
    text: str
    kind: str = "any"
    exact: bool = False
    literal: bool = False
    moved: TimeOffsets | None = None
    source: Evaluate | None = None
    why: Why | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """A part in whose place a condition stands."""

    holds: Evaluate
    why: Why
