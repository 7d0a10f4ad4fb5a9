"""Features: what an author's expressions say of a person, as the numbers that a model reads.

A truth value is 1 or 0. A value that is one of several is a 0/1 number for each, and one for anything else, no value
included. What is no number, or is none that fits into 32 bits, is missing. Models read numbers that are rounded to
32-bit floats, as those that they are trained with.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Final, TypeAlias

from parcours.expression.expression import Expression

Plain: TypeAlias = str | int | float | bool

FLOAT32_MAX: Final = 3.4028234663852886e38
"""The largest number of 32 bits."""

ELSE: Final = "else"
"""What stands in the name of the number for anything else; a text would stand in quotes."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature of a document.

    one_of   the values that are told apart, None of a number
    missing  the number that stands for no value; None: the score is missing then
    """

    name: str
    value: Expression
    one_of: tuple[Plain, ...] | None = None
    missing: float | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the numbers that it is for models."""
        if self.one_of is None:
            return (self.name,)
        values = (json.dumps(each, ensure_ascii=False) for each in self.one_of)
        return tuple(f"{self.name}={each}" for each in (*values, ELSE))


def numbers_of(features: Sequence[Feature], values: Sequence[object]) -> list[float | None]:
    """The number of each column, in the order of the document; None where it is missing.

    values  of each feature's expression, as it was evaluated; None and MISSING are no values
    """
    numbers: list[float | None] = []
    for feature, value in zip(features, values, strict=True):
        if feature.one_of is None:
            # `type` and not `isinstance`, since a bool is an int to Python; and a function for each would cost as much
            # as the comparison that it asks for.
            kind = type(value)
            if kind is bool:
                numbers.append(1.0 if value else 0.0)
            elif (kind is int or kind is float) and -FLOAT32_MAX <= value <= FLOAT32_MAX:  # type: ignore[operator]
                numbers.append(value)  # type: ignore[arg-type]
            else:
                numbers.append(feature.missing)
        else:
            same = [1.0 if _same(value, each) else 0.0 for each in feature.one_of]
            numbers += [*same, 0.0 if 1.0 in same else 1.0]
    return numbers


def rounding(count: int) -> Callable[[Sequence[float]], tuple[float, ...]]:
    """Rounds so many numbers to 32-bit floats."""
    floats = Struct(f"<{count}f")
    pack, unpack = floats.pack, floats.unpack
    return lambda numbers: unpack(pack(*numbers))


def _same(value: object, other: Plain) -> bool:
    """As `==` of expressions: 1 and 1.0 are the same number, and no truth value is a number."""
    if isinstance(value, bool) or isinstance(other, bool):
        return value is other
    if isinstance(value, str) or isinstance(other, str):
        return isinstance(value, str) and value == other
    return isinstance(value, int | float) and value == other
