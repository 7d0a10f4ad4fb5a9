"""Do funnels say what a program says that tries every chain there is?"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.insight.analyses.made_up import trigger
from tests.insight.analyses.plain_funnel import Fits, PlainFunnel, best_chain, plain_counts

from parcours.insight.analyses.funnel import funnel, matches
from parcours.insight.analyses.happenings import Events, Happening
from parcours.journey.analyses import Funnel, FunnelOrder

CONDITIONS = ("", "event.n > 0", "event.n < 2")

events = st.lists(
    st.builds(
        lambda at, name, n: Happening(at, name, f'{{"n": {n}}}'),
        st.integers(0, 9),
        st.sampled_from("AABBCX"),
        st.integers(0, 2),
    ),
    max_size=9,
).map(lambda drawn: sorted(drawn, key=lambda each: each.at))

wanted = st.tuples(st.sampled_from("ABC"), st.sampled_from(CONDITIONS))
"""A step: its event and its condition. So steps may be equal, and one event may fit several."""


def plain(name: str, condition: str) -> Fits:
    holds = {"": "012", "event.n > 0": "12", "event.n < 2": "01"}[condition]
    return lambda event: event.event == name and str(event.decoded()["n"]) in holds


@pytest.mark.parametrize("order", ["strict", "next", "any"])
@settings(max_examples=300)
@given(
    units=st.lists(events, min_size=1, max_size=8),
    steps=st.lists(wanted, min_size=1, max_size=4),
    exclude=st.lists(st.tuples(st.sampled_from("AX"), st.sampled_from(CONDITIONS)), max_size=1),
    within_ms=st.none() | st.integers(0, 9),
    bounds=st.dictionaries(st.integers(2, 4), st.integers(0, 6), max_size=2),
)
def test_the_best_of_all_chains_is_found(
    order: FunnelOrder,
    units: list[list[Happening]],
    steps: list[tuple[str, str]],
    exclude: list[tuple[str, str]],
    within_ms: int | None,
    bounds: dict[int, int],
) -> None:
    step_within_ms = {} if order == "any" else {step: each for step, each in bounds.items() if step <= len(steps)}
    asked = Funnel(
        name="f",
        steps=tuple(trigger(" ".join(each).strip()) for each in steps),
        order=order,
        within_ms=within_ms,
        exclude=tuple(trigger(" ".join(each).strip()) for each in exclude),
        step_within_ms=step_within_ms,
    )
    other = PlainFunnel(
        [plain(*each) for each in steps], order, within_ms, [plain(*each) for each in exclude], step_within_ms
    )

    found = {match.unit.unit: match.chain for match in matches(asked, as_units(units))}

    expected = {number: best_chain(other, each) for number, each in enumerate(units)}
    assert found == {number: chain for number, chain in expected.items() if chain}
    counted = funnel(asked, as_units(units)).steps
    assert [
        {"reached": each.reached, "lost": each.lost, "lost_to": each.lost_to, "median_ms": each.median_ms}
        for each in counted
    ] == plain_counts(other, units)


def as_units(units: Sequence[Sequence[Happening]]) -> list[Events]:
    return [Events("ana", number, each) for number, each in enumerate(units)]
