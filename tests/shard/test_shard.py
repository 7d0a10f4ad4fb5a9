"""One shard: batches by number, commit before anything is seen, deliveries from the outbox and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from parcours.channel import Accepted, Ambiguous, NotSent, Refused
from parcours.config import MINUTE_MS, Settings
from parcours.core.fact import DeliveryReached, Moved
from parcours.errors import StoreBroken
from parcours.shard.messages import Answer, Batch, Claims, LineOutcome
from parcours.shard.requests import ExchangeDeliveries
from parcours.store.memory import MemoryStore
from parcours.store.store import Record

if TYPE_CHECKING:
    from tests.shard.conftest import Lines, World

ACCEPTED = bytes([LineOutcome.ACCEPTED])
"""The outcomes of a batch of one line."""


class FailingStore(MemoryStore):
    """A disk that is full from some moment on."""

    def __init__(self) -> None:
        super().__init__()
        self.full = False

    def append(self, record: Record) -> int:
        if self.full:
            raise StoreBroken("the disk is full")
        return super().append(record)


def places(answer: Answer, outcome: LineOutcome) -> list[int]:
    """The lines of which this became, by their place in the batch."""
    return [place for place, each in enumerate(answer.outcomes) if each == outcome]


# Batches


def test_a_batch_that_comes_again_gets_its_old_answer(world: World, lines: Lines) -> None:
    batch = world.batch(lines.track("anna", "Started", message_id="m1"), b"rubbish")
    first = world.shard.take(batch, world.now_ms)

    again = world.shard.take(batch, world.now_ms + 1)

    assert again == first
    assert places(first, LineOutcome.REJECTED) == [0 + 1]
    assert len(world.facts()) == 3  # entered, reached, waiting: once


def test_after_a_gap_the_expected_number_is_the_answer(world: World, lines: Lines) -> None:
    world.take(lines.identify("anna"))

    before = world.facts()

    answer = world.shard.take(Batch("router", 3, [9], [lines.track("anna", "Started")]), world.now_ms)

    assert answer == Answer(3, expected=2)
    assert world.facts() == before


def test_each_router_has_its_own_numbers(world: World, lines: Lines) -> None:
    world.take(lines.identify("anna"))

    answer = world.shard.take(Batch("other", 1, [1], [lines.identify("bert")]), world.now_ms)

    assert answer == Answer(1, ACCEPTED)


def test_old_answers_are_known_for_as_many_batches_as_may_be_under_way(
    new_world: Callable[..., World], lines: Lines
) -> None:
    world = new_world(settings=Settings(batches_in_flight_max=12))
    batches = [world.batch(lines.identify(f"p{number}"), b"rubbish") for number in range(13)]
    answers = [world.shard.take(batch, world.now_ms) for batch in batches]

    assert world.shard.take(batches[1], world.now_ms) == answers[1]
    assert world.shard.take(batches[0], world.now_ms) == Answer(1, expected=14), "that one had been answered"


def test_the_router_unheard_of_for_longest_is_forgotten(new_world: Callable[..., World], lines: Lines) -> None:
    world = new_world(settings=Settings(routers_max=2))
    for router in ("a", "b", "a", "c"):
        number = 2 if router == "a" and world.batches else 1
        world.batches += 1
        world.shard.take(Batch(router, number, [world.batches], [lines.identify("anna")]), world.now_ms)

    def expected(router: str) -> int | None:
        return world.shard.take(Batch(router, 99, [], []), world.now_ms).expected

    assert (expected("a"), expected("b"), expected("c")) == (3, 1, 2)


def test_a_message_counts_once_within_a_batch_and_over_batches(world: World, lines: Lines) -> None:
    line = lines.track("anna", "Started", message_id="m1")

    first = world.take(line, line, lines.track("bert", "Started", message_id="m1"))
    second = world.take(line)

    assert places(first, LineOutcome.DUPLICATE) == [1], "ids are per person"
    assert places(second, LineOutcome.DUPLICATE) == [0]


def test_duplicates_are_known_after_a_restart(world: World, lines: Lines) -> None:
    line = lines.track("anna", "Started", message_id="m1")
    world.take(line)

    world.reopen()

    assert places(world.take(line), LineOutcome.DUPLICATE) == [0]


def test_a_line_without_a_message_id_is_a_new_one_for_every_router(world: World, lines: Lines) -> None:
    line = lines.track("anna", "Looked")

    first = world.shard.take(Batch("before", 1, [1], [line]), world.now_ms)
    second = world.shard.take(Batch("after", 1, [1], [line]), world.now_ms)

    assert (first.outcomes, second.outcomes) == (ACCEPTED, ACCEPTED)


def test_what_cannot_be_used_is_named_by_its_place_and_the_rest_goes_on(world: World, lines: Lines) -> None:
    answer = world.take(
        b"{",
        lines.track("anna", "Started"),
        b'{"type":"alias","anonymousId":"a","previousId":"b"}',
        lines.identify("anna"),
    )

    assert places(answer, LineOutcome.REJECTED) == [0, 2]
    assert "alias" in answer.reasons[1]
    assert world.shard.profile("anna") is not None


def test_an_undeclared_event_is_counted_and_moves_nothing(world: World, lines: Lines) -> None:
    answer = world.take(lines.track("anna", "Never Heard Of"), lines.track("anna", "Looked"))

    assert answer == Answer(1, bytes([LineOutcome.UNDECLARED, LineOutcome.ACCEPTED]))
    assert world.shard.profile("anna") is None


# Commit before anything is seen


@pytest.mark.parametrize("operation", ["take", "pass_time", "claim", "settle", "place", "skip", "give_up"])
def test_a_shard_that_could_not_commit_refuses_everything_until_it_is_opened_again(
    operation: str, new_world: Callable[..., World], lines: Lines
) -> None:
    # given deliveries ready and claimed, a timer due, and a disk that is full
    store = FailingStore()
    world = new_world(store=store)
    world.take(lines.identify("anna"), lines.track("anna", "Started", "c1"), lines.track("anna", "Started", "c2"))
    world.pass_ms(20_001)
    (claimed,) = world.claim(1)
    world.take(lines.track("anna", "Started", "c3"))
    world.now_ms += 60_000
    committed = list(store.records())
    store.full = True
    operations: dict[str, Callable[[], object]] = {
        "take": lambda: world.take(lines.track("bert", "Started", message_id="m1")),
        "pass_time": lambda: world.shard.pass_time(world.now_ms),
        "claim": lambda: world.claim(),
        "settle": lambda: world.settle(Accepted(claimed.key)),
        "place": lambda: world.shard.reading.place_members("remind", 5, 0, [("anna", 0)], world.now_ms),
        "skip": lambda: world.shard.reading.skip_read("remind", 5, world.now_ms),
        "give_up": lambda: world.shard.give_up("dispatcher", world.now_ms),
    }

    # when it cannot commit
    with pytest.raises(StoreBroken, match="full"):
        operations[operation]()

    # then nothing is seen or done any more, even when there is room again
    store.full = False
    looks: list[Callable[[], object]] = [
        world.shard.status, world.shard.ready, world.shard.next_ms, world.shard.collect_facts,
        lambda: world.shard.profile("anna"), lambda: world.shard.reading.due_reads(1), *operations.values(),
    ]  # fmt: skip
    for look in looks:
        with pytest.raises(StoreBroken, match="open it again"):
            look()
    assert list(store.records()) == committed

    # and opened again it goes on from what was committed
    world.reopen()
    world.batches = 2
    assert world.take(lines.track("bert", "Started", message_id="m1")) == Answer(3, ACCEPTED)


def test_a_batch_that_was_not_committed_is_taken_when_it_comes_again(
    new_world: Callable[..., World], lines: Lines
) -> None:
    store = FailingStore()
    world = new_world(store=store)
    batch = world.batch(lines.track("anna", "Started", message_id="m1"))
    store.full = True
    with pytest.raises(StoreBroken):
        world.shard.take(batch, world.now_ms)

    store.full = False
    world.reopen()

    assert world.shard.profile("anna") is None
    assert world.shard.take(batch, world.now_ms) == Answer(1, ACCEPTED)


# Time


def test_a_timer_fires_at_its_own_time_however_late_the_look(world: World, lines: Lines) -> None:
    world.take(lines.identify("anna"), lines.track("anna", "Started"))
    started_ms = world.now_ms

    world.pass_ms(20_000)
    assert "timed_out" not in [fact.what for fact in world.facts() if isinstance(fact, Moved)]
    world.pass_ms(500_000)

    (timed_out,) = [fact for fact in world.facts() if isinstance(fact, Moved) and fact.what == "timed_out"]
    assert timed_out.at == started_ms + 20_000


@pytest.mark.parametrize(
    "after_ms, way",
    [
        (19_999, "matched"),
        (20_000, "matched"),  # an event goes before a timer of the same instant
        (20_001, "timed_out"),  # though nobody has looked at the timer yet
    ],
)
def test_an_event_goes_before_the_person_s_timers_unless_they_are_earlier(
    after_ms: int, way: str, world: World, lines: Lines
) -> None:
    world.take(lines.identify("anna"), lines.track("anna", "Started"))
    world.now_ms += after_ms

    world.take(lines.track("anna", "Bought"))

    moves = [fact.what for fact in world.facts() if isinstance(fact, Moved)]
    assert way in moves
    assert len({"matched", "timed_out"} & set(moves)) == 1


def test_time_does_not_go_back_with_the_clock(world: World, lines: Lines) -> None:
    world.take(lines.track("anna", "Started", "c1"))
    before = world.now_ms
    world.now_ms -= 500_000

    world.take(lines.track("anna", "Started", "c2"))

    assert {fact.at for fact in world.facts()} == {before}
    assert world.reopen().status().stamp_ms == before


def test_a_backlog_of_timers_is_worked_off_in_slices(new_world: Callable[..., World], lines: Lines) -> None:
    world = new_world(settings=Settings(due_people_max=2))
    world.take(*[lines.track(f"p{number}", "Started") for number in range(5)])
    world.now_ms += 100_000

    left = []
    for _ in range(3):
        world.shard.pass_time(world.now_ms)
        next_ms = world.shard.status().next_ms
        left.append(next_ms is not None and next_ms < world.now_ms)

    assert left == [True, True, False]
    assert len([fact for fact in world.facts() if isinstance(fact, Moved) and fact.what == "timed_out"]) == 5


# Deliveries


def test_a_delivery_is_claimed_durably_before_it_is_handed_out(world: World, lines: Lines) -> None:
    world.take(lines.identify("anna"), lines.track("anna", "Started"), lines.track("anna", "Bought"))

    (outgoing,) = world.claim()

    assert (outgoing.to, outgoing.message, outgoing.attempt) == ("anna@shop.example", "receipt", 1)
    assert [fact.outcome for fact in world.facts() if isinstance(fact, DeliveryReached)] == ["queued", "claimed"]
    assert world.claim() == []
    assert world.shard.status().claimed == 1


def test_claims_are_at_most_as_many_as_asked_for_and_more_are_announced(world: World, lines: Lines) -> None:
    world.take(lines.identify("anna"), *[lines.track("anna", "Started", f"c{number}") for number in range(3)])
    world.take(*[lines.track("anna", "Bought", f"c{number}") for number in range(3)])

    first = world.exchange(most=2)
    second = world.exchange(most=2)

    assert (len(first.outgoing), first.more) == (2, True)
    assert (len(second.outgoing), second.more) == (1, False)


def test_what_certainly_did_not_leave_is_ready_again_after_a_pause(world: World, lines: Lines) -> None:
    world.take(lines.identify("anna"), lines.track("anna", "Started"), lines.track("anna", "Bought"))
    (outgoing,) = world.claim()

    world.settle(NotSent(outgoing.key, "busy"))
    world.pass_ms(MINUTE_MS)
    assert world.claim() == []
    world.pass_ms(1)

    assert [(again.key, again.attempt) for again in world.claim()] == [(outgoing.key, 2)]


def test_a_receipt_for_what_is_not_under_way_changes_nothing(world: World, lines: Lines) -> None:
    world.take(lines.identify("anna"), lines.track("anna", "Started"), lines.track("anna", "Bought"))
    (outgoing,) = world.claim()
    world.settle(Accepted(outgoing.key, "p1"))
    committed = len(list(world.store.records()))

    world.settle(Refused(outgoing.key, "too late", permanent=True), Accepted("unknown"))

    assert world.states("anna") == ["sent"]
    assert len(list(world.store.records())) == committed


def test_an_exit_takes_back_what_is_ready_and_nobody_gets_it(world: World, lines: Lines) -> None:
    world.take(lines.identify("anna"), lines.track("anna", "Started"))
    world.pass_ms(20_001)
    assert world.shard.ready() == {"email": 1}

    world.take(lines.track("anna", "Emptied"))

    assert world.claim() == []
    assert world.states("anna") == ["cancelled"]
    assert world.shard.ready() == {}


def test_claims_of_a_dispatcher_that_is_gone_are_ambiguous_and_those_of_others_are_not(
    world: World, lines: Lines
) -> None:
    world.take(lines.identify("anna"), lines.track("anna", "Started"), lines.track("anna", "Bought"))
    world.take(lines.identify("bert"), lines.track("bert", "Started"), lines.track("bert", "Bought"))
    world.shard.exchange(ExchangeDeliveries([], "email", 1, "email-1", 1), world.now_ms)
    world.shard.exchange(ExchangeDeliveries([], "email", 1, "email-2", 1), world.now_ms)

    world.shard.give_up("email-1", world.now_ms)

    assert (world.states("anna"), world.states("bert")) == (["unknown"], ["claimed"])
    told = "1 delivery was under way when the dispatcher 'email-1' stopped: 1 will be sent again"
    assert world.shard.status(world.now_ms).troubles == [told]


def test_receipts_and_the_claims_for_their_places_are_one_commit(world: World, lines: Lines) -> None:
    world.take(lines.identify("anna"), *[lines.track("anna", "Started", f"c{number}") for number in range(3)])
    world.take(*[lines.track("anna", "Bought", f"c{number}") for number in range(3)])
    first, second = world.claim(2)
    before = world.shard.commits.sequence

    claims = world.exchange(Accepted(first.key), Accepted(second.key), most=2)

    assert (len(claims.outgoing), claims.more) == (1, False)
    assert sorted(world.states("anna")) == ["claimed", "sent", "sent"]
    assert world.shard.commits.sequence == before + 1


def test_claims_that_did_not_reach_their_dispatcher_are_ready_again_as_if_nobody_had_tried(
    world: World, lines: Lines
) -> None:
    world.take(lines.identify("anna"), *[lines.track("anna", "Started", f"c{number}") for number in range(2)])
    world.take(*[lines.track("anna", "Bought", f"c{number}") for number in range(2)])
    reached, lost = world.claim()

    world.exchange(holds=[(1, reached.key)])

    assert world.states("anna") == ["claimed", "queued"]
    assert [(each.key, each.attempt) for each in world.claim()] == [(lost.key, 1)]


def two_bought(world: World, lines: Lines) -> None:
    world.take(lines.identify("anna"), *[lines.track("anna", "Started", f"c{number}") for number in range(2)])
    world.take(*[lines.track("anna", "Bought", f"c{number}") for number in range(2)])


def test_a_request_that_comes_twice_is_carried_out_once_and_answered_as_before(world: World, lines: Lines) -> None:
    two_bought(world, lines)
    first = world.exchange(most=1).outgoing
    back = NotSent(first[0].key, "it waits", tried=False)

    one = world.exchange(back, most=1)
    newest = world.shard.commits.sequence
    world.claims[back.key] = 1
    same = world.exchange(back, most=1, number=world.requests)

    assert same.outgoing == one.outgoing and len(one.outgoing) == 1
    assert world.shard.commits.sequence == newest
    assert sorted(world.states("anna")) == ["claimed", "queued"]


def test_a_request_that_has_been_overtaken_takes_back_nothing_and_is_handed_nothing(world: World, lines: Lines) -> None:
    two_bought(world, lines)
    late = 1
    (claimed,) = world.exchange(most=1, holds=[], number=late + 1).outgoing

    claims = world.exchange(most=2, holds=[], number=late)

    assert claims.outgoing == []
    assert sorted(world.states("anna")) == ["claimed", "queued"]
    world.exchange(Accepted(claimed.key, "p1"), number=late + 2)
    assert sorted(world.states("anna")) == ["queued", "sent"]


def test_a_receipt_of_an_older_claim_does_not_settle_a_newer_one(world: World, lines: Lines) -> None:
    world.take(lines.identify("anna"), lines.track("anna", "Ordered"))
    (claimed,) = world.claim()
    world.settle(NotSent(claimed.key, "it waits", tried=False))
    (again,) = world.claim()
    newest = world.shard.commits.sequence

    world.claims[again.key] = 1
    world.settle(NotSent(again.key, "busy"))
    world.settle(Refused(again.key, "no", permanent=True))

    assert world.states("anna") == ["claimed"]
    assert world.shard.commits.sequence == newest
    world.claims[again.key] = 3
    world.settle(Accepted(again.key, "p1"))
    assert world.states("anna") == ["sent"]


def test_a_receipt_of_another_dispatcher_does_not_settle_a_claim(world: World, lines: Lines) -> None:
    world.take(lines.identify("anna"), lines.track("anna", "Ordered"))
    (claimed,) = world.claim()

    receipts = [(1, Refused(claimed.key, "no", permanent=True))]
    world.shard.exchange(ExchangeDeliveries(receipts, "email", 0, "another", 1), world.now_ms)

    assert world.states("anna") == ["claimed"]


def test_a_dispatcher_that_was_given_up_is_handed_nothing_more(world: World, lines: Lines) -> None:
    two_bought(world, lines)
    (claimed,) = world.claim(1)
    world.shard.give_up("dispatcher", world.now_ms)

    claims = world.exchange(Accepted(claimed.key, "p1"), most=5)

    assert claims == Claims([], more=False), "a request that it had sent before it died would claim for nobody"
    assert sorted(world.states("anna")) == ["queued", "sent"], "what it knows still counts"
    assert world.shard.status().claimed == 0


def test_what_may_have_left_goes_out_once_more_and_then_never_again(world: World, lines: Lines) -> None:
    world.take(lines.identify("anna"), lines.track("anna", "Ordered"))
    (outgoing,) = world.claim()
    world.settle(Ambiguous(outgoing.key, "the connection broke"))
    world.pass_ms(5 * MINUTE_MS + 1)

    (again,) = world.claim()
    assert (again.key, again.attempt) == (outgoing.key, 2)
    world.settle(Ambiguous(again.key, "and again"))
    world.pass_ms(100 * MINUTE_MS)

    assert world.shard.ready() == {}
    assert world.states("anna") == ["unknown"]


def test_a_second_attempt_that_is_ready_does_not_leave_a_run_that_has_been_left(world: World, lines: Lines) -> None:
    world.take(lines.identify("anna"), lines.track("anna", "Ordered"))
    (outgoing,) = world.claim()
    world.settle(Ambiguous(outgoing.key, "the connection broke"))
    world.pass_ms(5 * MINUTE_MS + 1)
    assert world.shard.ready() == {"email": 1}

    world.take(lines.track("anna", "Emptied"))

    assert world.claim() == []
    assert world.states("anna") == ["unknown"]


def test_recording_channels_are_answered_inside_whatever_made_them_ready(
    new_world: Callable[..., World], lines: Lines
) -> None:
    world = new_world(records=("email",))
    world.take(lines.identify("anna"), lines.track("anna", "Started"))

    world.pass_ms(20_001)

    assert world.states("anna") == ["sent"]
    assert (world.shard.status().ready, world.shard.status().claimed) == ({}, 0)
