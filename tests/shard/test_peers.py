"""What shards say to each other is taken once and in its order, whatever crashes, is lost, late, or comes twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from tests.shard.peer_world import Network, Peer

from parcours.config import Settings
from parcours.core.identity import SlotMap
from parcours.errors import StoreBroken, StoreBusy
from parcours.journey.program import Program
from parcours.shard.peer_messages import Ask, Forget, Package, PeerAnswer, decode_message
from parcours.shard.peers import MESSAGE
from parcours.shard.slots import OWN
from parcours.store.codec import encode_record

if TYPE_CHECKING:
    from tests.shard.conftest import Lines, World

Two = tuple["Peer", "Peer"]


@pytest.fixture
def two(program: Program) -> Two:
    owners = SlotMap(2)
    return Peer(0, owners, program), Peer(1, owners, program)


def left(peer: Peer) -> list[str]:
    """The messages that the store would bring back."""
    names = dict[str, bytes]()
    for record in peer.store.records():
        names |= {name: data for slot, name, data in record.profiles if slot == OWN and name.startswith(MESSAGE)}
    return [name for name, data in names.items() if data]


def exchange(one: Peer, other: Peer) -> PeerAnswer:
    """Carry what there is to the other; the answer is on its way back."""
    batch = one.shard.exchanging.batch(other.number)
    assert batch is not None
    return other.taking(batch)


@pytest.mark.parametrize("seed", range(60))
def test_each_message_is_taken_once_and_in_order_under_crashes(seed: int, program: Program) -> None:
    network = Network(program, seed)
    for _ in range(150):
        network.step()

    network.settle()

    for one in network.peers:
        assert left(one) == []
        assert one.shard.status(one.now_ms + 10**9).troubles == []
        for other in network.peers:
            assert other.notes(f"from {one.number}") == one.notes(f"to {other.number}")
    assert any(peer.notes("to 0") for peer in network.peers)
    assert network.crashes


def test_a_message_goes_out_once_its_commit_is_durable_and_not_before(two: Two) -> None:
    one, _ = two
    work = one.shard.commits.begin(one.now_ms)
    one.send_in(work, 1, Ask("a", "0", "identify"))
    assert one.shard.exchanging.batch(1) is None

    one.shard.commits.commit(work)

    batch = one.shard.exchanging.batch(1)
    assert batch is not None and batch.first == 1
    assert [decode_message(data) for data in batch.messages] == [Ask("a", "0", "identify")]


def test_a_work_that_only_sends_is_committed(two: Two) -> None:
    one, _ = two
    work = one.shard.commits.begin(one.now_ms)
    one.shard.peers.send(work, 1, Forget("a", "u", "v"))

    one.shard.commits.commit(work)

    assert left(one) == ["to peer 1 1"]


# Where somebody ends, and whether the message is taken after that (in the end it is, where it was sent at all)
def test_a_sender_that_ends_before_its_commit_has_sent_nothing(two: Two) -> None:
    one, other = two
    one.store.crash = "before"
    with pytest.raises(StoreBroken):
        one.send(1)

    one.reopen()

    assert one.shard.exchanging.batch(1) is None
    assert one.shard.exchanging.hello(1, 0).messages == []
    assert other.notes("from 0") == []


def test_a_sender_that_ends_after_its_commit_sends_again_from_its_journal(two: Two) -> None:
    one, other = two
    one.store.crash = "after"
    with pytest.raises(StoreBroken):
        one.send(1)

    one.reopen()

    assert exchange(one, other) == PeerAnswer(1)
    assert other.notes("from 0") == ["0.1"]


def test_a_receiver_that_ends_before_its_commit_takes_the_message_when_it_comes_again(two: Two) -> None:
    one, other = two
    one.send(1)
    other.store.crash = "before"
    with pytest.raises(StoreBroken):
        exchange(one, other)

    other.reopen()
    assert other.notes("from 0") == []

    assert exchange(one, other) == PeerAnswer(1)
    assert other.notes("from 0") == ["0.1"]


def test_a_receiver_that_ends_after_its_commit_answers_from_memory(two: Two) -> None:
    one, other = two
    one.send(1)
    other.store.crash = "after"
    with pytest.raises(StoreBroken):
        exchange(one, other)

    other.reopen()
    newest = other.shard.commits.sequence

    assert exchange(one, other) == PeerAnswer(1)
    assert other.notes("from 0") == ["0.1"]
    assert other.shard.commits.sequence == newest, "to answer again is no commit"


@pytest.mark.parametrize("crash", ["before", "after"])
def test_a_sender_that_ends_while_it_drops_a_message_drops_it_at_the_next_answer(crash: str, two: Two) -> None:
    one, other = two
    one.send(1)
    answer = exchange(one, other)
    one.store.crash = crash  # type: ignore[assignment]  # one of the two
    with pytest.raises(StoreBroken):
        one.answered(1, answer)

    one.reopen()
    if crash == "before":
        assert one.answered(1, exchange(one, other))

    assert left(one) == []
    one.send(1)
    assert exchange(one, other) == PeerAnswer(2), "its number is not given away again"
    assert other.notes("from 0") == ["0.1", "0.2"]


def test_what_comes_late_or_twice_says_nothing_new(two: Two) -> None:
    one, other = two
    one.send(1)
    late = one.shard.exchanging.batch(1)
    assert late is not None
    first = exchange(one, other)
    one.answered(1, first)
    one.send(1, 2)
    one.answered(1, exchange(one, other))
    newest = one.shard.commits.sequence, other.shard.commits.sequence

    assert other.taking(late) == PeerAnswer(3)
    assert not one.answered(1, first)

    assert (one.shard.commits.sequence, other.shard.commits.sequence) == newest
    assert other.notes("from 0") == ["0.1", "0.2", "0.3"]


def test_a_batch_that_is_known_in_part_is_taken_from_there_on(two: Two) -> None:
    one, other = two
    one.send(1)
    exchange(one, other)
    one.send(1)  # the answer was lost, so both go

    assert exchange(one, other) == PeerAnswer(2)
    assert other.notes("from 0") == ["0.1", "0.2"]


def test_a_message_tells_too_what_has_been_taken_so_an_answer_of_its_own_may_be_lost(two: Two) -> None:
    one, other = two
    one.send(1)
    exchange(one, other)

    exchange(other, one)  # what it said to that

    assert left(one) == []
    assert one.notes("from 1") == ["no-0.1"]


def test_hello_gives_what_was_not_taken_and_changes_nothing(two: Two) -> None:
    one, other = two
    one.send(1, 3)
    newest = one.shard.commits.sequence

    assert len(one.shard.exchanging.hello(1, 0).messages) == 3
    batch = one.shard.exchanging.hello(1, 2)

    assert (batch.first, len(batch.messages), one.shard.commits.sequence) == (3, 1, newest)
    assert one.shard.exchanging.hello(1, 3).messages == []
    assert other.taking(one.shard.exchanging.hello(1, 0)) == PeerAnswer(3)


def test_what_is_under_way_at_a_time_is_bounded_in_messages_and_bytes(program: Program) -> None:
    settings = Settings(peer_batch_messages_max=4, peer_batch_bytes_max=1_000, peer_messages_max=6)
    one = Peer(0, SlotMap(2), program, settings)
    one.send(1, 5)
    assert one.shard.peers.has_room(1)
    few = one.shard.exchanging.batch(1)
    one.send(1)
    assert not one.shard.peers.has_room(1) and one.shard.status().unanswered == 6
    assert few is not None and len(few.messages) == 4

    large = Peer(0, SlotMap(2), program, settings)
    work = large.shard.commits.begin(1)
    for size in (400, 400, 400, 5_000, 10):
        large.shard.peers.send(work, 1, Package("a", "u", bytes(size)))
    large.shard.commits.commit(work)

    other, carried = Peer(1, SlotMap(2), program, settings), list[int]()
    while (batch := large.shard.exchanging.batch(1)) is not None:
        carried.append(len(batch.messages))
        large.answered(1, other.taking(batch))
    assert carried == [2, 1, 1, 1], "one that is larger goes by itself"


def test_an_older_copy_of_a_shard_changes_nothing(two: Two) -> None:
    one, other = two
    one.send(1)
    stale = other.shard
    other.reopen()
    batch = one.shard.exchanging.batch(1)
    assert batch is not None
    fresh, other.shard = other.shard, stale

    with pytest.raises((StoreBusy, StoreBroken)):
        other.taking(batch)

    other.shard = fresh
    assert other.notes("from 0") == []


def test_a_message_that_waits_too_long_is_a_trouble_until_it_is_answered(two: Two) -> None:
    one, other = two
    one.send(1, 2)
    assert one.shard.status(one.now_ms + 5_000).troubles == []

    (trouble,) = one.reopen().status(one.now_ms + 7_000).troubles
    assert trouble.startswith("messages to shard 1 are not answered: 2, the oldest for 7 s; ")

    one.answered(1, exchange(one, other))
    assert one.shard.status(one.now_ms + 7_000).troubles == []


def test_a_sender_restored_alone_is_found_out_before_a_message_is_lost(two: Two, program: Program) -> None:
    one, other = two
    one.send(1, 2)
    one.answered(1, exchange(one, other))
    older = Peer(0, one.owners, program)  # as its backup was
    older.send(1)

    hello = other.shard.exchanging.hello(0, 0)
    older.taking(hello)

    (trouble,) = older.shard.status(older.now_ms).troubles
    assert "shard 0 and shard 1 are not of one moment" in trouble
    assert older.shard.exchanging.batch(1) is None and not older.shard.peers.has_room(1)


def test_a_receiver_restored_alone_is_found_out(two: Two, program: Program) -> None:
    one, _ = two
    one.send(1, 2)
    exchange(one, two[1])
    one.answered(1, PeerAnswer(2))
    one.send(1)
    older = Peer(1, one.owners, program)

    assert exchange(one, older) == PeerAnswer(0)

    (trouble,) = older.shard.status(older.now_ms).troubles
    assert "it has had answers to 2 messages, and this one took 0" in trouble


def test_a_commit_holds_nothing_of_peers_where_none_has_anything(new_world: Callable[..., World], lines: Lines) -> None:
    world = new_world()
    world.take(lines.track("anna", "Looked"))

    (record,) = [each for each in world.store.records() if each.seen or each.profiles][-1:]

    assert not [name for slot, name, _ in record.profiles if slot == OWN and name.startswith(("peer ", "to peer "))]
    assert len(encode_record(record)) < 500
    assert world.shard.peers.waiting() == []


def test_an_older_copy_that_says_hello_learns_that_there_is_a_newer_one(two: Two) -> None:
    one, other = two
    one.send(1)
    stale = other.shard
    other.reopen()
    one.answered(1, exchange(one, other))
    behind = one.shard.exchanging.hello(1, 0)
    fresh, other.shard = other.shard, stale

    with pytest.raises((StoreBusy, StoreBroken)):
        other.taking(behind)

    assert (behind.first, behind.messages) == (2, [])
    other.shard = fresh
