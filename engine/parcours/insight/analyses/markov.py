"""What is lost without each key, if people walk through their paths as a Markov chain? Removal effects, solved exactly.

A path goes from the start over its states to a conversion or to nothing. A state is `order` keys in a row, a shorter
path is one state, and equal states in a row are one. What led into a state goes on as the paths went on that were in
it. Without a key whatever led into a state with it leads to nothing; the key's effect is the part of all conversions
that is lost so, of all value likewise, and effects are scaled until they add up.

The chain is kept as counts. How it is solved without each key stands in markov_elimination.py and,
where that would take too long, in markov_iteration.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Final

from parcours.errors import AnalysisRefused
from parcours.insight.analyses.credit import Tally, Worth, different
from parcours.insight.analyses.markov_elimination import Row, without_each
from parcours.insight.analyses.markov_iteration import Chain, reached_without

START: Final = 0
"""The number of the state in which every path begins."""

ELIMINATED_KEYS_MAX: Final = 256
"""With more keys, or states of several, a chain is solved by iteration: elimination needs the cube of the states."""

MARKOV_WORK_MAX: Final = 200_000_000
"""Keys times transitions, which is what each round of the iteration costs; so many take some minutes."""

CANCELLED: Final = 1e-9
"""Sums of so small a part of the numbers in them are taken for 0, which rounding keeps them from being."""


def credit_by_removal(
    name: str,
    paths: Mapping[tuple[str, ...], Worth],
    nulls: Mapping[tuple[str, ...], int],
    order: int,
    tally: Tally,
    go_on: Callable[[], object] = lambda: None,
) -> None:
    """To each key what is lost without it, scaled to what the paths led to; no path is empty.

    go_on  is called again and again while the chain is solved, which may take minutes; what it raises ends that
    Raises AnalysisRefused if the chain is too large, or values below 0 leave nothing to scale.
    """
    if not paths:
        return
    counted = CountedChain(paths, nulls, order)
    keys = different(paths)
    work = len(keys) * counted.transitions
    if work > MARKOV_WORK_MAX:
        raise AnalysisRefused(
            f"attribution {name}: the Markov chain of order {order} has {len(keys)} keys and {counted.transitions} "
            f"transitions, whose product may be {MARKOV_WORK_MAX} at most: "
            "choose a key with fewer values or a lower order"
        )
    by_elimination = order == 1 and len(counted.states) <= ELIMINATED_KEYS_MAX
    left = (_left_by_elimination if by_elimination else _left_by_iteration)(counted, keys, go_on)
    conversions = sum(worth.conversions for worth in paths.values())
    value = sum(worth.value for worth in paths.values())
    lost = {key: conversions - left[key][0] for key in keys}
    lost_value = {key: value - left[key][1] for key in keys}
    scale = conversions / sum(lost.values())
    size = sum(abs(worth.value) for worth in paths.values())
    value_scale = _value_scale(name, value, sum(lost_value.values()), size)
    for key in keys:
        tally.add(key, lost[key] * scale, lost_value[key] * value_scale)


def _value_scale(name: str, value: float, lost: float, size: float) -> float:
    """By what losses of value become credits; `size` is the value without signs, beside which rounding is nothing."""
    if abs(lost) > CANCELLED * size:
        return value / lost
    if abs(value) > CANCELLED * size:
        raise AnalysisRefused(
            f"attribution {name}: values below 0 cancel out the others, so that no key loses any by its removal: "
            "leave out the value or the model markov"
        )
    return 0.0


class CountedChain:
    """How often paths went from one state to another.

    states      the keys of each state by its number; the start has none
    onward      by state the states after it, with how often
    converted   by state how many conversions came right after it
    value       by state what these are worth
    null        by state how often nothing came after it
    """

    __slots__ = ("_numbers", "converted", "null", "onward", "states", "value")

    def __init__(
        self, paths: Mapping[tuple[str, ...], Worth], nulls: Mapping[tuple[str, ...], int], order: int
    ) -> None:
        self.states: list[tuple[str, ...]] = [()]
        self.onward: list[defaultdict[int, int]] = [defaultdict(int)]
        self.converted, self.value, self.null = [0], [0.0], [0]
        self._numbers: dict[tuple[str, ...], int] = {}
        for keys, worth in paths.items():
            last = self._walk(keys, order, worth.conversions)
            self.converted[last] += worth.conversions
            self.value[last] += worth.value
        for keys, times in nulls.items():
            self.null[self._walk(keys, order, times)] += times

    @property
    def transitions(self) -> int:
        return sum(map(len, self.onward))

    def _walk(self, keys: tuple[str, ...], order: int, times: int) -> int:
        """Counts the way of a path, and says in which state it ends."""
        here = START
        numbers, onward = self._numbers, self.onward
        for state in zip(*(keys[skipped:] for skipped in range(order)), strict=False) if len(keys) > order else (keys,):
            there = numbers.get(state)
            if there is None:
                there = self._new(state)
            if there != here:
                onward[here][there] += times
                here = there
        return here

    def _new(self, state: tuple[str, ...]) -> int:
        number = self._numbers[state] = len(self.states)
        self.states.append(state)
        self.onward.append(defaultdict(int))
        self.converted.append(0)
        self.value.append(0.0)
        self.null.append(0)
        return number


def _left_by_elimination(
    counted: CountedChain, keys: list[str], go_on: Callable[[], object]
) -> dict[str, tuple[float, float]]:
    """By key the conversions and the value that are left without it; each state is one key."""
    rows = {
        number: Row(dict(onward), converted, null, value)
        for number, (onward, converted, null, value) in enumerate(
            zip(counted.onward, counted.converted, counted.null, counted.value, strict=True)
        )
    }
    removable = list(range(START + 1, len(counted.states)))
    left = {counted.states[number][0]: start for number, start in without_each(rows, START, removable, go_on)}
    return {key: (left[key].converted, left[key].value) for key in keys}


def _left_by_iteration(
    counted: CountedChain, keys: list[str], go_on: Callable[[], object]
) -> dict[str, tuple[float, float]]:
    """By key the conversions and the value that are left without it."""
    chain = Chain(counted.onward, [sum(x) for x in zip(counted.converted, counted.null, strict=True)], START)
    by_value = counted.value != counted.converted
    left = {}
    for key in keys:
        removed = frozenset(number for number, state in enumerate(counted.states) if key in state)
        conversions = reached_without(chain, removed, counted.converted, go_on)
        value = reached_without(chain, removed, counted.value, go_on) if by_value else conversions
        left[key] = (conversions, value)
    return left
