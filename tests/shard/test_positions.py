"""What a shard remembers of routers: a batch that comes again is answered as before, and no record grows by it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.config import Settings
from parcours.segment.line import REASON_BYTES_MAX
from parcours.shard.intake import NOT_USABLE_THEN
from parcours.shard.messages import Answer, Batch, LineOutcome
from parcours.shard.positions import PREFIX, packed, unpacked
from parcours.store.codec import encode_image, encode_record
from parcours.store.store import Record

if TYPE_CHECKING:
    from tests.shard.conftest import Lines, World

    NewWorld = Callable[..., World]

EVENT_RECORD_BYTES_MAX = 500
"""The record of one event that nothing listens for: its number, epoch and time, its message id, its router's entry."""

ALIAS = b'{"type":"alias","anonymousId":"u","previousId":"x"}'

OUTCOMES = st.lists(st.sampled_from(LineOutcome)).map(bytes)


def batch_of(router: str, number: int, *lines: bytes) -> Batch:
    return Batch(router, number, list(range(len(lines))), list(lines))


def newest(world: World) -> Record:
    return list(world.store.records())[-1]


def record_bytes(world: World) -> int:
    return len(encode_record(newest(world)))


def mixed(lines: Lines, count: int, seed: int) -> list[bytes]:
    """Lines of all outcomes in no order, which takes the most room to remember."""
    chance = random.Random(seed)
    looked, unheard = lines.track("anna", "Looked"), lines.track("anna", "Unheard")
    kinds = (looked, unheard, b"{", lines.track("anna", "Looked", message_id="m"))
    return [chance.choice(kinds) for _ in range(count)]


@given(OUTCOMES)
def test_outcomes_come_back_as_they_were_and_take_two_bits_each(outcomes: bytes) -> None:
    kept = packed(outcomes)

    assert unpacked(kept, len(outcomes)) == outcomes
    assert len(kept) <= (len(outcomes) + 3) // 4


def test_a_batch_that_was_accepted_as_a_whole_takes_no_room() -> None:
    assert packed(bytes([LineOutcome.ACCEPTED]) * 5_000) == b""


def test_a_batch_that_comes_again_to_a_shard_opened_anew_gets_its_old_answer(world: World, lines: Lines) -> None:
    known = lines.track("anna", "Started", message_id="m1")
    given = [known, known, b"{", ALIAS, lines.track("anna", "Unheard"), lines.identify("bert")]
    batch = world.batch(*given, b'{"type":"track","event":"Looked"}', b'{"userId":"u","type":"identify","traits":[]}')
    first = world.shard.take(batch, world.now_ms)

    again = world.reopen().take(batch, world.now_ms + 1)

    assert again == first
    assert list(first.outcomes) == [0, 2, 3, 3, 1, 0, 3, 3]
    assert [reason.split()[0] for reason in first.reasons] == ["not", "an", "names", "traits"]


def test_an_answer_is_remembered_when_its_record_has_been_trimmed(new_world: NewWorld) -> None:
    world = new_world(settings=Settings(journal_bytes_max=1), slot=0)
    batch = world.batch(b"{", ALIAS)
    first = world.shard.take(batch, world.now_ms)
    for number in range(1, 5):  # from now on each commit renews an image and drops a record
        world.shard.take(batch_of("other", number), world.now_ms)
        world.store.read_through(newest(world).sequence)
    assert min(record.sequence for record in world.store.records()) > 2

    assert world.reopen().take(batch, world.now_ms) == first


def test_a_rejected_line_that_could_be_used_by_now_stays_rejected(new_world: NewWorld, lines: Lines) -> None:
    world = new_world(settings=Settings(id_bytes_max=256))
    batch = world.batch(lines.track("x" * 300, "Looked"))
    (reason,) = world.shard.take(batch, world.now_ms).reasons
    assert "id_bytes_max" in reason

    world.settings = Settings(id_bytes_max=512)
    again = world.reopen().take(batch, world.now_ms)

    assert again == Answer(1, bytes([LineOutcome.REJECTED]), [NOT_USABLE_THEN])


def test_nothing_of_a_rejected_line_is_kept(new_world: NewWorld) -> None:
    world = new_world(settings=Settings(journal_bytes_max=1), slot=0)
    long = b'{"type":"reaction","userId":"u","reaction":"%s"}' % ("\U000e0081".encode() * 7_500)

    answer = world.take(*[long] * 40, b'{"type":"secret","userId":"u"}')

    assert answer.outcomes == bytes([LineOutcome.REJECTED]) * 41
    assert all(len(reason.encode()) <= REASON_BYTES_MAX for reason in answer.reasons)
    kept = [encode_record(record) for record in world.store.records()]
    kept += [encode_image(image) for image in world.store.images()]
    assert sum(map(len, kept)) < 1_000
    assert not [each for each in kept if b"secret" in each or b"reaction" in each]


def test_a_record_is_no_longer_for_all_that_other_routers_have_sent(new_world: NewWorld, lines: Lines) -> None:
    # given as many routers as are remembered, each with as many answers as are, and journeys that have been read
    settings = Settings()
    world = new_world(settings=settings)
    for router in range(settings.routers_max):
        for number in range(1, settings.batches_in_flight_max + 2):
            batch = batch_of(f"router-{router}", number, *mixed(lines, 200, router))
            world.shard.take(batch, world.now_ms)
    for number in range(100):
        world.shard.reading.skip_read(f"remind-{number}", 5, world.now_ms)
    world.reopen()

    # when one event comes from a new router, and one from a router of before
    looked = lines.track("anna", "Looked")
    world.shard.take(batch_of("new", 1, looked), world.now_ms)
    by_new = record_bytes(world)
    world.shard.take(batch_of("router-9", settings.batches_in_flight_max + 2, looked), world.now_ms)
    by_known = record_bytes(world)

    # then its record holds what it changed, and at most the answers to that router's newest batches
    assert by_new < EVENT_RECORD_BYTES_MAX
    assert by_known < EVENT_RECORD_BYTES_MAX + (settings.batches_in_flight_max - 1) * 200 // 4


def test_the_largest_batches_leave_two_bits_a_line_for_as_long_as_they_may_come_again(world: World) -> None:
    settings = world.settings
    for _ in range(settings.batches_in_flight_max):
        world.take(*[b"{"] * settings.batch_events_max)
        most = settings.batches_in_flight_max * (settings.batch_events_max // 4)
        assert record_bytes(world) < EVENT_RECORD_BYTES_MAX + most

    for _ in range(settings.batches_in_flight_max):
        world.take(ALIAS)

    assert record_bytes(world) < EVENT_RECORD_BYTES_MAX


def test_which_router_is_unheard_of_for_longest_is_known_after_a_restart(new_world: NewWorld) -> None:
    world = new_world(settings=Settings(routers_max=3))
    for router, number in (("a", 1), ("b", 1), ("c", 1), ("a", 2)):
        world.shard.take(batch_of(router, number), world.now_ms)

    shard = world.reopen()
    shard.take(batch_of("d", 1), world.now_ms)

    expected = [shard.take(batch_of(router, 99), world.now_ms).expected for router in "abcd"]
    assert expected == [3, 1, 2, 2]


@pytest.mark.parametrize("then_max", [1, 2, 8])
def test_another_number_of_routers_keeps_those_heard_of_last(then_max: int, new_world: NewWorld) -> None:
    world = new_world(settings=Settings(routers_max=4))
    for router in "abcde":
        world.shard.take(batch_of(router, 1), world.now_ms)

    world.settings = Settings(routers_max=then_max)
    shard = world.reopen()

    known = [router for router in "abcde" if shard.take(batch_of(router, 99), world.now_ms).expected == 2]
    assert known == list("bcde")[-then_max:]


def test_routers_that_come_and_go_leave_no_more_entries_than_are_remembered(new_world: NewWorld) -> None:
    world = new_world(settings=Settings(routers_max=3, journal_bytes_max=1), slot=0)
    for number in range(20):
        world.shard.take(batch_of(f"r{number}", 1), world.now_ms)
        world.reopen()
    world.pass_ms(1)

    (own,) = [image for image in world.store.images() if "router 0" in image.profiles]
    assert sorted(name for name in own.profiles if name.startswith(PREFIX)) == ["router 0", "router 1", "router 2"]
