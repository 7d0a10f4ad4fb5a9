"""Somebody becomes another person: within a shard, and from one to another, as far as one thread tells."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from tests.shard.moving_world import MovingWorld, name_in

from parcours.config import DAY_MS, SECOND_MS, Settings
from parcours.core.fact import Merged, NotMerged
from parcours.core.profile import Origin
from parcours.core.totals import Step
from parcours.errors import ShardStopped
from parcours.journey.project import Project
from parcours.shard.dead_letters import resent
from parcours.shard.messages import Again, Batch, LineOutcome
from parcours.shard.shard import Shard

NewShop = Callable[..., Project]


@pytest.fixture(params=[1, 2], ids=["one shard", "two shards"])
def world(request: pytest.FixtureRequest, new_shop: NewShop) -> MovingWorld:
    return MovingWorld(new_shop(history="used"), request.param)


@pytest.fixture
def anna(world: MovingWorld) -> str:
    return name_in(0, world.shards, "anna")


@pytest.fixture
def visitor(world: MovingWorld) -> str:
    return name_in(world.shards - 1, world.shards, "@anonymous/v")


def merged(world: MovingWorld) -> list[Merged]:
    return [fact for fact in world.facts() if isinstance(fact, Merged)]


def steps_of(shard: Shard) -> list[tuple[Step, tuple[int, int, int]]]:
    return shard.totals.totals().steps


def not_merged(world: MovingWorld) -> list[str]:
    return [fact.reason for fact in world.facts() if isinstance(fact, NotMerged)]


def test_a_run_of_the_visitor_goes_on_as_hers(world: MovingWorld, anna: str, visitor: str) -> None:
    world.track(visitor, "Started")

    world.identify(anna, visitor, email="a@shop.example")
    world.settle()

    (run,) = world.profile(anna).runs
    assert (run.journey, run.number, run.step, run.origin) == ("remind", 1, "bought", Origin(visitor, 1))
    assert world.identity(visitor).moved_to == anna
    assert not world.profile(visitor).runs
    (fact,) = merged(world)
    assert (fact.person, fact.name, fact.call) == (anna, visitor, "identify")
    world.pass_ms(21 * SECOND_MS)
    assert [each.person for _, _, each in world.claim()] == [anna]


def test_whatever_is_written_under_the_visitor_s_name_is_hers(world: MovingWorld, anna: str, visitor: str) -> None:
    world.identify(anna, visitor, email="a@shop.example")
    world.settle()

    assert world.say("once", type="track", event="Started", properties={"cart": "c1"}, anonymousId=visitor[11:]) == 0
    assert world.say("once", type="track", event="Started", anonymousId=visitor[11:]) == LineOutcome.DUPLICATE

    assert world.profile(anna).counts == {"remind": 1}


def test_who_waits_is_not_put_right_by_a_shard_that_people_have_left(
    world: MovingWorld, anna: str, visitor: str
) -> None:
    world.track(visitor, "Started")
    world.identify(anna, visitor)
    world.settle()

    for number in range(world.shards):
        world.reopen(number)

    assert [world.each[number].totals.check(1_000) for number in range(world.shards)] == [[]] * world.shards
    steps = [counts for shard in world.each for _, counts in shard.totals.totals().steps]
    assert sum(inflow - gone_on - ended for inflow, gone_on, ended in steps) == len(world.profile(anna).runs) == 1


def test_an_id_consumed_before_is_recognised_after(world: MovingWorld, anna: str, visitor: str) -> None:
    world.say("once", type="track", event="Started", properties={"cart": "c1"}, anonymousId=visitor[11:])
    world.identify(anna, visitor)
    world.settle()

    assert world.say("once", type="track", event="Started", anonymousId=visitor[11:]) == LineOutcome.DUPLICATE


def test_a_line_for_her_under_a_name_that_is_hers_no_more_goes_back(new_shop: NewShop) -> None:
    world = MovingWorld(new_shop(history="used"))
    anna, visitor = name_in(0, 2, "anna"), name_in(1, 2, "@anonymous/v")
    world.identify(anna, visitor)
    world.settle()
    world.identify(name_in(0, 2, "bert"), visitor)
    world.settle()
    line = msgspec.json.encode({"type": "track", "event": "Started", "anonymousId": visitor[11:], "messageId": "late"})

    answer = world.each[0].take(Batch("late", 1, [1], [line], again=[Again(visitor, anna)]), world.now_ms)

    assert [told.verdict for told in answer.deferred] == ["back"]
    assert world.profile(anna).counts == {}


def test_ten_identifies_of_the_same_pair_merge_once(world: MovingWorld, anna: str, visitor: str) -> None:
    for _ in range(10):
        world.identify(anna, visitor)
        world.settle()

    assert len(merged(world)) == 1
    assert not not_merged(world)


def test_two_known_people_are_never_merged(world: MovingWorld, anna: str) -> None:
    carl = name_in(world.shards - 1, world.shards, "carl")
    world.identify(carl)

    world.say(type="alias", previousId=carl, userId=anna)
    world.settle()

    assert not_merged(world) == ["two_known"]
    assert world.identity(carl).moved_to is None


def test_a_visitor_of_two_people_is_cut_loose(world: MovingWorld, anna: str, visitor: str) -> None:
    bert = name_in(world.shards - 1, world.shards, "bert")
    world.identify(anna, visitor)
    world.settle()
    world.say("hers", type="track", event="Started", properties={"cart": "c1"}, anonymousId=visitor[11:])

    world.identify(bert, visitor)
    world.settle()

    assert not_merged(world) == ["shared"]
    assert world.identity(anna).names == {}
    assert world.profile(anna).counts == {"remind": 1}
    assert world.say("hers", type="track", event="Started", anonymousId=visitor[11:]) == LineOutcome.DUPLICATE
    world.track(visitor, "Ordered")
    assert world.profile(visitor).counts == {"ship": 1}
    world.identify(anna, visitor)
    world.settle()
    assert not_merged(world) == ["shared", "shared"]


def test_an_alias_asks_for_the_visitor_the_user_and_then_links(world: MovingWorld, anna: str) -> None:
    visitor, old = name_in(world.shards - 1, world.shards, "@anonymous/v"), name_in(0, world.shards, "old")
    world.track(old, "Started")

    world.say(type="alias", previousId=old, userId=anna)
    world.settle()
    assert world.identity(old).moved_to == anna

    world.say(type="alias", previousId=visitor[11:], userId=anna)
    world.settle()
    assert world.identity(visitor).moved_to == anna
    assert [fact.call for fact in merged(world)] == ["alias", "alias"]


def test_queued_deliveries_leave_as_hers(world: MovingWorld, anna: str, visitor: str) -> None:
    world.say(type="identify", anonymousId=visitor[11:], traits={"email": "v@shop.example"})
    world.track(visitor, "Ordered")

    world.identify(anna, visitor)
    world.settle()

    (claimed,) = world.claim()
    assert (claimed[2].person, claimed[2].run, claimed[2].to) == (anna, 1, "v@shop.example")
    world.answer(claimed)
    assert [delivery.state for run in world.profile(anna).runs for delivery in run.deliveries] == ["sent"]
    assert not world.claim()


def test_a_late_answer_for_an_older_claim_leaves_the_one_alone_that_moved(
    world: MovingWorld, anna: str, visitor: str
) -> None:
    world.say(type="identify", anonymousId=visitor[11:], traits={"email": "v@shop.example"})
    world.track(visitor, "Ordered")
    (older,) = world.claim(by="one that is gone")
    world.each[older[0]].give_up("one that is gone", world.now_ms)
    world.pass_ms(400 * SECOND_MS)
    (claimed,) = world.claim()
    world.identify(anna, visitor)
    world.settle()

    world.answer(older, by="one that is gone")
    world.answer(claimed)
    world.settle()

    assert [delivery.state for run in world.profile(anna).runs for delivery in run.deliveries] == ["sent"]


@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize("dies", [False, True])
def test_what_was_claimed_before_is_answered_for_after(
    world: MovingWorld, anna: str, visitor: str, *, sent: bool, dies: bool
) -> None:
    world.say(type="identify", anonymousId=visitor[11:], traits={"email": "v@shop.example"})
    world.track(visitor, "Ordered")
    (claimed,) = world.claim()
    world.identify(anna, visitor)
    world.settle()

    if dies:
        world.reopen(claimed[0])
    else:
        world.answer(claimed, sent=sent)
    world.settle()

    (run,) = world.profile(anna).runs
    state = run.deliveries[0].state
    assert state == ("unknown" if dies else "sent" if sent else "queued")
    if not sent or dies:
        world.pass_ms(400 * SECOND_MS)
        (again,) = world.claim()
        assert (again[2].key, again[2].person, again[2].attempt) == (claimed[2].key, anna, 2)


def test_each_shard_counts_whoever_waits_with_it(world: MovingWorld, anna: str, visitor: str) -> None:
    world.track(visitor, "Started")
    world.track(visitor, "Posted")
    world.identify(anna, visitor, email="a@shop.example")
    world.settle()
    world.track(visitor, "Started", cart="c2")

    for number in range(world.shards):
        world.reopen(number)
        told = list[str]()
        while not world.each[number].totals.is_checked:
            told += world.each[number].totals.check(100)
        assert told == []
    cells = [(step, inflow - gone - ended) for each in world.each for step, (inflow, gone, ended) in steps_of(each)]
    waiting = {step: number for step, number in cells if number}
    assert waiting == {("remind", 1, "bought"): 2, ("text", 1, "pause"): 1}


def test_a_name_that_forwards_is_not_counted_among_people(world: MovingWorld, anna: str, visitor: str) -> None:
    world.track(visitor, "Started")
    assert sum(shard.status().people for shard in world.each) == 1

    world.identify(anna, visitor)
    world.settle()

    assert sum(shard.status().people for shard in world.each) == 1
    for number in range(world.shards):
        world.reopen(number)
    assert sum(shard.status().people for shard in world.each) == 1


def test_a_name_that_nobody_uses_for_long_is_let_go(new_shop: NewShop) -> None:
    for shards in (1, 2):
        world = MovingWorld(new_shop(history="used"), shards, Settings(identity_memory_ms=2 * DAY_MS))
        anna, visitor = name_in(0, shards, "anna"), name_in(shards - 1, shards, "@anonymous/v")
        tablet = name_in(0, shards, "@anonymous/t")
        world.say("before", type="track", event="Started", properties={"cart": "c1"}, anonymousId=visitor[11:])
        for name in (visitor, tablet):
            world.identify(anna, name)
            world.settle()
        world.say("as hers", type="track", event="Looked", anonymousId=visitor[11:])

        world.pass_ms(2 * DAY_MS)
        world.track(tablet, "Looked")  # which counts as a use
        world.pass_ms(2 * DAY_MS)
        world.settle()

        assert list(world.identity(anna).names) == [tablet]
        assert world.identity(visitor).moved_to is None and not world.identity(visitor).shared
        assert world.profile(visitor).counts == {"remind": 1}, "her runs are counted on, so no key comes twice"
        world.track(visitor, "Started", cart="c2")
        assert [run.number for run in world.profile(visitor).runs] == [2]
        world.identify(anna, visitor)
        world.settle()
        assert world.identity(visitor).moved_to == anna and not not_merged(world)

        world.pass_ms(9 * DAY_MS)
        world.settle()
        assert not world.identity(anna).names
        assert world.shard_of(tablet).profile(tablet) is None, "of whom there is nothing to tell"


def set_aside(world: MovingWorld, number: int, visitor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line of the visitor that the engine cannot apply, in the shard of this number."""

    def fails(*_: object) -> None:
        raise ArithmeticError("an engine with a mistake")

    for _ in range(2):  # the first time the shard stops, the second time it knows what it was at
        monkeypatch.setattr(world.each[number]._inputs, "apply", fails)
        with pytest.raises(ShardStopped):
            world.say("bad", type="track", event="Started", properties={"cart": "c1"}, anonymousId=visitor[11:])
        world.reopen(number)
        if world.each[number].dead_letters.in_hand.suspects:
            break
    world.say("bad", type="track", event="Started", properties={"cart": "c1"}, anonymousId=visitor[11:])


@pytest.mark.parametrize("world", [2], indirect=True)
def test_an_event_that_was_set_aside_before_the_log_in_is_applied_where_she_has_moved_to(
    world: MovingWorld, anna: str, visitor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = world.slot_map.shard(visitor)
    set_aside(world, number, visitor, monkeypatch)
    world.identify(anna, visitor)
    world.settle()
    (letter,) = world.each[number].dead_letters.listed()
    world.each[number].dead_letters.acquit([letter.number])

    found = resent([letter], world.each[number].resend([letter.number], world.now_ms))
    (moved,) = found.moved
    first = world.shard_of(anna).apply_letters([moved], world.now_ms, are_ours=False)
    again = world.shard_of(anna).apply_letters([moved], world.now_ms, are_ours=False)

    assert (found.applied, moved.owner) == (0, anna)
    assert (first.outcomes[0], again.outcomes[0]) == (LineOutcome.ACCEPTED, LineOutcome.DUPLICATE)
    assert world.profile(anna).counts == {"remind": 1}
    assert world.shard_of(anna).dead_letters.listed() == []


def test_an_event_of_hers_that_was_set_aside_is_applied_when_it_is_sent_again(
    world: MovingWorld, anna: str, visitor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.identify(anna, visitor)
    world.settle()
    set_aside(world, world.slot_map.shard(anna), visitor, monkeypatch)
    shard = world.shard_of(anna)
    (letter,) = shard.dead_letters.listed()
    assert (letter.person, letter.owner) in ((visitor, anna), (visitor, None))

    shard.dead_letters.acquit([letter.number])
    shard.resend([letter.number], world.now_ms)

    assert not shard.dead_letters.listed()
    assert world.profile(anna).counts == {"remind": 1}


@pytest.mark.parametrize("world", [2], indirect=True)
def test_a_timer_that_waits_for_the_word_of_other_shards_is_not_due_until_they_have_spoken(
    world: MovingWorld, anna: str, visitor: str
) -> None:
    world.track(anna, "Started")
    world.track(visitor, "Started")
    world.identify(anna, visitor)  # the other shard has not heard of it yet
    shard = world.shard_of(anna)
    shard.exchanging.awaits_hello = True

    world.pass_ms(30 * SECOND_MS)
    waiting_ms, before = shard.next_ms(), world.profile(anna)
    shard.exchanging.awaits_hello = False
    told_ms = shard.next_ms()
    shard.pass_time(world.now_ms)

    assert waiting_ms is None or waiting_ms >= world.now_ms, "nothing could be done about it, again and again"
    assert told_ms is not None and told_ms < world.now_ms
    assert world.profile(anna) != before
