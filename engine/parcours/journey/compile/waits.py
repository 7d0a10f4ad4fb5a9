"""The compiler of waits, in a journey and in a campaign."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, assert_never

from parcours.expression.duration import DAYS, minute_of
from parcours.expression.expression import Expression
from parcours.expression.kinds import DATE, INSTANT, ExpectedKind
from parcours.journey.model.steps import UntilInstant, UntilLocalTime
from parcours.journey.parts import Wait, WaitDuration, WaitLocalTime, WaitUntil

CompileValue: TypeAlias = Callable[[str, ExpectedKind], Expression]
"""Compiles the expression of the instant or date until which to wait."""


def compiled_wait(
    step: str, wait: int | UntilInstant | UntilLocalTime, after: str | None, compile_value: CompileValue
) -> Wait:
    """The wait of a step, which leads to the step `after`."""
    match wait:
        case int():
            return WaitDuration(step, wait, after)
        case UntilInstant():
            of_dates = wait.yearly or wait.time is not None
            until = compile_value(wait.until, DATE if of_dates else INSTANT)
            minute = minute_of(wait.time) if wait.time is not None else 0
            is_date = of_dates or until.kind == "date"
            return WaitUntil(step, until, wait.offset, after, minute, wait.yearly, is_date)
        case UntilLocalTime():
            return WaitLocalTime(step, wait.minute, frozenset(DAYS.index(day) for day in wait.days), after)
    assert_never(wait)
