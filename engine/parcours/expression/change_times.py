"""Change times: the instants at which a comparison with `now` becomes true or false by the passing of time alone.

`now`, shifted by some durations, is compared with a value that does not depend on the time. Shifting that value by the
same durations the other way solves the comparison for `now`. Time goes in whole milliseconds, the solution need not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from parcours.expression.operators import add, subtract
from parcours.expression.values import Evaluate, Scope
from parcours.instants import ceil_ms, floor_ms

TimeOffsets: TypeAlias = tuple[tuple[str, Evaluate], ...]
"""The durations added to `now` or subtracted from it, in the order in which they are written, each with its sign."""

ChangeTimes: TypeAlias = Callable[[Scope], Sequence[int]]
"""The instants (ms), past ones too, at which a part of an expression may change by the passing of time."""

MIRRORED: Final[Mapping[str, str]] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
"""The operator that means the same with its sides exchanged."""

# At its solution t, `now >= t` and `now < t` change; `now > t` and `now <= t` do so a millisecond later; == and != do
# both.
_AT_THE_INSTANT: Final = frozenset({"<", ">=", "==", "!="})
_RIGHT_AFTER_IT: Final = frozenset({"<=", ">", "==", "!="})


def change_times(sign: str, moved: TimeOffsets, other: Evaluate) -> ChangeTimes:
    """The change times of `now` with these offsets, compared by the sign with the other side."""

    def instants(scope: Scope) -> Sequence[int]:
        instant = other(scope)
        # Undone last to first: `now + a - b == x` is solved by x + b - a.
        for direction, amount in reversed(moved):
            instant = (subtract if direction == "+" else add)(instant, amount(scope))
        if not isinstance(instant, datetime):
            return ()
        found = [ceil_ms(instant)] if sign in _AT_THE_INSTANT else []
        return [*found, floor_ms(instant) + 1] if sign in _RIGHT_AFTER_IT else found

    return instants
