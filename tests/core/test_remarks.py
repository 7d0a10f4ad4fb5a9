"""Remarks are counted exactly, in bounded memory, and the same however deliveries are divided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.core.remarks import OTHER_REMARKS, RemarkCounter, RemarkCounts
from parcours.wording import SHOWN_MAX

Remarked = tuple[str, tuple[str, ...]]
"""(step, the remarks on one delivery)"""

STEPS = st.sampled_from(["ask", "remind"])
DELIVERIES = st.lists(
    st.tuples(STEPS, st.lists(st.text("abc", min_size=1, max_size=2), max_size=3).map(tuple)), max_size=40
)


def counted(deliveries: Sequence[Remarked], most: int) -> RemarkCounts:
    counter = RemarkCounter(most)
    for step, remarks in deliveries:
        counter.add("j", step, "sms", remarks)
    return counter.counts()


@given(DELIVERIES, st.integers(1, 7), st.integers(1, 4), st.randoms(use_true_random=False))
def test_counts_of_parts_add_up_to_those_of_the_whole(
    deliveries: list[Remarked], parts: int, most: int, chance: Random
) -> None:
    whole = counted(deliveries, most)
    together = RemarkCounter(most)
    shuffled = list(deliveries)
    chance.shuffle(shuffled)

    for part in range(parts):
        together.include(counted(shuffled[part::parts], most))

    assert together.counts() == whole


@given(DELIVERIES, st.integers(1, 4))
def test_the_first_remarks_of_a_step_are_counted_exactly_and_no_delivery_is_lost(
    deliveries: list[Remarked], most: int
) -> None:
    exact = Counter((step, remark) for step, remarks in deliveries for remark in set(remarks))

    found = {(step, remark): times for (_, step, _, remark), times in counted(deliveries, most)}

    for step in ("ask", "remind"):
        there = sorted(remark for of, remark in exact if of == step)
        apart = {remark: exact[step, remark] for remark in there[:most]}
        beyond = sum(exact[step, remark] for remark in there[most:])
        expected = {**apart, **({OTHER_REMARKS: beyond} if beyond else {})}
        assert {remark: times for (of, remark), times in found.items() if of == step} == expected


def test_a_channel_that_words_every_remark_anew_takes_no_more_memory() -> None:
    counts = counted([("ask", (f"{number:05} letters",)) for number in reversed(range(10_000))], 3)

    assert counts == [
        (("j", "ask", "sms", "00000 letters"), 1),
        (("j", "ask", "sms", "00001 letters"), 1),
        (("j", "ask", "sms", "00002 letters"), 1),
        (("j", "ask", "sms", OTHER_REMARKS), 9_997),
    ]


def test_a_step_with_many_remarks_takes_no_room_from_another_one() -> None:
    counts = counted([("ask", ("a", "b", "c", "d")), ("remind", ("z",))], 2)

    assert (("j", "remind", "sms", "z"), 1) in counts


@pytest.mark.parametrize(
    "remark, shown",
    [
        ("x" * 100_000, "x" * SHOWN_MAX + "..."),
        ("half \ud83d of a pair", "half \ufffd of a pair"),  # which no file could hold
    ],
)
def test_a_remark_is_kept_in_a_form_that_travels(remark: str, shown: str) -> None:
    counts = counted([("ask", (remark,))], 2)

    assert counts == [(("j", "ask", "sms", shown), 1)]
    assert msgspec.json.decode(msgspec.json.encode(counts), type=RemarkCounts) == counts
