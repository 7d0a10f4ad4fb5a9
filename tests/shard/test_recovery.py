"""A shard that comes back from its store: the same people, timers and outbox, and the same future."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.channel import Accepted, Ambiguous, NotSent, Receipt, Refused
from parcours.config import DAY_MS, HOUR_MS, MINUTE_MS, Settings
from parcours.core.fact import DeliveryReached, Fact
from parcours.core.fact_block import decode_facts
from parcours.core.identity import SlotMap
from parcours.shard.ids.key import KEY_BYTES
from parcours.shard.messages import Status
from parcours.store.store import Record

if TYPE_CHECKING:
    from tests.shard.conftest import Lines, World

SLOT = 7
PEOPLE = [name for name in map(str, range(10_000)) if SlotMap(1).slot(name) == SLOT][:4]
"""They share a slot, so that a shard of this slot alone renews their image with each commit."""


def test_people_timers_and_what_waits_to_leave_are_as_before(world: World, lines: Lines) -> None:
    world.take(lines.identify("anna"), lines.track("anna", "Started", "c1"), lines.identify("bert"))
    world.pass_ms(20_001)
    world.take(lines.track("bert", "Started"))
    before = everything(world)

    world.reopen()

    assert everything(world) == before
    assert world.shard.ready() == {"email": 1}
    world.pass_ms(20_001)
    assert world.shard.ready() == {"email": 2}, "the timer was found again"


def test_what_was_claimed_is_ambiguous_and_what_was_queued_is_ready(world: World, lines: Lines) -> None:
    for person in ("anna", "bert"):
        world.take(lines.identify(person), lines.track(person, "Started"), lines.track(person, "Bought"))
    (claimed,) = world.claim(1)

    world.reopen()

    assert world.states("anna") == ["unknown"]
    assert world.states("bert") == ["queued"]
    assert [outgoing.person for outgoing in world.claim()] == ["bert"]
    last = [fact for fact in world.facts() if isinstance(fact, DeliveryReached) and fact.key == claimed.key][-1]
    assert (last.outcome, last.reason) == ("unknown", "the engine stopped while it was being sent; it is sent again")


def test_marketing_that_may_have_left_is_not_sent_again_and_a_receipt_is(world: World, lines: Lines) -> None:
    world.take(lines.identify("anna"), lines.track("anna", "Started"))
    world.pass_ms(20_001)
    world.take(lines.identify("bert"), lines.track("bert", "Started"), lines.track("bert", "Bought"))
    assert len(world.claim()) == 2

    world.reopen()
    world.pass_ms(5 * MINUTE_MS + 1)

    assert [(outgoing.message, outgoing.attempt) for outgoing in world.claim()] == [("receipt", 2)]


def test_what_was_under_way_at_a_crash_is_told_with_its_number_for_an_hour(world: World, lines: Lines) -> None:
    world.take(lines.identify("anna"), lines.track("anna", "Started"))
    world.pass_ms(20_001)
    for person in ("bert", "carl"):
        world.take(lines.identify(person), lines.track(person, "Started"), lines.track(person, "Bought"))
    assert len(world.claim()) == 3
    assert world.shard.standing.troubles(world.now_ms) == []

    world.reopen()

    told = "3 deliveries were under way when the engine stopped: 2 will be sent again, 1 (marketing) will not"
    assert world.shard.standing.troubles(world.now_ms + HOUR_MS - 1) == [told]
    assert world.shard.standing.troubles(world.now_ms + HOUR_MS) == []
    world.reopen()
    assert world.shard.standing.troubles(world.now_ms) == [], "nothing was under way this time"


def test_a_transaction_is_sent_again_after_each_crash_and_what_is_accepted_is_not(world: World, lines: Lines) -> None:
    world.take(lines.identify("anna"), lines.track("anna", "Started"), lines.track("anna", "Bought"))
    for attempt in (1, 2, 3):
        (claimed,) = world.claim()
        assert claimed.attempt == attempt
        world.reopen()
        world.pass_ms(5 * MINUTE_MS + 1)

    world.settle(Accepted(world.claim()[0].key))
    world.reopen()

    assert world.states("anna") == ["sent"]
    assert world.shard.standing.troubles(world.now_ms) == []


def test_a_receipt_that_reaches_the_shard_after_its_crash_clears_the_doubt(world: World, lines: Lines) -> None:
    world.take(lines.identify("anna"), lines.track("anna", "Started"), lines.track("anna", "Bought"))
    (claimed,) = world.claim()
    world.reopen()

    world.settle(Accepted("of somebody else"), Accepted(claimed.key))
    world.pass_ms(5 * MINUTE_MS + 1)

    assert (world.states("anna"), world.claim()) == (["sent"], [])


def test_a_late_receipt_finds_a_delivery_that_a_reaction_has_told_of_also_after_another_opening(
    world: World, lines: Lines
) -> None:
    world.take(lines.identify("anna"), lines.track("anna", "Started"), lines.track("anna", "Bought"))
    (claimed,) = world.claim()
    world.reopen()
    reaction = {"type": "feedback", "key": claimed.key, "reaction": "delivered", "messageId": "f1"}
    world.take(msgspec.json.encode(reaction))

    world.reopen()
    world.settle(Accepted(claimed.key, "provider-1"))

    assert known_of_deliveries(world) == [("delivered", "provider-1")]
    world.pass_ms(5 * MINUTE_MS + 1)
    world.reopen()
    assert (world.states("anna"), world.claim()) == (["delivered"], [])


@pytest.mark.parametrize("is_fired", [True, False])
def test_a_receipt_after_the_time_of_a_retry_is_too_late_whether_or_not_that_was_fired_already(
    world: World, lines: Lines, is_fired: bool
) -> None:
    world.take(lines.identify("anna"), lines.track("anna", "Started"), lines.track("anna", "Bought"))
    (claimed,) = world.claim()
    world.reopen()
    world.take(msgspec.json.encode({"type": "feedback", "key": claimed.key, "reaction": "delivered"}))

    world.now_ms += 5 * MINUTE_MS + 1
    if is_fired:
        world.pass_ms(0)
    world.settle(Accepted(claimed.key, "provider-1"))

    assert known_of_deliveries(world) == [("delivered", None)]


def known_of_deliveries(world: World) -> list[tuple[str, str | None]]:
    """State and provider's id of each of anna's."""
    profile = world.shard.profile("anna")
    assert profile is not None
    deliveries = [each for run in (*profile.runs, *profile.past) for each in run.deliveries]
    return [(each.state, each.provider_id) for each in deliveries]


def test_a_delivery_that_waits_for_another_attempt_still_waits(world: World, lines: Lines) -> None:
    world.take(lines.identify("anna"), lines.track("anna", "Started"), lines.track("anna", "Bought"))
    (outgoing,) = world.claim()
    world.settle(NotSent(outgoing.key, "busy"))

    world.reopen()

    assert world.claim() == []
    world.pass_ms(MINUTE_MS + 1)
    assert [again.key for again in world.claim()] == [outgoing.key]


def test_what_a_recording_channel_had_ready_is_answered_on_the_way_back(
    new_world: Callable[..., World], lines: Lines
) -> None:
    # given a shard that ended between the decision and the claim
    world = new_world()
    world.take(lines.identify("anna"), lines.track("anna", "Started"), lines.track("anna", "Bought"))
    assert world.shard.ready() == {"email": 1}

    world.records = ("email",)
    world.reopen()

    assert world.states("anna") == ["sent"]
    assert world.shard.ready() == {}


def test_a_long_journal_is_trimmed_behind_images_and_readers(new_world: Callable[..., World], lines: Lines) -> None:
    world = new_world(settings=Settings(journal_bytes_max=1))
    for number in range(1_100):  # more commits than there are slots
        world.take(lines.identify(f"p{number % 50}"), lines.track(f"p{number % 50}", "Started", f"c{number}"))
        world.store.read_through(number)
    before = everything(world)

    left = [record.sequence for record in world.store.records()]
    assert left[-1] == 1_100
    assert left[0] > 50, "records behind every image are gone"

    world.reopen()
    assert everything(world) == before
    assert world.take(lines.identify("p1")).expected is None, "the router's number is known"


def test_nothing_is_trimmed_that_nobody_has_read(new_world: Callable[..., World], lines: Lines) -> None:
    world = new_world(settings=Settings(journal_bytes_max=1))
    for number in range(1_100):
        world.take(lines.identify(f"p{number % 50}"))

    assert [record.sequence for record in world.store.records()] == list(range(1, 1_101))


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(
            st.just("take"),
            st.lists(
                st.tuples(
                    st.sampled_from(PEOPLE),
                    st.sampled_from(["Started", "Started", "Bought", "Ordered", "Emptied", "Looked", "identify"]),
                    st.sampled_from(["c1", "c2"]),
                    st.sampled_from(["", "m1", "m2"]),
                ),
                max_size=5,
            ),
        ),
        st.tuples(st.just("pass"), st.sampled_from([1, 20_000, 20_001, 5 * MINUTE_MS, DAY_MS])),
        st.tuples(
            st.just("send"),
            st.sampled_from([Accepted("k"), NotSent("k", "busy"), Ambiguous("k", "?"), Refused("k", "no")]),
        ),
    ),
    min_size=1,
    max_size=15,
)


@given(OPERATIONS, st.sets(st.integers(0, 14)), st.booleans())
def test_a_shard_that_came_back_ends_exactly_like_its_undisturbed_twin(
    new_world: Callable[..., World],
    lines: Lines,
    operations: list[tuple[str, object]],
    back_before: set[int],
    records: bool,
) -> None:
    channels = ("email",) if records else ()
    twin, world = new_world(records=channels), new_world(records=channels)

    for number, operation in enumerate(operations):
        carry_out(twin, lines, operation)
        if number in back_before:
            world.reopen()
        carry_out(world, lines, operation)

    assert history(world) == history(twin)
    assert everything(world) == everything(twin)


@given(OPERATIONS)
def test_images_and_records_bring_back_what_records_alone_do(
    new_world: Callable[..., World], lines: Lines, operations: list[tuple[str, object]]
) -> None:
    world, imaged = new_world(slot=SLOT), new_world(slot=SLOT, settings=Settings(journal_bytes_max=1))
    for number, operation in enumerate(operations):
        carry_out(world, lines, operation)
        carry_out(imaged, lines, operation)
        if number % 3 == 0:  # some records are still there although the image includes them
            imaged.store.read_through(newest(imaged))

    world.reopen()
    imaged.reopen()
    assert everything(imaged) == everything(world)

    assert world.take(lines.track(PEOPLE[0], "Started")) == imaged.take(lines.track(PEOPLE[0], "Started"))
    assert everything(imaged) == everything(world)


def newest(world: World) -> int:
    return max((record.sequence for record in world.store.records()), default=0)


def carry_out(world: World, lines: Lines, operation: tuple[str, object]) -> None:
    match operation:
        case ("take", list(calls)):
            world.take(
                *[
                    lines.identify(person) if event == "identify" else lines.track(person, event, cart, message_id)
                    for person, event, cart, message_id in calls
                ]
            )
        case ("pass", int(duration_ms)):
            world.pass_ms(duration_ms)
        case ("send", receipt):
            world.settle(*[answered(receipt, outgoing.key) for outgoing in world.claim()])
        case _:
            raise AssertionError(operation)


def answered(receipt: object, key: str) -> Receipt:
    assert isinstance(receipt, Accepted | NotSent | Ambiguous | Refused)
    return msgspec.structs.replace(receipt, key=key)


def everything(world: World) -> tuple[object, Status, list[bytes]]:
    """All that can be seen of a shard; the wheel may look for the next timer too early, but for the same ones."""
    everybody = PEOPLE if world.slot is not None else [*PEOPLE, "anna", "bert"]
    profiles = [msgspec.msgpack.encode(world.shard.profile(person)) for person in everybody]
    status = msgspec.structs.replace(world.shard.status(), next_ms=None)
    return profiles, status, sorted(timers(world))


def timers(world: World) -> list[bytes]:
    profiles = [world.shard.profile(person) for person in PEOPLE]
    return [msgspec.msgpack.encode(timer) for profile in profiles if profile for timer in profile.timers]


def history(world: World) -> list[object]:
    """The journal, but for the epochs, with each record's entries in the order of the people."""
    return [
        (
            record.sequence, record.stamp_ms, sorted(messages(record)), sorted(record.profiles),
            sorted(record.outbox, key=lambda entry: entry[:2]),
            sorted(decode_facts(record.facts, "a record"), key=by_person_and_key),
        )
        for record in world.store.records()
    ]  # fmt: skip


def messages(record: Record) -> list[tuple[bytes, int]]:
    return [
        (keys[start : start + KEY_BYTES], at) for at, keys in record.seen for start in range(0, len(keys), KEY_BYTES)
    ]


def by_person_and_key(fact: Fact) -> tuple[str, str]:
    return fact.person, fact.key if isinstance(fact, DeliveryReached) else ""
