"""Stash, outbox and work: what a shard keeps in its hands between two commits."""

from __future__ import annotations

import msgspec
import pytest

from parcours.channel import Accepted
from parcours.core.effect import Effects, Outgoing
from parcours.core.identity import SlotMap
from parcours.core.input import TimePassed
from parcours.core.profile import Profile, encode_profile
from parcours.shard.outbox import Claim, Outbox, Ready
from parcours.shard.slots import Slots
from parcours.shard.stash import Stash
from parcours.shard.work import Work

ENTRY = Outgoing("k", "anna", "j", 1, 1, "s", "email", "m", "marketing", "a@b.example", 5, {})


def test_receipts_come_out_in_the_order_of_the_deliveries_once_the_last_is_in() -> None:
    stash = Stash()
    stash.hold("anna", ["k1", "k2", "k3"])

    assert stash.answer("anna", Accepted("k3")) == []
    assert stash.answer("anna", Accepted("k1")) == []
    assert stash.release("anna") is None
    assert stash.answer("anna", Accepted("k2")) == [Accepted("k1"), Accepted("k2"), Accepted("k3")]


def test_inputs_wait_in_their_order_until_the_clock_goes_on() -> None:
    stash = Stash()
    stash.hold("anna", ["k1"], [TimePassed(1)])
    stash.hold("anna", [], [TimePassed(2)])
    stash.hold("anna", [], [TimePassed(3)])
    assert "anna" in stash and len(stash) == 1

    stash.answer("anna", Accepted("k1"))

    assert list(stash.release("anna") or ()) == [TimePassed(1), TimePassed(2), TimePassed(3)]
    assert "anna" not in stash and len(stash) == 0


def test_the_outbox_of_a_channel_is_first_in_first_out() -> None:
    outbox = Outbox()
    for key in ("k1", "k2", "k3"):
        outbox.offer("email", Ready(key, 0, "anna", 1))
    outbox.offer("sms", Ready("k4", 0, "anna", 1))

    assert outbox.ready() == {"email": 3, "sms": 1}
    assert [ready.key for ready in outbox.take("email", 2)] == ["k1", "k2"]
    assert [ready.key for ready in outbox.take("email", 2)] == ["k3"]
    assert outbox.take("push", 2) == []
    assert outbox.ready() == {"sms": 1}


def test_claims_are_known_by_their_dispatcher_until_they_are_settled() -> None:
    outbox = Outbox()
    outbox.claim("k1", Claim(0, "anna", 1, "email-1", 7, 1))
    outbox.claim("k2", Claim(0, "anna", 1, "email-2", 7, 1))

    assert outbox.claims_of("email-1") == [("k1", Claim(0, "anna", 1, "email-1", 7, 1))]
    assert outbox.settle("k1", "email-1", 6) is None, "of an older claim"
    assert outbox.settle("k1", "email-2", 7) is None, "of another dispatcher"
    assert outbox.settle("k1", "email-1", 7) == Claim(0, "anna", 1, "email-1", 7, 1)
    assert outbox.settle("k1", "email-1", 7) is None
    assert outbox.under_way() == 1


def test_nothing_is_written_for_people_who_are_as_before() -> None:
    slots = Slots(0, SlotMap(1))
    slots[1].profiles["anna"] = encode_profile(Profile(traits={"city": "Oslo"}))
    work = Work(slots, 10)

    work.profile(1, "anna")
    work.profile(2, "nobody")
    assert work.profiles() == []

    work.profile(1, "anna").traits["city"] = "Rome"
    assert [(slot, person) for slot, person, _ in work.profiles()] == [(1, "anna")]
    assert slots[1].profiles["anna"] == encode_profile(Profile(traits={"city": "Oslo"})), "not before the commit"


def test_a_person_who_loses_everything_is_written_as_such() -> None:
    slots = Slots(0, SlotMap(1))
    slots[1].profiles["anna"] = encode_profile(Profile(traits={"city": "Oslo"}))
    work = Work(slots, 10)

    work.profile(1, "anna").traits.clear()

    assert work.profiles() == [(1, "anna", encode_profile(Profile()))]


def test_whether_anything_is_known_of_a_person_does_not_depend_on_having_looked() -> None:
    slots = Slots(0, SlotMap(1))
    slots[1].profiles["anna"] = encode_profile(Profile(traits={"city": "Oslo"}))
    slots[1].profiles["bert"] = encode_profile(Profile(change_number=1))
    people = ["anna", "bert", "carl"]
    work = Work(slots, 10, change_number=2)

    untouched = [work.knows(1, person) for person in people]
    for person in people:
        work.profile(1, person)

    assert untouched == [work.knows(1, person) for person in people] == [True, False, False]


def test_the_entry_of_a_delivery_is_the_work_s_before_it_is_the_slot_s() -> None:
    slots = Slots(0, SlotMap(1))
    slots[1].outbox["k"] = msgspec.msgpack.encode(ENTRY)
    work = Work(slots, 10)
    assert work.has_entry(1, "k")
    assert work.entry(1, "k") == ENTRY
    assert not work.has_entry(1, "other")

    effects = Effects()
    effects.settled.append("k")
    work.add(1, "anna", effects)

    assert not work.has_entry(1, "k")
    assert work.outbox_changes() == [(1, "k", None)]
    with pytest.raises(AssertionError, match="settled"):
        work.entry(1, "k")
