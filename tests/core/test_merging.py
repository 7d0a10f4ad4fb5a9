"""What comes of two people who become one: a table a rule, and the example of the documentation minute by minute."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import msgspec
import pytest
from tests.core.conftest import Story, project_of

from parcours.channel import Accepted, NotSent
from parcours.config import Settings
from parcours.core.advance import advance
from parcours.core.effect import Effects
from parcours.core.fact import Changed, DeliveryReached, Merged, Moved, RunMerged
from parcours.core.input import MembershipSaved, PersonJoined, SuppressionChanged
from parcours.core.profile import Origin, Profile, Reservation, decode_profile, encode_profile, is_empty
from parcours.core.series_entries import SeriesEntries

MINUTE = 60_000
HOUR = 60 * MINUTE

ANONYMOUS = "@anonymous/7f3a"

WAITS = (
    "{journey: trip, entry: {event: Start}, steps: [{id: rest, wait: 1h}, {id: mail, send: mail, channels: [email]}]}"
)
SENDS = (
    "{journey: trip, entry: {event: Start}, steps: [{id: mail, send: mail, channels: [email]}, {id: rest, wait: 1d}]}"
)
BY_CART = f"{WAITS[:-1]}, correlation: event.cart}}"

Use = Literal["used", "unused"]


def two(
    journeys: str, use: Use = "used", audiences: str = "", policies: str = "", **settings: int
) -> tuple[Story, Story]:
    """Somebody known, and an anonymous person, under the same journeys."""
    program = replace(project_of(journeys, policies, audiences).program, anonymous_history=use)
    made = Settings(**settings)
    return Story(program, made, person="sarah"), Story(program, made, person=ANONYMOUS)


def anonymous(story: Story, at: int, name: str, **properties: object) -> None:
    story.call(at, userId=None, anonymousId="7f3a", type="track", event=name, properties=properties)


def merge(known: Story, other: Story, at: int, name: str = ANONYMOUS) -> Effects:
    """Merge one story into the other, as a shard in which both live does it."""
    other.wait(at)
    known.wait(at)
    profile = known.profile
    given = PersonJoined(at, name, "identify", other.profile)
    effects = advance(known.person, profile, given, known.program, known.settings)
    known.state = encode_profile(profile)
    known.facts += other.facts + effects.facts
    moved = dict(effects.moved)
    for key, outgoing in other.outbox.items():
        if key in moved:
            known.outbox[key] = msgspec.structs.replace(outgoing, person=known.person, run=moved[key])
    known.outbox.update({outgoing.key: outgoing for outgoing in effects.queued})
    for key in effects.settled:
        known.outbox.pop(key, None)
    known.ready += [key for key in (*other.ready, *effects.ready) if key in known.outbox]
    return effects


def merged(effects: Effects) -> Merged:
    (found,) = [fact for fact in effects.facts if isinstance(fact, Merged)]
    return found


# What is joined


@pytest.mark.parametrize(
    "own, theirs, use, joined",
    [
        ({"city": "Oslo"}, {"city": "Rome"}, "used", {"city": "Oslo"}),  # hers wins
        ({}, {"city": "Rome"}, "used", {"city": "Rome"}),  # the other's fills
        ({}, {"colour": "red"}, "used", {"colour": "red"}),  # an undeclared one as well
        ({}, {"city": "Rome", "colour": "red"}, "unused", {"city": "Rome"}),  # or only declared ones
        ({"home": {"floor": 2}}, {"home": {"city": "Rome"}}, "used", {"home": {"floor": 2, "city": "Rome"}}),
        ({}, {"home": {"city": "Rome", "pin": 1}}, "unused", {"home": {"city": "Rome"}}),
        ({"home": "here"}, {"home": {"city": "Rome"}}, "unused", {"home": "here"}),  # nothing is in the way of hers
        ({"home": {"city": None}}, {"home": {"city": "Rome"}}, "used", {"home": {"city": "Rome"}}),  # null lacks
    ],
)
def test_traits_fill_what_the_known_person_lacks(
    own: dict[str, object], theirs: dict[str, object], use: Use, joined: dict[str, object]
) -> None:
    known, other = two(WAITS, use)
    known.state, other.state = encode_profile(Profile(traits=own)), encode_profile(Profile(traits=theirs))

    merge(known, other, 10)

    assert known.profile.traits == joined


def test_undeclared_traits_that_find_no_room_are_dropped_and_told() -> None:
    known, other = two(WAITS, traits_bytes_max=30)
    known.state = encode_profile(Profile(traits={"a": "x" * 15}))
    other.state = encode_profile(Profile(traits={"b": "y" * 15, "city": "Rome"}))

    effects = merge(known, other, 10)

    assert known.profile.traits == {"a": "x" * 15, "city": "Rome"}
    assert "traits_bytes_max" in [getattr(fact, "setting", None) for fact in effects.facts]


CART = "email\0cart"


@pytest.mark.parametrize(
    "own, theirs, used, unused",
    [
        ({"email": True}, {"email": False}, {"email": False}, {"email": False}),
        ({"email": False}, {"email": True}, {"email": False}, {"email": False}),
        ({}, {"email": True}, {"email": True}, {}),  # nobody's grant on a shared device becomes hers
        ({"email": True}, {CART: False}, {"email": True, CART: False}, {"email": True, CART: False}),
        ({CART: True}, {"email": False}, {CART: False, "email": False}, {CART: False, "email": False}),
        ({"email": False}, {CART: True}, {"email": False, CART: False}, {"email": False, CART: False}),
        ({}, {"email": False, CART: True}, {"email": False, CART: True}, {"email": False}),
        ({"email": True}, {"email": False, CART: True}, {"email": False, CART: True}, {"email": False, CART: True}),
    ],
)
def test_a_withdrawal_by_either_is_withdrawn(
    own: dict[str, bool], theirs: dict[str, bool], used: dict[str, bool], unused: dict[str, bool]
) -> None:
    expected: tuple[tuple[Use, dict[str, bool]], ...] = (("used", used), ("unused", unused))
    for use, joined in expected:
        known, other = two(WAITS, use)
        known.state, other.state = encode_profile(Profile(consents=own)), encode_profile(Profile(consents=theirs))

        merge(known, other, 10)

        assert known.profile.consents == joined, use


@pytest.mark.parametrize("use", ["used", "unused"])
def test_dead_addresses_are_those_of_both_and_the_others_are_forgotten_first(use: Use) -> None:
    known, other = two(WAITS, use, suppressed_addresses_max=2)
    known.give(SuppressionChanged(1, "email", "a@x.example", suppressed=True))
    for address in ("b@x.example", "c@x.example"):
        other.give(SuppressionChanged(2, "email", address, suppressed=True))

    merge(known, other, 10)

    assert list(known.profile.suppressed["email"]) == ["c@x.example", "a@x.example"]


@pytest.mark.parametrize("use, times", [("used", [1, 2, 3]), ("unused", [2])])
def test_histories_are_joined_by_time_where_they_are_used(use: Use, times: list[int]) -> None:
    known, other = two(WAITS, use)
    own, theirs = SeriesEntries(), SeriesEntries()
    own.add(2, 20.0)
    theirs.add(1, 10.0)
    theirs.add(3, 30.0)
    known.state, other.state = encode_profile(Profile(series={"s": own})), encode_profile(Profile(series={"s": theirs}))

    merge(known, other, 10)

    entries = known.profile.series["s"]
    assert [entries.time(index) for index in range(len(entries))] == times
    assert entries.total(0, len(entries)) == sum(10 * time for time in times)


@pytest.mark.parametrize(
    "own, theirs, window",
    [
        (({"j": 1}, 100), ({"j": 1}, 60), 60),  # the smaller
        (({"j": 1}, 100), ({}, 0), 100),  # whoever had no run was sent nothing
        (({}, 0), ({"j": 1}, 60), 60),
    ],
)
def test_reservations_are_joined_by_time_for_the_window_that_both_cover(
    own: tuple[dict[str, int], int], theirs: tuple[dict[str, int], int], window: int
) -> None:
    known, other = two(WAITS)
    late, early = Reservation(5, "k1", "email", "cart"), Reservation(3, "k2", "email", "cart")
    known.state = encode_profile(Profile(counts=own[0], reserved_ms=own[1], reservations=[late]))
    other.state = encode_profile(Profile(counts=theirs[0], reserved_ms=theirs[1], reservations=[early]))

    merge(known, other, 10)

    assert (known.profile.reserved_ms, known.profile.reservations) == (window, [early, late])


def test_an_audience_is_looked_at_again_and_what_changes_counts() -> None:
    journeys = "{journey: trip, entry: {audience: romans}, steps: [{id: rest, wait: 1d}]}"
    known, other = two(journeys, audiences="{romans: profile.city == 'Rome', fans: profile.score > 5}")
    known.identify(1, name="Sarah")
    other.state = encode_profile(Profile(traits={"city": "Rome"}, audiences={"romans": True, "fans": True}))

    effects = merge(known, other, 10)

    assert known.profile.audiences == {"romans": True, "fans": False}  # the other's lapse, and nobody has left
    assert [each.what for each in effects.facts if isinstance(each, Moved)] == ["entered", "reached", "waiting"]


@pytest.mark.parametrize("use", ["used", "unused"])
@pytest.mark.parametrize("inside", ["sarah", ANONYMOUS, "both", "nobody"])
def test_a_saved_audience_has_her_if_it_had_either(use: Use, inside: str) -> None:
    journeys = "{journey: trip, entry: {audience: best}, steps: [{id: rest, wait: 1d}]}"
    known, other = two(journeys, use, audiences="{best: {saved: true}, treated: 'in_audience(\"best\")'}")
    known.identify(1, name="Sarah")
    anonymous(other, 1, "Seen")
    for story in (known, other):
        if inside in (story.person, "both"):
            story.give(MembershipSaved(2, "best", True, silent=True))

    effects = merge(known, other, 10)

    assert known.profile.audiences == ({"treated": inside != "nobody"} | ({} if inside == "nobody" else {"best": True}))
    entered = ["best", "treated"] if inside == ANONYMOUS else []
    assert [each.name for each in effects.facts if isinstance(each, Changed) and each.what == "audience"] == entered
    moves = ["entered", "reached", "waiting"] if inside == ANONYMOUS else []
    assert [each.what for each in effects.facts if isinstance(each, Moved)] == moves


def test_nothing_of_the_past_starts_or_moves_anything() -> None:
    known, other = two("{journey: trip, entry: {event: Start}, goal: {event: Bought}, steps: [{id: on, wait: 1d}]}")
    known.event(1, "Start")
    anonymous(other, 2, "Bought")

    merge(known, other, 10)

    assert [run.goal_at for run in known.profile.runs] == [None]
    assert known.profile.counts == {"trip": 1}


def test_the_names_of_both_are_hers_and_she_is_identified() -> None:
    known, other = two(WAITS)

    merge(known, other, 10 * 24 * HOUR)

    identity = known.profile.identity
    assert identity is not None and identity.identified
    assert identity.names == {ANONYMOUS: 10}


# Which runs go on


def test_a_run_goes_on_where_it_stands_under_the_next_number_and_keeps_its_origin() -> None:
    known, other = two(WAITS)
    for at in (1, 2 * HOUR, 4 * HOUR):
        known.event(at, "Start")
    anonymous(other, 10 * HOUR, "Start")

    effects = merge(known, other, 10 * HOUR + MINUTE)

    (run,) = known.profile.runs
    assert (run.number, run.origin, run.step) == (4, Origin(ANONYMOUS, 1), "rest")
    assert merged(effects).runs == (RunMerged("trip", 1, 1, 4, None, "rest"),)
    known.wait(12 * HOUR)
    assert known.moves("reached")[-1][1] == "mail"


REFUSED = {
    "exit_audience": f"{WAITS[:-1]}, exit: [{{audience: staff}}]}}",
    "already_in": WAITS,
    "too_soon": f"{WAITS[:-1]}, reentry: never}}",
    "open_runs_max": WAITS,
}


@pytest.mark.parametrize("why", REFUSED)
def test_an_arriving_run_ends_by_the_first_rule_that_objects(why: str) -> None:
    audiences = "{staff: profile.city == 'Work'}"
    known, other = two(REFUSED[why], audiences=audiences, open_runs_max=1 if why == "open_runs_max" else 9)
    anonymous(other, 5 * HOUR, "Start")
    if why == "exit_audience":
        known.identify(1, city="Work")
    elif why == "already_in":
        known.event(5 * HOUR, "Start")
    elif why == "too_soon":
        known.event(1, "Start").wait(2 * HOUR)
    else:
        known.program = replace(
            project_of(f"{WAITS}\n---\n{WAITS.replace('trip', 'tour').replace('Start', 'Seen')}").program,
            anonymous_history="used",
        )
        known.event(5 * HOUR, "Seen", cart="c")

    effects = merge(known, other, 5 * HOUR + MINUTE)

    assert [(run.to, run.why) for run in merged(effects).runs] == [(None, why)]
    ended = [fact for fact in effects.facts if isinstance(fact, Moved) and fact.what == "ended"]
    assert [(fact.person, fact.run, fact.why) for fact in ended] == [(ANONYMOUS, 1, f"merged: {why}")]
    assert not [run for run in known.profile.runs if run.origin is not None]


@pytest.mark.parametrize(
    "own_end, entry, goes_on",
    [
        (2 * HOUR, 2 * HOUR + 30 * MINUTE, False),  # within the pause after it
        (2 * HOUR, 3 * HOUR, True),  # at exactly its end
        (9 * HOUR, 3 * HOUR, True),  # hers had not ended by then
    ],
)
def test_only_a_run_that_had_ended_by_the_entry_would_have_refused_it(own_end: int, entry: int, goes_on: bool) -> None:
    known, other = two(f"{WAITS.replace('1h', '9h')[:-1]}, reentry: {{after: 1h}}, exit: [{{event: Left}}]}}")
    known.event(1, "Start").event(own_end, "Left")
    anonymous(other, entry, "Start")

    effects = merge(known, other, 10 * HOUR)

    assert [run.to is not None for run in merged(effects).runs] == [goes_on]


def test_a_run_of_another_correlation_goes_on_beside_hers() -> None:
    known, other = two(BY_CART)
    known.event(1, "Start", cart="a")
    anonymous(other, 2, "Start", cart="a")
    anonymous(other, 3, "Start", cart="b")

    effects = merge(known, other, 10)

    assert [(run.number, run.to, run.why) for run in merged(effects).runs] == [(1, None, "already_in"), (2, 3, None)]


# Deliveries


def test_what_is_queued_moves_with_its_key_and_leaves_as_hers() -> None:
    known, other = two(SENDS)
    other.call(1, userId=None, anonymousId="7f3a", type="identify", traits={"email": "a@x.example"})
    anonymous(other, 3, "Start")
    (key,) = other.outbox

    effects = merge(known, other, 10)

    assert effects.moved == ((key, 1),)
    assert (known.outbox[key].person, known.outbox[key].to) == ("sarah", "a@x.example")
    assert known.send(20) == [key]
    assert known.outcomes()[-1] == (20, "mail", "sent")


def test_what_is_queued_asks_its_gates_as_hers_at_the_claim() -> None:
    known, other = two(SENDS)
    known.consent(1, "email", granted=False)
    other.call(1, userId=None, anonymousId="7f3a", type="identify", traits={"email": "a@x.example"})
    anonymous(other, 3, "Start")

    merge(known, other, 10)

    assert known.send(20) == []
    assert known.gates()[-1][2:] == ("refused", "consent")


def test_a_claimed_delivery_finishes_with_its_run() -> None:
    known, other = two(SENDS)
    other.call(1, userId=None, anonymousId="7f3a", type="identify", traits={"email": "a@x.example"})
    anonymous(other, 3, "Start")
    (key,) = other.claim(5)

    merge(known, other, 10)
    known.answer(20, Accepted(key))

    (run,) = known.profile.runs
    assert [each.state for each in run.deliveries] == ["sent"]


# What was before is not used


def test_unused_ends_every_run_and_cancels_what_is_queued() -> None:
    known, other = two(SENDS, "unused")
    other.call(1, userId=None, anonymousId="7f3a", type="identify", traits={"email": "a@x.example"})
    anonymous(other, 3, "Start")

    effects = merge(known, other, 10)

    assert effects.moved == () and known.outbox == {}
    assert [run.why for run in merged(effects).runs] == ["unused"]
    told = [fact for fact in effects.facts if isinstance(fact, Moved | DeliveryReached)]
    assert {(fact.person, fact.run) for fact in told} == {(ANONYMOUS, 1)}
    assert known.profile.runs == [] and known.profile.counts == {"trip": 1}


def test_unused_lets_a_claimed_delivery_finish_but_tries_none_again() -> None:
    known, other = two(SENDS, "unused")
    other.call(1, userId=None, anonymousId="7f3a", type="identify", traits={"email": "a@x.example"})
    anonymous(other, 3, "Start")
    (key,) = other.claim(5)
    assert merge(known, other, 10).moved == ((key, 1),)

    known.answer(20, NotSent(key, "busy"))

    last = [fact for fact in known.facts if isinstance(fact, DeliveryReached)][-1]
    assert (last.person, last.outcome, last.reason) == ("sarah", "failed", "merged")


def test_unused_counts_ended_runs_for_reentry_and_credits_no_goal() -> None:
    journey = f"{WAITS[:-1]}, reentry: never, goal: {{event: Bought, within: 7d}}}}"
    known, other = two(journey, "unused")
    anonymous(other, 1, "Start", cart="c")
    merge(known, other, 2 * HOUR)

    known.event(3 * HOUR, "Bought").event(4 * HOUR, "Start")

    assert "goal" not in [what for what, _, _ in known.moves()]
    assert known.moves("not_entered")[-1][2] == "too_soon"


def test_the_example_minute_by_minute() -> None:
    journey = f"{WAITS[:-1]}, exit: [{{event: Bought}}]}}"
    known, other = two(journey)
    for at in range(3):
        known.event(at * 3 * HOUR + 1, "Start")
    ten = 10 * HOUR
    anonymous(other, ten, "Start", total=80)

    effects = merge(known, other, ten + 20 * MINUTE)
    assert merged(effects).runs == (RunMerged("trip", 1, 1, 4, None, "rest"),)
    assert [timer.due for timer in known.profile.timers if timer.kind != "names"] == [ten + HOUR]

    known.event(ten + 40 * MINUTE, "Bought")
    assert known.told("exited") == [(ten + 40 * MINUTE, "trip", 4, "Bought")]
    assert known.profile.runs == []


def test_the_past_of_both_is_remembered_under_different_numbers() -> None:
    known, other = two(WAITS)
    known.event(1, "Start")
    anonymous(other, 1, "Start")

    merge(known, other, 3 * HOUR)

    assert sorted(run.number for run in known.profile.past) == [1, 2]
    assert known.profile.counts == {"trip": 2}


def test_a_forwarding_address_is_no_empty_profile_and_a_person_without_names_costs_a_byte() -> None:
    known, other = two(WAITS)
    merge(known, other, 10)

    assert not is_empty(known.profile)
    assert len(encode_profile(Profile())) == len(encode_profile(decode_profile(encode_profile(Profile()))))
    assert encode_profile(Profile())[-5:] == b"\xc0\x90\xc0\xc0\xc0", (
        "and one without copies, places, offers or destinations"
    )
