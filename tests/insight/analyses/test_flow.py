"""What lies before and after an anchor, case by case, and as a second program counts it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.insight.analyses.made_up import person, trigger

from parcours.insight.analyses.flow import flow, paths
from parcours.insight.analyses.happenings import Events
from parcours.journey.analyses import Flow


def asked(anchor: str = "O", before: int = 2, after: int = 1, most: int = 8, **more: Any) -> Flow:
    return Flow(name="f", anchor=trigger(anchor), before=before, after=after, most=most, **more)


@pytest.mark.parametrize(
    "flow_asked, events, expected",
    [
        (asked(), "A0 B1 C2 O3 D4 E5", ["B C O D"]),
        (asked(), "O0", ["(start) (start) O (end)"]),
        (asked(), "A0 O1", ["(start) A O (end)"]),
        (asked(), "A0 B1", []),
        (asked(), "A0 O1 B2 O3", ["(start) A O B"]),
        (asked(which="last"), "A0 O1 B2 O3", ["O B O (end)"]),
        (asked(which="every"), "A0 O1 B2 O3", ["(start) A O B", "O B O (end)"]),
        (asked("O event.n > 1"), "O0:1 O1:2", ["(start) O O (end)"]),
        (asked(ignore=frozenset("X")), "A0 X1 B2 X3 O4 X5 C6", ["A B O C"]),
        (asked(ignore=frozenset("O")), "A0 O1", []),  # as if it had not happened
        (asked(collapse=True), "A0 A1 B2 B3 O4 O5 C6", ["A B O C"]),
        (asked(collapse=True, which="every"), "A0 O1 O2 B3 O4", ["(start) A O B", "O B O (end)"]),
        (asked(collapse=True, ignore=frozenset("X")), "A0 X1 A2 O3", ["(start) A O (end)"]),
        (asked(key="n"), "A0:1 B1 O2:1", ["1 (missing) 1 (end)"]),
        (asked(key="n", collapse=True), "A0:1 B1:2 O2:2 C3", ["(start) 1 2 (missing)"]),
        (asked(before=0, after=0), "A0 O1", ["O"]),
    ],
)
def test_an_occurrence_takes_a_node_in_each_column(flow_asked: Flow, events: str, expected: list[str]) -> None:
    assert [" ".join(path) for path in paths(flow_asked, [person(events)])] == expected


def test_the_most_frequent_are_named_and_the_others_are_together() -> None:
    units = [person(each) for each in ("B0 O1", "A0 O1", "C0 O1", "C0 O1", "O1", "D0 O1")]

    result = flow(asked(before=1, after=0, most=2), units)

    assert msgspec.json.encode(result).decode() == (
        '{"columns":[{"offset":-1,"nodes":{"C":2,"A":1,"(other)":2,"(start)":1}},{"offset":0,"nodes":{"O":6}}],'
        '"links":[{"offset":-1,"from":"(other)","to":"O","count":2},{"offset":-1,"from":"C","to":"O","count":2},'
        '{"offset":-1,"from":"(start)","to":"O","count":1},{"offset":-1,"from":"A","to":"O","count":1}]}'
    )


def plain_paths(flow_asked: Flow, unit: Events) -> list[tuple[str, ...]]:
    """Lay the whole unit out between long borders, and cut each occurrence out of it."""
    nodes = [
        (each.event if flow_asked.key is None else str(each.decoded().get("n", "(missing)")), each.event == "O")
        for each in unit.happenings
        if each.event not in flow_asked.ignore
    ]
    if flow_asked.collapse:
        runs = [(name, [is_anchor for _, is_anchor in run]) for name, run in groupby(nodes, key=lambda each: each[0])]
    else:
        runs = [(name, [is_anchor]) for name, is_anchor in nodes]
    line = ["(start)"] * 9 + [name for name, _ in runs] + ["(end)"] * 9
    found = [place + 9 for place, (_, anchors) in enumerate(runs) if any(anchors)]
    which = {"first": found[:1], "last": found[-1:], "every": found}[flow_asked.which]
    return [tuple(line[place - flow_asked.before : place + flow_asked.after + 1]) for place in which]


def plain_names(column: Counter[str], most: int) -> dict[str, str]:
    ends = ("(start)", "(end)")
    ranked = sorted((name for name in column if name not in ends), key=lambda name: (-column[name], name))
    return {name: name if name in ends or name in ranked[:most] else "(other)" for name in column}


@settings(max_examples=400)
@given(
    units=st.lists(st.lists(st.tuples(st.sampled_from("ABOX"), st.none() | st.integers(0, 2)), max_size=9), max_size=6),
    before=st.integers(0, 3),
    after=st.integers(0, 3),
    most=st.integers(1, 3),
    which=st.sampled_from(["first", "last", "every"]),
    key=st.sampled_from([None, "n"]),
    collapse=st.booleans(),
    ignore=st.frozensets(st.sampled_from("AX")),
)
def test_a_second_program_counts_the_same_and_it_adds_up(
    units: Sequence[Sequence[tuple[str, int | None]]], most: int, **more: Any
) -> None:
    flow_asked = asked(most=most, **more)
    rows = [
        person(" ".join(f"{name}{at}" + ("" if n is None else f":{n}") for at, (name, n) in enumerate(each)))
        for each in units
    ]

    result = flow(flow_asked, rows)

    drawn = [path for row in rows for path in plain_paths(flow_asked, row)]
    width = flow_asked.before + flow_asked.after + 1
    names = [plain_names(Counter(path[column] for path in drawn), most) for column in range(width)]
    renamed = [tuple(names[column][name] for column, name in enumerate(path)) for path in drawn]
    assert [column.nodes for column in result.columns] == [
        dict(Counter(path[column] for path in renamed)) for column in range(width)
    ]
    assert {(each.offset, each.origin, each.target): each.count for each in result.links} == Counter(
        (column - flow_asked.before, path[column], path[column + 1]) for path in renamed for column in range(width - 1)
    )
    for column in result.columns:
        assert sum(column.nodes.values()) == len(drawn)
    for column in result.columns[1:-1]:
        for node, count in column.nodes.items():
            assert count == sum(
                each.count for each in result.links if (each.offset, each.origin) == (column.offset, node)
            )
            assert count == sum(
                each.count for each in result.links if (each.offset + 1, each.target) == (column.offset, node)
            )
