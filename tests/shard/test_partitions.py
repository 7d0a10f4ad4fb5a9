"""What a shard remembers of partitions of sources: a line is applied once, whoever brings it and however often."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.config import Settings
from parcours.core.fact import LimitReached, Moved
from parcours.errors import ShardUnavailable
from parcours.shard.batches import NONE_OF_YOURS
from parcours.shard.messages import Answer, Batch, LineOutcome
from parcours.shard.partitions import PREFIX, Partitions, TakenLines, TakenPartition, together
from parcours.shard.slots import OWN
from parcours.shard.unusable import unusable_line
from parcours.store.codec import encode_record

if TYPE_CHECKING:
    from tests.shard.conftest import Lines, World

    NewWorld = Callable[..., World]

PARTITION = "stream/0"


class Reading:
    """A reader of the partition, whose lines are known by their offsets and have no message id."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.batches = 0
        self.position = world.shard.batches.begin_reading(PARTITION, name)

    def batch(self, offsets: Sequence[int], below: int, lines: Sequence[bytes] | None = None) -> Batch:
        self.batches += 1
        lines = [started(offset) for offset in offsets] if lines is None else lines
        return Batch(self.name, self.batches, list(offsets), list(lines), partition=PARTITION, below=below)

    def take(self, offsets: Sequence[int], below: int, lines: Sequence[bytes] | None = None) -> Answer:
        return self.world.shard.take(self.batch(offsets, below, lines), self.world.now_ms)

    def tell(self, below: int) -> bool:
        return self.world.shard.batches.tell_position(PARTITION, self.name, below)


def started(offset: int) -> bytes:
    """Starts a cart of its own."""
    call = {"type": "track", "userId": f"u{offset}", "event": "Started", "properties": {"cart": f"c{offset}"}}
    return msgspec.json.encode(call)


def entered(world: World) -> Counter[str]:
    """How often each person has entered."""
    return Counter(fact.person for fact in world.facts() if isinstance(fact, Moved) and fact.what == "entered")


def own_entries(world: World) -> dict[str, bytes]:
    """What the store holds of partitions."""
    found: dict[str, bytes] = {}
    for record in world.store.records():
        for slot, name, data in record.profiles:
            if slot == OWN and name.startswith(PREFIX):
                found |= {name: data}
    return {name: data for name, data in found.items() if data}


@given(st.sets(st.integers(0, 300), min_size=1))
def test_offsets_come_back_as_they_were(offsets: set[int]) -> None:
    taken = TakenLines.of(random.Random(1).sample(sorted(offsets), len(offsets)))

    again = msgspec.msgpack.decode(msgspec.msgpack.encode(taken), type=TakenLines)

    assert list(again.offsets()) == sorted(offsets)
    assert (again.first, again.last) == (min(offsets), max(offsets))


def test_a_block_without_gaps_takes_a_few_bytes_and_any_other_one_a_byte_a_line() -> None:
    whole = TakenLines.of(range(1_000_000, 1_005_000))
    half = TakenLines.of(range(1_000_000, 1_010_000, 2))

    assert len(msgspec.msgpack.encode(whole)) < 20
    assert len(msgspec.msgpack.encode(half)) < 5_000 + 20


def test_a_line_that_was_taken_is_recognised_by_its_offset_alone(world: World) -> None:
    # the ids of messages are all forgotten by then
    first = Reading(world, "first")
    first.take([10, 11, 13], below=10)
    world.now_ms += 10 * world.settings.message_ids_for_ms

    world.reopen()
    second = Reading(world, "second")
    answer = second.take([10, 11, 12, 13, 14], below=10)

    assert second.position == 10
    assert list(answer.outcomes) == [2, 2, 0, 2, 0]
    assert entered(world) == {f"u{offset}": 1 for offset in (10, 11, 12, 13, 14)}


def test_nothing_below_the_position_is_applied_and_nothing_is_kept_of_it(world: World) -> None:
    reading = Reading(world, "first")
    reading.take([1, 2, 3], below=1)
    reading.take([4, 6], below=4)
    assert len(own_entries(world)) == 2, "the position, and the block of the batch that may come again"

    answer = reading.take([2, 3], below=4)

    assert list(answer.outcomes) == [LineOutcome.DUPLICATE] * 2
    assert entered(world) == {f"u{offset}": 1 for offset in (1, 2, 3, 4, 6)}


def test_a_shard_without_lines_is_told_the_position(world: World) -> None:
    Reading(world, "first").tell(70)
    records = world.shard.commits.sequence
    assert Reading(world, "first").tell(70)
    assert world.shard.commits.sequence == records + 1, "what it knows already is not written again"

    world.reopen()

    assert world.shard.batches.partitions.positions() == {PARTITION: 70}


def test_a_position_never_goes_back(world: World) -> None:
    reading = Reading(world, "first")
    reading.tell(70)

    reading.tell(40)
    reading.take([71], below=60)

    assert world.shard.batches.partitions.positions() == {PARTITION: 70}


def test_whoever_has_been_followed_as_the_reader_moves_nothing(world: World) -> None:
    zombie, reading = Reading(world, "zombie"), Reading(world, "reader")

    answer = zombie.take([1, 2], below=1)

    assert answer.expected == NONE_OF_YOURS
    assert not zombie.tell(3)
    assert entered(world) == {}
    assert world.shard.batches.partitions.positions() == {PARTITION: None}
    assert list(reading.take([1, 2], below=1).outcomes) == [0, 0]
    world.reopen()
    assert zombie.take([3], below=3).expected == NONE_OF_YOURS, "nor after a restart"


def test_while_all_shards_are_to_be_of_one_moment_nothing_is_taken_of_a_partition(world: World, lines: Lines) -> None:
    reading = Reading(world, "first")
    world.shard.halt_moves(world.now_ms + 1_000)

    with pytest.raises(ShardUnavailable):
        reading.take([1, 2], below=1)
    assert world.take(lines.track("anna", "Looked")).outcomes == b"\0", "others' lines are"
    assert world.shard.batches.partitions.positions() == {PARTITION: None}
    assert entered(world) == {}

    world.shard.halt_moves(0)
    reading.batches -= 1
    assert reading.take([1, 2], below=1).outcomes == b"\0\0"


def test_a_position_that_is_told_meanwhile_is_kept(world: World) -> None:
    reading = Reading(world, "first")
    reading.take([1, 2], below=1)
    world.shard.halt_moves(world.now_ms + 1_000)

    assert reading.tell(3)
    world.reopen()

    assert world.shard.batches.partitions.positions() == {PARTITION: 3}


@pytest.mark.parametrize("position, again", [(3, [2, 0, 0, 0]), (5, [2, 2, 2, 0]), (0, [0, 0, 0, 0])])
def test_a_position_that_was_moved_holds_for_whoever_reads_next(world: World, position: int, again: list[int]) -> None:
    first = Reading(world, "first")
    first.take([2, 3, 4], below=2)
    world.now_ms += 2 * world.settings.message_ids_for_ms  # nothing is known by its id any more

    assert world.shard.batches.move_position(PARTITION, position)
    assert first.take([5], below=5).expected == NONE_OF_YOURS
    world.reopen()

    second = Reading(world, "second")
    assert second.position == position
    assert list(second.take([2, 3, 4, 5], below=2).outcomes) == again
    assert not world.shard.batches.move_position("other/0", 7)


def test_a_batch_whose_answer_was_lost_is_answered_as_before(world: World) -> None:
    reading = Reading(world, "first")
    batch = reading.batch([1, 2], 1)
    first = world.shard.take(batch, world.now_ms)

    assert world.reopen().take(batch, world.now_ms) == first
    assert entered(world) == {"u1": 1, "u2": 1}


def test_what_is_of_no_use_is_set_aside_with_its_offset_and_reason_and_is_not_set_aside_twice(world: World) -> None:
    reading = Reading(world, "first")
    lines = [started(1), b'{"type":"alias","userId":"anna","previousId":"x"}', b"{", unusable_line("too long", b"abc")]
    lines[1] = b'{"type":"identify","userId":"anna","traits":[]}'

    answer = reading.take([1, 2, 3, 4], 1, lines)
    world.reopen()
    Reading(world, "second").take([1, 2, 3, 4], 1, lines)

    letters = world.shard.dead_letters.listed()
    assert list(answer.outcomes) == [0, 3, 3, 3]
    assert [(letter.person, letter.line) for letter in letters] == [("anna", lines[1]), ("", b"{"), ("", b"abc")]
    assert [letter.reason.partition(": ")[0] for letter in letters] == [
        f"{PARTITION} at offset {offset}" for offset in (2, 3, 4)
    ]
    assert letters[2].reason == f"{PARTITION} at offset 4: too long"


def test_what_was_set_aside_is_applied_when_it_is_sent_again(new_world: NewWorld) -> None:
    world = new_world(settings=Settings(id_bytes_max=256))
    long = b'{"type":"track","event":"Started","userId":"%s","properties":{"cart":"c"}}' % (b"x" * 300)
    Reading(world, "first").take([7], 7, [long])
    (letter,) = world.shard.dead_letters.listed()

    world.settings = Settings(id_bytes_max=512)
    world.reopen().resend([letter.number], world.now_ms)

    assert entered(world) == {"x" * 300: 1}
    assert world.shard.dead_letters.listed() == []


def test_set_aside_lines_are_bounded(new_world: NewWorld) -> None:
    world = new_world(settings=Settings(dead_letters_max=3))

    Reading(world, "first").take(range(10), 0, [b"{"] * 10)

    assert len(world.shard.dead_letters.listed()) == 3
    assert [fact.setting for fact in world.facts() if isinstance(fact, LimitReached)] == ["dead_letters_max"] * 7


def test_a_partition_is_remembered_however_many_routers_come_and_go(new_world: NewWorld, lines: Lines) -> None:
    world = new_world(settings=Settings(routers_max=2))
    Reading(world, "first").take([5, 6], below=5)
    for number in range(10):
        batch = Batch(f"router-{number}", 1, [1], [lines.track("anna", "Looked")])
        world.shard.take(batch, world.now_ms)

    world.reopen()

    assert world.shard.batches.partitions.positions() == {PARTITION: 5}
    assert list(Reading(world, "second").take([5, 6], below=5).outcomes) == [2, 2]


def test_a_record_carries_its_own_lines_and_not_all_that_wait_for_the_position(world: World, lines: Lines) -> None:
    reading, looked = Reading(world, "first"), lines.track("anna", "Looked")
    for number in range(50):
        reading.take(range(10 * number, 10 * number + 10, 2), below=0, lines=[looked] * 5)

    newest = list(world.store.records())[-1]

    assert len(encode_record(newest)) < 500


def test_blocks_are_let_go_once_the_position_has_passed_them(world: World) -> None:
    reading = Reading(world, "first")
    for number in range(5):
        reading.take([10 * number, 10 * number + 1], below=0)
    assert len(own_entries(world)) == 6

    reading.tell(31)
    assert len(own_entries(world)) == 3, "the position, and the blocks from 30 and from 40 on"
    reading.tell(100)
    world.reopen()

    assert len(own_entries(world)) == 1


def test_a_store_that_is_shared_out_anew_knows_what_any_shard_had_taken() -> None:
    entries: list[dict[str, bytes]] = []
    for below, offsets in ((20, [20, 22]), (12, [15, 21]), (None, [])):
        shard = Partitions()
        own = {} | dict([shard.begin(PARTITION, "reader")])
        if below is not None:
            own |= dict(shard.advance(PARTITION, below, offsets))
        own |= dict([shard.begin(f"other/{below}", "reader")])
        entries.append(own)

    new = Partitions()
    new.restore(together(entries))
    new.begin(PARTITION, "next")

    assert new.positions() == {PARTITION: 12, "other/20": None, "other/12": None, "other/None": None}
    again = Batch("next", 1, list(range(10, 24)), [b""] * 14, partition=PARTITION, below=12)
    assert [again.line_numbers[place] for place in new.news(again) or ()] == [12, 13, 14, 16, 17, 18, 19, 23]


def test_what_would_become_of_lines_is_told_and_nothing_changes(world: World, lines: Lines) -> None:
    reading = Reading(world, "first")
    reading.take([1, 2], below=1)
    reading.take([3], below=1, lines=[lines.track("anna", "Looked", message_id="m1")])
    asked = [
        (1, started(1)),
        (2, started(3)),  # the line is another one than it was
        (7, started(1)),  # it was taken, and elsewhere
        (8, lines.track("anna", "Looked", message_id="m1")),  # its id tells
        (9, lines.track("bert", "Looked", message_id="m1")),
        (10, b"no JSON"),
        (11, lines.track("anna", "Nobody heard of it")),
    ]
    records, expected = len(list(world.store.records())), [2, 0, 0, 2, 0, 3, 0]

    for _ in range(2):
        offsets, texts = [offset for offset, _ in asked], [line for _, line in asked]
        told = world.shard.batches.foretell(PARTITION, offsets, texts, world.now_ms)
        assert [LineOutcome(each) for each in told] == expected

    assert len(list(world.store.records())) == records
    again = reading.take(offsets, below=1, lines=texts)
    assert list(again.outcomes) == [2, 2, 0, 2, 0, 3, 1], "what stands below the position is taken, whatever it says"


def test_a_line_is_known_no_more_once_its_id_is_forgotten_also_after_a_restart(world: World) -> None:
    Reading(world, "first").take([1], below=1)
    world.reopen()
    assert list(world.shard.batches.foretell(PARTITION, [1], [started(1)], world.now_ms)) == [2]

    world.now_ms += 2 * world.settings.message_ids_for_ms
    assert list(world.shard.batches.foretell(PARTITION, [1], [started(1)], world.now_ms)) == [0]


def test_how_far_partitions_have_been_taken_is_told_of_a_source_and_moves_are_counted(world: World) -> None:
    Reading(world, "first").take([5, 9], below=5)
    taken = world.shard.batches.partitions.taken
    assert taken("stream") == [TakenPartition("0", 5, 10, 0)]
    assert taken("strea") == taken("0") == []

    world.shard.batches.move_position(PARTITION, 3)
    world.shard.batches.move_position(PARTITION, 2)
    world.reopen()

    assert world.shard.batches.partitions.taken("stream") == [TakenPartition("0", 2, 2, 2)]


def test_a_pause_is_remembered_until_it_is_over(world: World) -> None:
    for paused in (True, False):
        world.shard.batches.pause_source("stream", paused=paused)
        world.shard.batches.pause_source("stream", paused=paused)
        world.reopen()

        assert world.shard.batches.partitions.is_paused("stream") is paused
        assert not world.shard.batches.partitions.is_paused("stream/0")


def test_a_store_that_is_shared_out_anew_is_paused_as_its_first_shard_was() -> None:
    first, second = {"paused source stream": b"1"}, {"paused source other": b"1"}

    new = Partitions()
    new.restore(together([first, second]))

    assert (new.is_paused("stream"), new.is_paused("other")) == (True, False)


@pytest.mark.parametrize("seed", range(20))
def test_readers_that_come_and_go_at_any_time_apply_each_line_once(seed: int, new_world: NewWorld) -> None:
    chance = random.Random(seed)
    world, position = new_world(), 0
    done: set[int] = set()

    while position < 40:
        reading = Reading(world, f"reader-{chance.random()}")
        position = reading.position or 0
        for _ in range(chance.randrange(1, 6)):
            offsets = sorted(chance.sample(range(position, position + 8), chance.randrange(1, 6)))
            reading.take(offsets, below=position)
            done |= set(offsets)
            while position in done:
                position += 1
            if chance.random() < 0.5:
                reading.tell(position)
        world.now_ms += 2 * world.settings.message_ids_for_ms  # nothing is known by its id any more
        world.reopen()

    assert entered(world) == {f"u{offset}": 1 for offset in done}
