"""A delivery's key is the same for life, and tells where the delivery lives."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import blake2b
from typing import TYPE_CHECKING
from zlib import crc32

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.core.delivery.delivery_key import key_of, place_in
from parcours.core.identity import SLOTS, name_hash
from parcours.core.profile import Origin, Profile, encode_profile

if TYPE_CHECKING:
    from tests.core.conftest import Story, Tell

TRIP = """
journey: trip
entry: {event: Start}
steps:
  - {id: pause, wait: 1s}
  - {id: share, split: [{percent: 50, next: write}, {percent: 50, next: other}]}
  - {id: write, send: mail, channels: [email, sms], next: done}
  - {id: other, send: mail, channels: [email, sms]}
  - {id: done, end: true}
"""

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


def change_profile(story: Story, change: Callable[[Profile], None]) -> None:
    profile = story.profile
    change(profile)
    story.state = encode_profile(profile)


@given(names, st.lists(names, max_size=4))
def test_a_key_tells_the_slot_and_the_hash_of_the_name(name: str, parts: list[str]) -> None:
    key = key_of(name, parts)

    assert re.fullmatch("[a-z0-9]{37}", key)
    assert place_in(key) == (crc32(name.encode()) % 1024, blake2b(name.encode(), digest_size=5).digest())
    assert name_hash(name) == place_in(key).name_hash


def test_the_key_of_a_delivery_is_derived_from_what_tells_it_from_all_others(tell: Tell) -> None:
    story = tell("{journey: trip, entry: {event: Start}, steps: [{id: write, send: mail, channels: [email]}]}")

    story.event(0, "Start").event(1, "Start")

    told_apart = [f"shop\0sarah\0trip\0001\0{run}\0write\0001\0email".encode() for run in (1, 2)]
    start = f"{crc32(b'sarah') % 1024:03x}{blake2b(b'sarah', digest_size=5).hexdigest()}"
    assert list(story.outbox) == [start + blake2b(each, digest_size=12).hexdigest() for each in told_apart]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "k1",
        "f87b889dd8225f066eae6d9a1ad5aca5",  # of another program
        key_of("sarah", ())[:-1],
        key_of("sarah", ()) + "0",
        key_of("sarah", ()).upper(),
        "400" + "0" * 34,  # there is no such slot
        "-01" + "0" * 34,
        " 1a" + "0" * 34,
        "1_a" + "0" * 34,
        "٣" * 37,  # digits, but not ours
        "x" * 100_000,
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not the key of a delivery") as refusal:
        place_in(text)
    assert len(str(refusal.value)) < 200


def test_the_last_slot_has_keys() -> None:
    assert place_in(f"{SLOTS - 1:03x}" + "0" * 34).slot == SLOTS - 1


def test_a_run_that_has_come_to_another_person_keeps_its_keys_and_its_arms(tell: Tell) -> None:
    # given runs of many people, and the same runs as those of somebody else under another number
    ways = set()
    for number in range(20):
        own, moved = tell(TRIP), tell(TRIP)
        own.person = f"@anonymous/{number}"
        for story in (own, moved):
            story.event(0, "Start")

        def move(profile: Profile, name: str = own.person) -> None:
            (run,) = profile.runs
            run.origin, run.number, profile.counts["trip"] = Origin(name, 1), 4, 4
            (timer,) = profile.timers
            profile.timers = [msgspec.structs.replace(timer, run=4)]

        change_profile(moved, move)

        # when they go on
        own.wait(2_000)
        moved.wait(2_000)

        # then everything that has to stay is as it was
        assert moved.moves("split") == own.moves("split")
        assert list(moved.outbox) == list(own.outbox)
        assert {(each.person, each.run) for each in moved.outbox.values()} == {("sarah", 4)}
        ways.add(own.moves("split")[0])
    assert len(ways) == 2, "both arms are taken by somebody"


def test_a_run_that_stayed_where_it_entered_says_nothing_of_its_origin(tell: Tell) -> None:
    story = tell(TRIP).event(0, "Start")

    assert story.profile.runs[0].origin is None
    assert b"sarah" not in story.state.replace(b"sarah@mail.example", b"")
