"""Promises of merging, over people with any past: no run is lost or doubled, no withdrawal is lost, nothing leaks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final, Literal

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.conftest import Story
from tests.core.test_merging import merge, two

from parcours.core.fact import Merged
from parcours.core.profile import Profile, Run, encode_profile
from parcours.core.totals import FactCounter

JOURNEYS: Final = """
{journey: trip, entry: {event: Start}, correlation: event.cart, goal: {event: Bought, within: 7d},
 exit: [{event: Left}], steps: [{id: mail, send: mail, channels: [email]}, {id: rest, wait: 1h}]}
---
{journey: tour, entry: {event: Seen}, reentry: {after: 2h},
 steps: [{id: rest, wait: 30m}, {id: told, send: receipt, channels: [email]}]}
"""

AUDIENCES: Final = "{romans: profile.city == 'Rome', buyers: 'count(\"Bought\", \"90d\") > 0'}"

CANARY: Final = "canary"

MINUTE: Final = 60_000

Kind = Literal["Start", "Bought", "Left", "Seen", "identify", "grant", "withdraw", "claim", "send"]


@dataclass(frozen=True)
class Act:
    after: int
    kind: Kind
    cart: str


acts = st.lists(
    st.builds(
        Act,
        st.integers(1, 90),
        st.sampled_from(["Start", "Start", "Bought", "Left", "Seen", "identify", "grant", "withdraw", "claim", "send"]),
        st.sampled_from(["a", "b", CANARY]),
    ),
    max_size=12,
)


def live(story: Story, past: list[Act], address: str) -> int:
    """Let somebody live this past, from the first minute on; when it is over."""
    at = 1
    ids: dict[str, object] = (
        {} if not story.person.startswith("@") else {"userId": None, "anonymousId": story.person[11:]}
    )
    story.call(at, type="identify", traits={"email": address}, **ids)
    for act in past:
        at += act.after * MINUTE
        match act.kind:
            case "identify":
                story.call(at, type="identify", traits={"city": "Rome"}, **ids)
            case "grant" | "withdraw":
                story.consent(at, "email", granted=act.kind == "grant")
            case "claim":
                story.claim(at)
            case "send":
                story.send(at)
            case _:
                properties = {"cart": act.cart, "page": CANARY}
                story.call(at, type="track", event=act.kind, properties=properties, **ids)
    return at


def all_runs(profile: Profile) -> list[Run]:
    return [*profile.runs, *profile.past]


def waiting(profile: Profile) -> Counter[tuple[str, int, str]]:
    return Counter((run.journey, run.version, run.step) for run in profile.runs if run.step is not None)


def told_waiting(story: Story) -> Counter[tuple[str, int, str]]:
    counter = FactCounter(1_000, 1_000)
    counter.add(story.facts)
    counts = {step: inflow - on - ended for step, (inflow, on, ended) in counter.totals().steps}
    return Counter({step: number for step, number in counts.items() if number})


@settings(max_examples=60, deadline=None)
@given(acts, acts, st.sampled_from(["used", "unused"]))
def test_the_sums_hold_and_no_run_or_key_is_there_twice(
    own: list[Act], theirs: list[Act], use: Literal["used", "unused"]
) -> None:
    known, other = two(JOURNEYS, use, AUDIENCES)
    at = max(live(known, own, "s@x.example"), live(other, theirs, "a@x.example")) + 1
    before = known.profile.counts, other.profile.counts

    effects = merge(known, other, at)

    profile = known.profile
    assert told_waiting(known) == waiting(profile)
    assert Counter(profile.counts) == Counter(before[0]) + Counter(before[1])
    numbers = [(run.journey, run.number) for run in all_runs(profile)]
    keys = [delivery.key for run in all_runs(profile) for delivery in run.deliveries]
    assert len(set(numbers)) == len(numbers) and len(set(keys)) == len(keys)
    by_number = {(run.journey, run.number): run for run in all_runs(profile)}
    assert {key for key, _ in effects.moved} <= set(keys)
    for key, outgoing in known.outbox.items():
        assert key in [each.key for each in by_number[outgoing.journey, outgoing.run].deliveries]


@settings(max_examples=40, deadline=None)
@given(acts, st.sampled_from(["used", "unused"]))
def test_joining_the_empty_person_changes_nothing_but_names(own: list[Act], use: Literal["used", "unused"]) -> None:
    known, other = two(JOURNEYS, use, AUDIENCES)
    at = live(known, own, "s@x.example") + 1
    known.wait(at)
    before = known.profile

    effects = merge(known, other, at)

    after = known.profile
    before.identity = after.identity = None
    after.timers = [timer for timer in after.timers if timer.kind != "names"]
    after.sequence -= 1
    assert encode_profile(after) == encode_profile(before)
    assert [type(fact) for fact in effects.facts] == [Merged]


def in_common(profile: Profile) -> object:
    """What does not depend on the order in which two were merged."""
    runs = sorted((run.journey, str(run.origin), run.step or "", run.ended_at or 0) for run in all_runs(profile))
    return (
        profile.traits,
        sorted(profile.consents.items()),
        sorted(profile.counts.items()),
        sorted(profile.audiences.items()),
        sorted((each.at, each.key) for each in profile.reservations),
        sorted((key, each.times, sorted(each.values)) for key, each in profile.series.items()),
        sorted((timer.due, timer.kind, timer.journey, timer.key) for timer in profile.timers),
        runs,
    )


@settings(max_examples=40, deadline=None)
@given(acts, acts, acts)
def test_the_order_in_which_two_are_merged_into_somebody_does_not_matter(
    own: list[Act], first: list[Act], second: list[Act]
) -> None:
    results = []
    for backwards in (False, True):
        known, one = two(JOURNEYS.replace("correlation: event.cart, ", "").replace("reentry: {after: 2h},", ""))
        _, another = two(JOURNEYS)
        another.person, another.program = "@anonymous/9b", one.program
        # Two open runs of one journey would depend on which comes first: each person is in another one.
        others = [act for act in second if act.kind not in ("Start", "Seen")]
        at = max(live(known, own, "s@x.example"), live(one, first, "s@x.example"), live(another, others, "s@x.example"))
        for story in (another, one) if backwards else (one, another):
            merge(known, story, at + 1, story.person)
        results.append(in_common(known.profile))

    assert results[0] == results[1]


@settings(max_examples=60, deadline=None)
@given(acts, acts, st.sampled_from(["used", "unused"]))
def test_no_withdrawal_is_lost(own: list[Act], theirs: list[Act], use: Literal["used", "unused"]) -> None:
    known, other = two(JOURNEYS, use, AUDIENCES)
    at = max(live(known, own, "s@x.example"), live(other, theirs, "a@x.example")) + 1
    withdrawn = False in (known.profile.consents.get("email"), other.profile.consents.get("email"))
    known.ready, other.ready = [], []

    merge(known, other, at)

    assert (known.profile.consents.get("email") is False) == withdrawn
    if withdrawn:
        known.ready = list(known.outbox)
        claimed = known.claim(at + 1)
        assert all(known.outbox[key].message_class == "transactional" for key in claimed)


@settings(max_examples=60, deadline=None)
@given(acts, acts)
def test_no_value_of_an_unused_event_is_kept_or_told(own: list[Act], theirs: list[Act]) -> None:
    known, other = two(JOURNEYS, "unused", AUDIENCES)
    mine = [Act(act.after, act.kind, "a") for act in own if act.kind in ("identify", "grant", "withdraw", "claim")]
    at = max(live(known, mine, "s@x.example"), live(other, theirs, "a@x.example")) + 1

    effects = merge(known, other, at)

    assert CANARY not in str(known.profile.past) + str(known.profile)
    assert CANARY not in str(effects.facts)
    assert not any(CANARY in str(outgoing.context) for key, outgoing in known.outbox.items() if key in known.ready)
