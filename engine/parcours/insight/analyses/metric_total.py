"""A sum of numbers that does not depend on their order, and takes eight bytes a number."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable
from itertools import chain

from parcours.expression.expression import Expression
from parcours.expression.values import is_number
from parcours.insight.analyses.happenings import Happening
from parcours.insight.analyses.triggers import scope_of


class Total:
    """Numbers to be summed up: whole ones exactly, others rounded once, at the end."""

    __slots__ = ("_others", "_whole")

    def __init__(self) -> None:
        self._whole = 0
        self._others = array("d")

    def add(self, value: object) -> None:
        """Add a number; anything else, infinity too, adds nothing."""
        if isinstance(value, int) and is_number(value):
            self._whole += value
        elif isinstance(value, float) and math.isfinite(value):
            self._others.append(value)

    @staticmethod
    def of(totals: Iterable[Total]) -> float | None:
        """The sum of all of them: whole if every number is, and None if it is larger than any number can be."""
        all_of_them = list(totals)
        whole = sum(total._whole for total in all_of_them)
        if not any(total._others for total in all_of_them):
            return whole
        try:
            return math.fsum(chain([whole], *(total._others for total in all_of_them)))
        except OverflowError:
            return None


def worth_of(value: Expression, happening: Happening) -> float:
    """The number that an event is worth; 0 for what is none, and for infinity."""
    number = number_of(value, happening)
    return float(number) if isinstance(number, int | float) and is_number(number) and math.isfinite(number) else 0.0


def number_of(value: Expression, happening: Happening) -> object:
    """What an expression says of an event."""
    return value.value(scope_of(happening))
