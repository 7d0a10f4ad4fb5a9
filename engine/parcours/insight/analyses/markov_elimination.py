"""How many of the paths of a Markov chain convert without each of its states? By elimination.

Eliminating a state sends what led into it to where it leads, in proportion, so that the others are as if it had been
passed over. Nothing is subtracted: what leaves a state for elsewhere is added up anew (Grassmann, Taksar and Heyman),
so that each result has nearly all of its digits, however unlikely conversions are.

For the chain without state k all others are eliminated, and what then leads from the start to k is what is lost. The
chains without each state have most eliminations in common: half of the states are eliminated for all of the other half,
then half of the rest, and so on, so that all together cost little more than one elimination of the whole, which is the
cube of the states.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class Row:
    """Where paths went from a state.

    onward     by state how many went there
    converted  how many converted
    null       how many ended there
    value      what those that converted are worth
    """

    onward: dict[int, float]
    converted: float
    null: float
    value: float


def without_each(
    rows: Mapping[int, Row], start: int, states: Sequence[int], go_on: Callable[[], object]
) -> Iterator[tuple[int, Row]]:
    """Each of `states` with the row of the start when that state is all that is left beside it.

    `rows` are of these states and the start, into which nothing leads; they are not changed. `go_on` is called before
    each elimination, and what it raises ends them all.
    """
    if len(states) == 1:
        yield states[0], rows[start]
        return
    middle = len(states) // 2
    halves = states[:middle], states[middle:]
    for kept, gone in (halves, halves[::-1]):
        fewer = {number: Row(dict(row.onward), row.converted, row.null, row.value) for number, row in rows.items()}
        for state in gone:
            go_on()
            _eliminate(fewer, state)
        yield from without_each(fewer, start, kept, go_on)


def _eliminate(rows: dict[int, Row], state: int) -> None:
    gone = rows.pop(state)
    gone.onward.pop(state, None)
    leaving = sum(gone.onward.values()) + gone.converted + gone.null
    for row in rows.values():
        led = row.onward.pop(state, 0)
        if not led:
            continue
        part = led / leaving
        onward = row.onward
        for there, times in gone.onward.items():
            onward[there] = onward.get(there, 0) + part * times
        row.converted += part * gone.converted
        row.null += part * gone.null
        row.value += part * gone.value
