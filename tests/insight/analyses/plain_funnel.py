"""A second funnel, as plain as can be: it makes every chain there is and keeps the best."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise, permutations

from parcours.insight.analyses.happenings import Happening

Fits = Callable[[Happening], bool]


@dataclass(frozen=True)
class PlainFunnel:
    """What is asked, with conditions as Python functions."""

    steps: Sequence[Fits]
    order: str = "strict"
    within_ms: int | None = None
    exclude: Sequence[Fits] = ()
    step_within_ms: Mapping[int, int] = field(default_factory=dict)


def best_chain(asked: PlainFunnel, events: Sequence[Happening]) -> tuple[int, ...]:
    """The places of the best chain: the longest, then the earliest start, then the earliest event at each step."""
    return min(every_chain(asked, events), key=lambda chain: (-len(chain), chain), default=())


def every_chain(asked: PlainFunnel, events: Sequence[Happening]) -> Iterator[tuple[int, ...]]:
    for length in range(1, len(asked.steps) + 1):
        for chain in combinations(range(len(events)), length):
            if takes_steps(asked, events, chain) and in_bounds(asked, events, chain):
                yield chain


def takes_steps(asked: PlainFunnel, events: Sequence[Happening], chain: tuple[int, ...]) -> bool:
    if asked.order == "any":
        return any(
            all(asked.steps[step](events[place]) for step, place in zip(steps, chain, strict=True))
            for steps in permutations(range(len(asked.steps)), len(chain))
        )
    if not all(fits(events[place]) for fits, place in zip(asked.steps, chain, strict=False)):
        return False
    if asked.order == "strict":
        return True
    return all(
        asked.steps[number](events[between])
        for number, (one, other) in enumerate(pairwise(chain))
        for between in range(one + 1, other)
    )


def in_bounds(asked: PlainFunnel, events: Sequence[Happening], chain: tuple[int, ...]) -> bool:
    times = [events[place].at for place in chain]
    if asked.within_ms is not None and times[-1] - times[0] > asked.within_ms:
        return False
    if any(fits(events[place]) for fits in asked.exclude for place in range(chain[0] + 1, chain[-1])):
        return False
    return all(
        times[step - 1] - times[step - 2] <= bound for step, bound in asked.step_within_ms.items() if step <= len(chain)
    )


def plain_counts(asked: PlainFunnel, units: Sequence[Sequence[Happening]]) -> list[dict[str, object]]:
    """Of each step: reached, lost, where to, and the median time from the step before."""
    found = [(events, best_chain(asked, events)) for events in units]
    return [
        {
            "reached": sum(len(chain) >= step for _, chain in found),
            "lost": sum(len(chain) == step for _, chain in found) if step < len(asked.steps) else 0,
            "lost_to": lost_to(asked, [each for each in found if len(each[1]) == step])
            if step < len(asked.steps)
            else {},
            "median_ms": lower_median(
                [events[c[step - 1]].at - events[c[step - 2]].at for events, c in found if step > 1 and len(c) >= step]
            ),
        }
        for step in range(1, len(asked.steps) + 1)
    ]


def lost_to(asked: PlainFunnel, lost: Sequence[tuple[Sequence[Happening], tuple[int, ...]]]) -> dict[str, int]:
    counts = Counter[str]()
    for events, chain in lost:
        after = [
            each.event
            for place, each in enumerate(events)
            if place > chain[-1] and (asked.within_ms is None or each.at <= events[chain[0]].at + asked.within_ms)
        ]
        counts[after[0] if after else "(nothing)"] += 1
    return dict(counts)


def lower_median(values: list[int]) -> int | None:
    while len(values) > 2:
        values.remove(min(values))
        values.remove(max(values))
    return min(values) if values else None
