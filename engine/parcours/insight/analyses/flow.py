"""The flow: what comes before and after an event, column by column.

An occurrence of the anchor takes one node in each column, so the total of every column is the number of occurrences,
and what leads into a node is as much as leads out of it. Beyond a unit's first event lies `(start)`, beyond its last
one `(end)`, in as many columns as are left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final

import msgspec

from parcours.core.paths import pick_at
from parcours.expression.dotted import split_path
from parcours.insight.analyses.funnel_groups import OTHER, group_name, most_frequent
from parcours.insight.analyses.happenings import Events, Happening
from parcours.insight.analyses.triggers import Triggers
from parcours.journey.analyses import Flow

START: Final = "(start)"
END: Final = "(end)"

BESIDES: Final = (OTHER, START, END)
"""The nodes that are no event's; they stand behind those that are."""


class FlowColumn(msgspec.Struct, frozen=True):
    """The nodes at a distance from the anchor: those with the most occurrences first, ties by name.

    Of events the `most` frequent have their names; `(other)`, `(start)` and `(end)` come behind them.
    """

    offset: int
    nodes: dict[str, int]


class FlowLink(msgspec.Struct, frozen=True, rename={"origin": "from", "target": "to"}):
    """How many occurrences lead from a node of the column at `offset` to a node of the next one."""

    offset: int
    origin: str
    target: str
    count: int


class FlowResult(msgspec.Struct, frozen=True):
    """The columns from the first before the anchor on, and the links by column, the strongest first."""

    columns: tuple[FlowColumn, ...]
    links: tuple[FlowLink, ...]


def flow(asked: Flow, units: Iterable[Events]) -> FlowResult:
    """Count what units did around the anchor.

    units  of the flow's segment only, each with all its events in order
    """
    width = asked.before + 1 + asked.after
    nodes = [Counter[str]() for _ in range(width)]
    links = [Counter[tuple[str, str]]() for _ in range(width - 1)]
    for path in paths(asked, units):
        for column, node in zip(nodes, path, strict=True):
            column[node] += 1
        for column_links, link in zip(links, pairwise(path), strict=True):
            column_links[link] += 1
    shown = [_shown(column, asked.most) for column in nodes]
    offsets = range(-asked.before, asked.after + 1)
    return FlowResult(
        tuple(
            FlowColumn(offset, _counted(column, names))
            for offset, column, names in zip(offsets, nodes, shown, strict=True)
        ),
        tuple(
            FlowLink(offset, *ends, count)
            for offset, column_links, here, there in zip(offsets, links, shown, shown[1:], strict=False)
            for ends, count in _linked(column_links, here, there)
        ),
    )


def paths(asked: Flow, units: Iterable[Events]) -> Iterator[list[str]]:
    """The nodes of each occurrence of the anchor, one a column."""
    anchor = Triggers([asked.anchor])
    keys = None if asked.key is None else split_path(asked.key)
    for unit in units:
        happenings = unit.happenings
        if asked.ignore:
            happenings = [each for each in happenings if each.event not in asked.ignore]
        places = _which(asked, [place for place, _, _ in anchor.sightings(happenings)])
        if not places:
            continue
        if not asked.collapse:
            for place in places:
                yield _path(asked, happenings, place, keys)
            continue
        starts, labels = _runs(happenings, keys)
        run_of, run = list[int](), -1
        for place in places:
            while run + 1 < len(starts) and starts[run + 1] <= place:
                run += 1
            run_of.append(run)
        for run in dict.fromkeys(run_of):
            yield _columns(asked, labels, run)


def _which(asked: Flow, places: list[int]) -> list[int]:
    """Those of a unit's anchors that count."""
    if asked.which == "every":
        return places
    return places[:1] if asked.which == "first" else places[-1:]


def _path(asked: Flow, happenings: Sequence[Happening], place: int, keys: Sequence[str] | None) -> list[str]:
    """The nodes around an event; only the events in the columns are decoded."""
    first = max(0, place - asked.before)
    labels = [_label(each, keys) for each in happenings[first : place + asked.after + 1]]
    return _columns(asked, labels, place - first)


def _columns(asked: Flow, labels: Sequence[str], place: int) -> list[str]:
    """The labels around a place, with what lies beyond."""
    before = labels[max(0, place - asked.before) : place]
    after = labels[place : place + 1 + asked.after]
    missing = asked.before - len(before), asked.after + 1 - len(after)
    return [START] * missing[0] + [*before, *after] + [END] * missing[1]


def _runs(happenings: Sequence[Happening], keys: Sequence[str] | None) -> tuple[list[int], list[str]]:
    """Where each run of equal nodes begins, and the node of each."""
    starts, labels = list[int](), list[str]()
    for place, happening in enumerate(happenings):
        label = _label(happening, keys)
        if not labels or label != labels[-1]:
            starts.append(place)
            labels.append(label)
    return starts, labels


def _label(happening: Happening, keys: Sequence[str] | None) -> str:
    return happening.event if keys is None else group_name(pick_at(happening.decoded(), keys))


def _shown(column: Counter[str], most: int) -> dict[str, str]:
    """What each node of a column is called."""
    events = [each for each in column.items() if each[0] not in BESIDES]
    named = {name for name, _ in most_frequent(events, most)}
    return {name: name if name in named or name in BESIDES else OTHER for name in column}


def _counted(column: Counter[str], shown: dict[str, str]) -> dict[str, int]:
    counts = Counter[str]()
    for name, count in column.items():
        counts[shown[name]] += count
    named = most_frequent(each for each in counts.items() if each[0] not in BESIDES)
    return dict(named) | {name: counts[name] for name in BESIDES if name in counts}


def _linked(
    links: Counter[tuple[str, str]], here: dict[str, str], there: dict[str, str]
) -> list[tuple[tuple[str, str], int]]:
    counts = Counter[tuple[str, str]]()
    for (origin, target), count in links.items():
        counts[here[origin], there[target]] += count
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))
