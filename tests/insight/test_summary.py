"""The counts add up: each run that reached a step waits there, has gone on, or ended there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.config import Settings
from parcours.core.fact import (
    DeliveryReached,
    Fact,
    LimitReached,
    Moved,
    NotMerged,
    Outcome,
    Unmatched,
    What,
    ZoneUnknown,
)
from parcours.core.totals import OTHER_REASONS, FactCounter
from parcours.insight.summary import (
    EventCount,
    StepCount,
    Summary,
    Tally,
    merge,
)

STEPS = ("bought", "remind", "done")


@dataclass(frozen=True)
class CartOutline:
    name: str = "cart"
    version: int = 1
    steps: Sequence[str] = STEPS


def move(
    what: What, step: str | None = None, *, person: str = "u1", run: int | None = 1, left: str | None = None
) -> Moved:
    return Moved(0, person, "cart", 1, run, step, what, None, left)


def delivery(outcome: Outcome, gate: str | None = None, reason: str | None = None) -> DeliveryReached:
    return DeliveryReached(
        0,
        "u1",
        "cart",
        1,
        1,
        "remind",
        "email",
        "cart-reminder",
        "a@mail.example",
        outcome,
        gate,
        "k",
        reason,
        None,
        1,
        "marketing",
        "cart",
        1,
        None,
    )


def test_what_machines_do_is_counted_apart() -> None:
    opened = delivery("opened")

    counted = summed([opened, msgspec.structs.replace(opened, machine=True)])

    assert counted.channels == {"email": {"machine_opened": 1, "opened": 1}}


def summed(facts: Sequence[Fact], clock_ms: int | None = None) -> Summary:
    tally = Tally([CartOutline()])
    tally.add(facts)
    return tally.summary(EventCount(read=len(facts)), clock_ms)


def test_a_run_is_followed_from_step_to_step() -> None:
    facts = [
        move("entered"), move("reached", "bought"), move("waiting", "bought"),
        move("timed_out", "bought"), move("reached", "remind", left="bought"),
        move("goal"), move("reached", "done", left="remind"), move("ended", "done"),
    ]  # fmt: skip

    count = summed(facts).journeys["cart"]

    assert (count.entered, count.goal) == (1, 1)
    assert count.steps == {
        "bought": StepCount(inflow=1, gone_on=1),
        "remind": StepCount(inflow=1, gone_on=1),
        "done": StepCount(inflow=1, ended=1),
    }


@pytest.mark.parametrize(
    "last, expected",
    [
        (move("waiting", "bought"), StepCount(inflow=1, waiting=1)),
        (move("parked", "bought"), StepCount(inflow=1, waiting=1)),  # it has neither gone on nor ended
        (move("exited", "bought"), StepCount(inflow=1, ended=1)),
        (move("ended", "bought"), StepCount(inflow=1, ended=1)),
    ],
)
def test_a_run_counts_where_it_is_last(last: Moved, expected: StepCount) -> None:
    count = summed([move("entered"), move("reached", "bought"), last]).journeys["cart"]

    assert count.steps["bought"] == expected


def test_steps_that_nobody_reached_are_listed_in_the_order_of_the_document() -> None:
    assert list(summed([]).journeys["cart"].steps) == list(STEPS)


def test_an_entry_that_was_refused_is_no_entry() -> None:
    assert summed([move("not_entered", run=None)]).journeys["cart"].entered == 0


def test_a_second_look_at_the_same_tally_counts_nobody_twice() -> None:
    tally = Tally([CartOutline()])
    tally.add([move("entered"), move("reached", "bought")])

    first = tally.summary(EventCount(), 0)

    assert tally.summary(EventCount(), 0) == first
    assert first.journeys["cart"].steps["bought"].waiting == 1


def test_outcomes_count_by_channel_and_refusals_by_gate() -> None:
    facts = [
        delivery("queued"), delivery("claimed"), delivery("sent"), delivery("opened"),
        delivery("refused", gate="address"),
    ]  # fmt: skip

    summary = summed(facts)

    assert summary.channels == {"email": {"opened": 1, "refused": 1, "sent": 1}}
    assert summary.gates == {"address": 1}


def test_reactions_to_no_delivery_join_the_count_of_events() -> None:
    summary = summed([Unmatched(0, "u1", "opened", "no delivery")], clock_ms=1_767_261_600_000)

    assert summary.events == EventCount(read=1, unmatched=1)
    assert summary.clock == "2026-01-01T10:00:00.000Z"


def test_reasons_limits_and_unknown_zones_are_counted() -> None:
    tally = Tally([])
    tally.add([delivery("failed", reason="550 gone")] * 2 + [delivery("sent")])
    tally.add([delivery("clicked", reason="https://shop.luma.example")])  # a link, and nothing to explain
    tally.add([LimitReached(0, "u1", "traits_bytes_max", "color is too long")])
    tally.add(
        [
            ZoneUnknown(0, "u1", "Mars/Base", "UTC"),
            ZoneUnknown(1, "u2", "Mars/Base", "UTC"),
            ZoneUnknown(2, "u2", "", "UTC"),
        ]
    )

    assert tally.reasons() == Counter({("email", "failed", "550 gone"): 2})
    assert tally.limits() == Counter({"traits_bytes_max": 1})
    assert tally.unknown_zones() == Counter({"Mars/Base": 2, "(personal)": 1})


def test_ids_that_were_not_merged_are_counted_by_call_over_all_people() -> None:
    tally, counter = Tally([]), FactCounter(100, 100)
    facts: list[Fact] = [
        NotMerged(0, "u1", "identify", "a"),
        NotMerged(1, "u2", "identify", "a"),
        NotMerged(2, "u2", "alias", "b"),
    ]
    tally.add(facts)
    counter.add(facts)

    twice = FactCounter(100, 100, counter.totals())
    twice.include(counter.totals())

    assert tally.not_merged() == Counter({"identify": 2, "alias": 1})
    assert twice.totals().not_merged == [("alias", 2), ("identify", 4)]


def test_parked_runs_are_counted_by_step_and_by_reasons_without_a_bound_on_either_sum() -> None:
    tally, counter = Tally([], Settings(reasons_max=20)), FactCounter(100, 20)
    facts: list[Fact] = [Moved(0, "u1", "cart", 1, number, "later", "parked", f"{number}") for number in range(25)]
    tally.add(facts)
    counter.add(facts)

    twice = FactCounter(100, 20, counter.totals())
    twice.include(counter.totals())

    assert tally.summary(EventCount(), None).parked == {"cart": {"later": 25}}
    assert len(tally.parked()) == 21 and tally.parked()["other", "", "other reasons"] == 5
    assert sum(number for _, number in twice.totals().parked) == 50
    assert merge([tally.summary(EventCount(), None)] * 2).parked == {"cart": {"later": 50}}


def test_zones_that_anybody_made_up_are_cut_short_but_counted() -> None:
    tally = Tally([], Settings(reasons_max=20))
    tally.add([ZoneUnknown(0, "u1", f"Mars/{number}", "UTC") for number in range(20 + 7)])

    assert len(tally.unknown_zones()) == 20 + 1
    assert tally.unknown_zones()["other zones"] == 7


def test_a_flood_of_different_reasons_is_cut_short_but_counted() -> None:
    tally = Tally([], Settings(reasons_max=20))
    tally.add([delivery("failed", reason=f"reason {number}") for number in range(20 + 7)])

    reasons = tally.reasons()

    assert reasons["email", "failed", OTHER_REASONS] == 7
    assert reasons.total() == 20 + 7


@st.composite
def histories(draw: st.DrawFn) -> list[list[Moved]]:
    """The moves of some people: runs that take any steps and stop anywhere, in one way or another."""
    people = []
    for person in range(draw(st.integers(0, 6))):
        facts = []
        for run in range(1, draw(st.integers(1, 3)) + 1):
            facts.append(move("entered", person=f"u{person}", run=run))
            at: str | None = None
            for step in draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=5)):
                facts.append(move("reached", step, person=f"u{person}", run=run, left=at))
                at = step
            last: What = draw(st.sampled_from(["waiting", "parked", "exited", "ended"]))
            facts.append(move(last, at, person=f"u{person}", run=run))
        people.append(facts)
    return people


def runs_of(facts: Sequence[Moved]) -> list[list[Moved]]:
    """The moves of each run."""
    runs: dict[tuple[str, int | None], list[Moved]] = {}
    for fact in facts:
        runs.setdefault((fact.person, fact.run), []).append(fact)
    return list(runs.values())


@given(histories())
def test_inflow_is_waiting_and_gone_on_and_ended(people: list[list[Moved]]) -> None:
    facts = [fact for person in people for fact in person]

    count = summed(facts).journeys["cart"]

    assert all(step.inflow == step.waiting + step.gone_on + step.ended for step in count.steps.values())
    assert sum(step.waiting + step.ended for step in count.steps.values()) == count.entered
    assert {name: step.waiting for name, step in count.steps.items() if step.waiting} == Counter(
        last.step for run in runs_of(facts) if (last := run[-1]).what in ("waiting", "parked")
    )


@given(histories(), st.integers(1, 4))
def test_summaries_of_shards_merge_into_the_summary_of_all(people: list[list[Moved]], shards: int) -> None:
    whole = Tally([CartOutline()])
    parts = [Tally([CartOutline()]) for _ in range(shards)]
    for number, facts in enumerate(people):
        whole.add(facts)
        parts[number % shards].add(facts)

    merged = merge(part.summary(EventCount(read=1), 1_000 * number) for number, part in enumerate(parts))

    assert merged == whole.summary(EventCount(read=shards), 1_000 * (shards - 1))


def test_merged_remarks_are_the_sum_of_those_at_each_place() -> None:
    merged = merge(
        [
            Summary(remarks={"cart": {"remind": {"sms": {"it is long": 2, "it is odd": 1}}}}),
            Summary(),
            Summary(remarks={"cart": {"remind": {"sms": {"it is long": 3}}, "ask": {"sms": {"it is odd": 1}}}}),
        ]
    )

    assert merged.remarks == {
        "cart": {"ask": {"sms": {"it is odd": 1}}, "remind": {"sms": {"it is long": 5, "it is odd": 1}}}
    }


def test_merged_channels_are_in_the_order_of_their_names() -> None:
    merged = merge([Summary(channels={"sms": {"sent": 1}}), Summary(channels={"email": {"sent": 2}})])

    assert list(merged.channels) == ["email", "sms"]
    assert merged.clock is None
