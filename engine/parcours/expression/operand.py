"""Operands: the compiled parts of an expression, each a closure with what is known of it before there is data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from parcours.expression.change_times import TimeOffsets
from parcours.expression.values import Evaluate, Scope

Why: TypeAlias = Callable[[Scope], list[str]]
"""The reasons why a condition does not hold; called only where it does not."""


@dataclass(frozen=True, slots=True)
class Operand:
    """A compiled part.

    kind     "any" where only data can tell
    exact    whether it is a number with decimals
    literal  whether it is a literal
    moved    the offsets of `now` where it is `now` plus or minus durations, None for everything else
    source   the path's value before its conversion to a timestamp or date, None where there is no conversion
    fields   of an object, or of each object in a list, the kinds of the keys that are declared
    why      its reasons as a condition, None where its parts are not conditions themselves
    """

    evaluate: Evaluate
    text: str
    kind: str = "any"
    exact: bool = False
    literal: bool = False
    moved: TimeOffsets | None = None
    source: Evaluate | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    why: Why | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled part that is used as a condition."""

    holds: Evaluate
    why: Why
