"""When will a comparison with `now` turn? At the instant that solves it, or a millisecond later.

`now` moved by some amounts is compared with something that stands still, so moving that by the same
amounts the other way gives the instant. Time goes in whole milliseconds, the instant need not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from parcours.expression.operators import add, subtract
from parcours.expression.values import Evaluate, Scope
from parcours.instants import EPOCH, to_ms

TimeOffsets: TypeAlias = tuple[tuple[str, Evaluate], ...]
"""What is added to `now` or taken from it, in the order in which it is written, each with its sign."""

ChangeTimes: TypeAlias = Callable[[Scope], Sequence[int]]
"""The instants (ms), past ones too, at which a part of an expression may change by the passing of time."""

MIRRORED: Final[Mapping[str, str]] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
"""The sign that says the same with its sides exchanged."""

_AT_THE_INSTANT: Final = frozenset({"<", ">=", "==", "!="})
_RIGHT_AFTER_IT: Final = frozenset({"<=", ">", "==", "!="})


def change_times(sign: str, moved: TimeOffsets, other: Evaluate) -> ChangeTimes:
    """When `now` moved so, compared by the sign with the other side, turns from false to true or back."""

    def instants(scope: Scope) -> Sequence[int]:
        instant = other(scope)
        for direction, amount in reversed(moved):
            instant = (subtract if direction == "+" else add)(instant, amount(scope))
        if not isinstance(instant, datetime):
            return ()
        found = [to_ms(instant)] if sign in _AT_THE_INSTANT else []
        return [*found, _whole_ms(instant) + 1] if sign in _RIGHT_AFTER_IT else found

    return instants


def _whole_ms(moment: datetime) -> int:
    """The last whole millisecond that is not after the moment."""
    whole = to_ms(moment)
    return whole if (moment - EPOCH).microseconds % 1_000 == 0 else whole - 1
