"""A provider's report finds the person to whom its delivery went, by nothing but the key."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import pytest
from tests.shard.recorded_batches import recorded_batch

from parcours.channel import Accepted, Feedback
from parcours.config import DAY_MS, Settings
from parcours.core.delivery.delivery_key import key_of, place_in
from parcours.core.fact import DeliveryReached, Unmatched
from parcours.core.identity import SLOTS, SlotMap, name_hash, slot_of
from parcours.core.profile import Profile, encode_profile
from parcours.segment.line import DetailedCall, read_call
from parcours.segment.reports import feedback_line
from parcours.shard.messages import LineOutcome
from parcours.shard.reports import Reports
from parcours.shard.shard import Shard
from parcours.shard.slots import Slots
from parcours.shard.timekeeping import VirtualTime
from parcours.shard.work import Work
from parcours.store.memory import MemoryStore

if TYPE_CHECKING:
    from tests.shard.conftest import Lines, World

    from parcours.channel import Reaction
    from parcours.journey.program import Program

NewWorld = Callable[..., "World"]

TWINS = ("u16008925", "u30658295")
"""Two names of one slot with the same hash: of sixty million names tried, four had such a twin."""


def sent(world: World, lines: Lines, *people: str) -> dict[str, str]:
    """The keys, by person, of a receipt that each has been sent."""
    world.take(*(line for person in people for line in (lines.identify(person), lines.track(person, "Ordered"))))
    outgoing = world.claim()
    world.settle(*(Accepted(each.key) for each in outgoing))
    return {each.person: each.key for each in outgoing}


def report(key: str, reaction: Reaction = "delivered", code: str | None = None) -> bytes:
    return feedback_line(Feedback(key=key, reaction=reaction, code=code))


def unmatched(world: World) -> list[tuple[str, str]]:
    return [(fact.person, fact.why) for fact in world.facts() if isinstance(fact, Unmatched)]


def test_a_report_finds_its_person_among_all_of_the_shard(world: World, lines: Lines) -> None:
    keys = sent(world, lines, "anna", "bert", "@anonymous", "Zoë")

    answer = world.take(report(keys["bert"]), report(keys["Zoë"], "bounced", code="5.1.1"))

    assert set(answer.outcomes) == {LineOutcome.ACCEPTED}
    assert [world.states(person) for person in ("anna", "bert", "Zoë")] == [["sent"], ["delivered"], ["bounced"]]
    told = [fact for fact in world.facts() if isinstance(fact, DeliveryReached) and fact.outcome == "bounced"]
    assert [(fact.person, fact.key, fact.code) for fact in told] == [("Zoë", keys["Zoë"], "5.1.1")]
    assert unmatched(world) == []


def test_a_report_finds_its_person_after_the_shard_was_opened_again(world: World, lines: Lines) -> None:
    keys = sent(world, lines, "anna")

    world.reopen()
    world.take(report(keys["anna"]))

    assert world.states("anna") == ["delivered"]


def test_a_report_that_is_repeated_counts_once(world: World, lines: Lines) -> None:
    key = sent(world, lines, "anna")["anna"]
    nobody = key_of("nobody", ())

    first, second = (world.take(report(key, "complained"), report(nobody)) for _ in range(2))

    assert set(first.outcomes) == {LineOutcome.ACCEPTED}
    assert set(second.outcomes) == {LineOutcome.DUPLICATE}
    outcomes = [fact.outcome for fact in world.facts() if isinstance(fact, DeliveryReached)]
    assert outcomes.count("complained") == 1
    assert len(unmatched(world)) == 1


def test_a_report_that_concerns_nobody_is_accepted_and_counted(world: World, lines: Lines) -> None:
    # given a key in a slot of nobody, and one of somebody else's delivery in a slot of hers
    sent(world, lines, "anna")
    strange, other = key_of("nobody", ()), key_of("anna", ("never", "sent"))

    answer = world.take(report(strange), report(other))

    assert set(answer.outcomes) == {LineOutcome.ACCEPTED}
    assert unmatched(world) == [
        ("", f"nobody here has a delivery of the key {strange}"),
        ("anna", f"no delivery of the key {other} has left"),
    ]
    assert world.shard.profile("nobody") is None
    assert world.shard.status().people == 1


def test_a_report_comes_to_a_run_for_as_long_as_it_is_remembered(world: World, lines: Lines) -> None:
    key = sent(world, lines, "anna")["anna"]

    world.pass_ms(2 * DAY_MS)  # the run is over
    world.take(report(key, "opened"))
    world.pass_ms(world.settings.run_memory_ms)
    world.take(report(key, "clicked"))

    outcomes = [fact.outcome for fact in world.facts() if isinstance(fact, DeliveryReached)]
    assert outcomes[-2:] == ["delivered", "opened"]
    assert unmatched(world) == [("anna", f"no delivery of the key {key} has left")]


def test_a_line_that_names_no_key_is_rejected_alone(world: World, lines: Lines) -> None:
    key = sent(world, lines, "anna")["anna"]
    foreign = msgspec.json.encode({"type": "feedback", "key": key, "reaction": "opened", "userId": "anna"})

    batch = world.batch(report("k1"), foreign, report(key))
    answer = world.shard.take(batch, world.now_ms)

    assert list(answer.outcomes) == [LineOutcome.REJECTED, LineOutcome.REJECTED, LineOutcome.ACCEPTED]
    assert answer.reasons == [
        "feedback for what has not left here: 'k1' is not the key of a delivery",
        "feedback names a delivery by its key, and nobody by an id",
    ]
    assert world.shard.take(batch, world.now_ms) == answer, "a batch that comes again has the same answer"
    assert world.states("anna") == ["delivered"]


def test_people_whose_names_share_a_hash_are_told_apart_by_the_delivery(world: World, lines: Lines) -> None:
    one, other = TWINS
    assert name_hash(one) == name_hash(other) and SlotMap(1).slot(one) == SlotMap(1).slot(other)
    keys = sent(world, lines, one, other)
    strange = key_of(one, ("never", "sent"))

    world.take(report(keys[other]))
    assert [world.states(person) for person in TWINS] == [["sent"], ["delivered"]]

    world.take(report(keys[one], "bounced"), report(strange))
    assert [world.states(person) for person in TWINS] == [["bounced"], ["delivered"]]
    assert unmatched(world) == [("", f"nobody here has a delivery of the key {strange}")]


def test_a_report_finds_its_person_where_she_lives_though_her_name_is_of_another_slot() -> None:
    home = (slot_of("anna") + 1) % SLOTS
    slots = Slots(0, SlotMap(1, {"anna": home}))
    neighbour = next(name for name in map(str, range(10**6)) if slot_of(name) == home)
    slots.show([(home, name, encode_profile(Profile())) for name in ("anna", neighbour)], [])
    calls = [read_call(report(key_of(name, ("x",)))) for name in ("anna", neighbour)]
    work = Work(slots, 0)

    reports = Reports(slots, [], Settings())
    found = [reports.addressee(call, work) for call in calls if isinstance(call, DetailedCall)]
    assert found == [(home, "anna"), (home, neighbour)]


@pytest.mark.parametrize("lines_of_a_batch", [1, 3])
def test_under_virtual_time_a_report_may_come_in_the_batch_of_its_own_person(
    program: Program, lines: Lines, new_world: NewWorld, lines_of_a_batch: int
) -> None:
    # given the key that a delivery is going to have
    live = new_world()
    key = sent(live, lines, "anna")["anna"]
    at = "2026-03-02T09:00:00Z"
    recorded = [
        msgspec.json.encode(msgspec.json.decode(line) | {"timestamp": at})
        for line in (lines.identify("anna"), lines.track("anna", "Ordered"), report(key))
    ]

    # when all of it is one recording
    time = VirtualTime()
    shard = Shard(0, SlotMap(1), program, MemoryStore(), live.settings, time=time, records=["email", "sms"])
    shard.open(0)
    for number, first in enumerate(range(0, 3, lines_of_a_batch), start=1):
        batch = recorded[first : first + lines_of_a_batch]
        shard.take(recorded_batch("recording", number, list(range(first, first + len(batch))), batch), 0)

    # then it is as if it had been live
    profile = shard.profile("anna")
    assert profile is not None
    assert [each.state for each in profile.runs[0].deliveries] == ["delivered"]
    assert place_in(key) == (SlotMap(1).slot("anna"), name_hash("anna"))
