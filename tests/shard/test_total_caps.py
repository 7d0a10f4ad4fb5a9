"""Total caps of offers between shards: asked, answered and given back, in time, too late, and over crashes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from tests.projects import write_texts
from tests.shard.crashing_world import CrashingWorld
from tests.shard.moving_world import MovingWorld, name_in
from tests.shard.peer_world import Crash, CrashingStore

from parcours.config import Settings
from parcours.core.fact import Decided, OfferMarked
from parcours.core.identity import SlotMap
from parcours.core.offers.totals import TotalCount
from parcours.journey.project import Project
from parcours.journey.publish.ledger import published
from parcours.journey.publish.publications import Publications, candidate_of, source_of
from parcours.shard.messages import LineOutcome
from parcours.shard.offer_totals import name_of_offer
from parcours.shard.turns import at_once

FEW_MAX = 3
SHARDS = 2
COUNTS: Final = SlotMap(SHARDS).shard(name_of_offer("few"))
ASKS: Final = 1 - COUNTS

SHOP = {
    "parcours.yaml": "project: shop\npolicies: {consent: {default: opt_out}}\nanonymous_history: used\n",
    "profile.yaml": "traits: {email: string}\n",
    "events.yaml": "events: {Asked: {}, Told: {}, Gone: {}, Later: {}}\n",
    "offers.yaml": """\
        placements: {agent: {channel: agent, format: text}, hero: {channel: email, format: text}}
        offers:
          few: {priority: 9, caps: [{max: 3, by: everybody}], content: {agent: {text: Few}, hero: {text: Few}}}
          rest: {content: {agent: {text: Rest}, hero: {text: Rest}}}
        decisions: {best: {choose: [{collection: all}]}}
    """,
    "messages/hero.yaml": """\
        message: hero
        class: transactional
        offers: {hero: {decision: best, placement: {email: hero}}}
        email: {subject: Hello, text: "{{ offers.hero.content }}"}
    """,
    "journeys/ask.yaml": """\
        journey: ask
        entry: {event: Asked}
        reentry: always
        steps: [{id: pick, decide: best, placement: agent, as: best}, {id: done, end: true}]
    """,
    "journeys/tell.yaml": """\
        journey: tell
        entry: {event: Told}
        reentry: always
        exit: [{event: Gone}]
        steps: [{id: tell, send: hero}, {id: stay, wait: 1d}]
    """,
    "journeys/later.yaml": """\
        journey: later
        entry: {event: Later}
        reentry: always
        steps: [{id: soon, wait: 1s}, {id: pick, decide: best, placement: agent, as: best}, {id: done, end: true}]
    """,
}


def people(shard: int, count: int) -> list[str]:
    """Names that live in this shard."""
    owners = SlotMap(SHARDS)
    return [name for number in range(1_000) if owners.shard(name := f"u{number}") == shard][:count]


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    write_texts(tmp_path / "shop", SHOP)
    return Project.load(tmp_path / "shop")


@pytest.fixture
def world(shop: Project) -> MovingWorld:
    return MovingWorld(shop)


def given_to(world: MovingWorld) -> dict[str, list[str]]:
    """What everybody got, in order."""
    got: dict[str, list[str]] = {}
    for each in world.facts():
        if isinstance(each, Decided):
            got.setdefault(each.person, []).extend(offer.offer for offer in each.offers)
    return got


def counted(world: MovingWorld) -> int:
    """How many are counted where that is done, as the store has it."""
    world.reopen(COUNTS)
    return world.each[COUNTS].asking.totals.counts.get("few", TotalCount()).ever


def held(world: MovingWorld) -> int:
    """How many people have one, or had it shown."""
    names = [*people(ASKS, 20), *people(COUNTS, 20)]
    kept = [world.profile(name).offers for name in names]
    return sum(each.offer == "few" for offers in kept if offers is not None for each in offers.propositions)


def leaves(world: MovingWorld) -> list[str]:
    """Whose deliveries are handed over now, each of which is sent."""
    claimed = world.claim()
    for each in claimed:
        world.answer(each)
    people = [each.person for _, _, each in claimed]
    states = [each.state for name in people for run in world.profile(name).runs for each in run.deliveries]
    assert set(states) <= {"sent"}
    return people


def tell(world: MovingWorld, visitor: str) -> None:
    """The visitor says where mail reaches her, and gets some."""
    world.say(type="identify", anonymousId=visitor.removeprefix("@anonymous/"), traits={"email": "a@mail.example"})
    world.track(visitor, "Told")


def test_whoever_is_counted_elsewhere_stands_still_until_that_answers(world: MovingWorld) -> None:
    (anna,) = people(ASKS, 1)

    asked = world.track(anna, "Asked")

    assert asked == LineOutcome.ACCEPTED and given_to(world) == {}
    assert world.track(anna, "Asked") is None, "her lines wait"
    world.settle()
    assert given_to(world) == {anna: ["few"]}
    assert world.track(anna, "Asked") == LineOutcome.ACCEPTED


def test_nobody_looks_at_what_she_got_before_it_is_committed(world: MovingWorld) -> None:
    (anna,) = people(ASKS, 1)
    world.track(anna, "Asked")
    world.carry(ASKS, COUNTS)
    answer = world.each[COUNTS].exchanging.batch(ASKS)
    assert answer is not None

    steps = world.each[ASKS].exchanging.taking(answer, world.now_ms)
    next(steps)

    assert given_to(world) == {} and world.each[ASKS].asking.waits(anna), "the shard may answer others in between"
    at_once(steps)
    assert given_to(world) == {anna: ["few"]} and not world.each[ASKS].asking.waits(anna)


def test_of_her_own_shard_it_is_asked_on_the_spot(world: MovingWorld) -> None:
    (bert,) = people(COUNTS, 1)

    world.track(bert, "Asked")

    assert given_to(world) == {bert: ["few"]} and counted(world) == 1


def test_a_count_that_changes_several_times_in_one_commit_is_written_once(world: MovingWorld) -> None:
    for name in people(ASKS, 4):
        world.track(name, "Asked")

    world.settle()

    for store in world.stores:
        for record in store.records():
            written = Counter((slot, name) for slot, name, _ in record.profiles)
            assert not [each for each, times in written.items() if times > 1]
    assert counted(world) == FEW_MAX


def test_the_cap_is_never_exceeded_and_all_is_given_out(world: MovingWorld) -> None:
    names = [*people(ASKS, 4), *people(COUNTS, 4)]
    for name in names[::-1]:
        world.track(name, "Asked")
    world.settle()

    given = Counter(offer for offers in given_to(world).values() for offer in offers)
    assert given == {"few": FEW_MAX, "rest": len(names) - FEW_MAX} and counted(world) == FEW_MAX
    told = [each.trace[0].looked[0] for each in world.facts() if isinstance(each, Decided)]
    assert Counter(letter for _, letter, *_ in told) == {"c": FEW_MAX, "t": len(names) - FEW_MAX}


def test_without_an_answer_she_goes_on_and_a_late_one_is_given_back(world: MovingWorld) -> None:
    (anna,) = people(ASKS, 1)
    world.track(anna, "Asked")

    world.pass_ms(world.settings.decision_timeout_ms + 1)

    assert given_to(world) == {anna: ["rest"]}
    (fact,) = (each for each in world.facts() if isinstance(each, Decided))
    assert fact.trace[0].looked[0][1] == "u"
    assert world.track(anna, "Asked") == LineOutcome.ACCEPTED
    world.settle()
    assert given_to(world) == {anna: ["rest", "few"]} and counted(world) == 1


def test_timers_wait_too_and_fire_at_their_own_time(world: MovingWorld) -> None:
    (anna,) = people(ASKS, 1)
    world.track(anna, "Later")
    started = world.now_ms
    world.pass_ms(1_001)
    world.track(anna, "Later")
    world.pass_ms(100)
    assert given_to(world) == {}

    world.settle()

    (fact,) = (each for each in world.facts() if isinstance(each, Decided))
    assert (fact.at, [each.offer for each in fact.offers]) == (started + 1_000, ["few"])


def test_what_is_given_back_goes_to_whoever_asks_next(world: MovingWorld) -> None:
    names = people(ASKS, FEW_MAX + 1)
    for name in names:
        world.identify(name, email=f"{name}@mail.example")
    for name in names[:FEW_MAX]:
        world.track(name, "Told")
    world.settle()
    assert counted(world) == FEW_MAX

    world.track(names[0], "Gone")
    world.settle()
    assert [each.mark for each in world.facts() if isinstance(each, OfferMarked)] == ["given_back"]
    assert counted(world) == FEW_MAX - 1
    world.track(names[-1], "Asked")
    world.settle()

    assert given_to(world)[names[-1]] == ["few"] and counted(world) == FEW_MAX == held(world)


def test_her_deliveries_and_receipts_wait_for_the_answer(world: MovingWorld) -> None:
    (anna,) = people(ASKS, 1)
    world.identify(anna, email="anna@mail.example")
    world.track(anna, "Told")
    world.settle()
    (claimed,) = world.claim()
    world.track(anna, "Asked")

    world.answer(claimed)
    world.track(anna, "Told")
    assert world.claim() == []
    world.settle()

    assert given_to(world) == {anna: ["few", "few"]}
    states = [each.state for run in world.profile(anna).runs for each in run.deliveries]
    assert states == ["sent"]


def test_whoever_asks_for_a_decision_waits_half_as_long(world: MovingWorld) -> None:
    (anna,) = people(ASKS, 1)
    asked = [{"decision": "best", "placement": "agent"}]
    world.say(type="decision", userId=anna, requestId="r1", decisions=asked, context={})

    world.pass_ms(world.settings.decision_timeout_ms // 2)
    assert given_to(world) == {}
    world.pass_ms(1)

    assert given_to(world) == {anna: ["rest"]}


def test_where_too_many_messages_wait_nobody_is_asked(shop: Project) -> None:
    world = MovingWorld(shop, settings=Settings(peer_messages_max=1))
    anna, bert = people(ASKS, 2)

    world.track(anna, "Asked")
    world.track(bert, "Asked")

    assert given_to(world) == {bert: ["rest"]}
    world.settle()
    assert given_to(world) == {anna: ["few"], bert: ["rest"]}


@pytest.mark.parametrize("user_in", [ASKS, COUNTS])
def test_a_visitor_for_whom_it_is_asked_is_merged_once_that_is_known(world: MovingWorld, user_in: int) -> None:
    visitor, user = name_in(ASKS, SHARDS, "@anonymous/v"), people(user_in, 1)[0]
    world.track(visitor, "Asked")

    world.identify(user, visitor, email="a@mail.example")
    assert world.identity(visitor).moved_to is None
    world.settle()

    assert world.identity(visitor).moved_to == user and given_to(world) == {visitor: ["few"]}
    assert world.track(user, "Asked") == LineOutcome.ACCEPTED
    world.settle()
    assert given_to(world)[user] == ["few"]
    assert world.track(visitor, "Asked") == LineOutcome.ACCEPTED
    world.settle()
    assert given_to(world)[user] == ["few", "few"], "her name forwards"
    assert not any(each._names.still for each in world.each)


def test_who_waits_with_a_visitor_is_known_again_after_a_restart(world: MovingWorld) -> None:
    visitor, user = name_in(ASKS, SHARDS, "@anonymous/v"), people(ASKS, 1)[0]
    world.track(visitor, "Asked")
    world.identify(user, visitor, email="a@mail.example")
    assert world.track(user, "Asked") is None

    world.reopen(ASKS)
    assert world.track(user, "Asked") is None
    world.settle()

    assert world.identity(visitor).moved_to == user and given_to(world) == {visitor: ["few"]}
    assert world.track(user, "Asked") == LineOutcome.ACCEPTED


def test_a_visitor_s_timers_that_are_due_ask_before_she_is_merged(world: MovingWorld) -> None:
    visitor, user = name_in(ASKS, SHARDS, "@anonymous/v"), people(COUNTS, 1)[0]
    world.track(visitor, "Later")
    world.now_ms += 1_001
    world.identify(user, visitor, email="a@mail.example")

    world.settle()

    assert world.identity(visitor).moved_to == user
    (offers,) = given_to(world).values()
    assert offers == ["few"]


def test_a_change_of_what_is_published_waits_for_no_answer(world: MovingWorld) -> None:
    (anna,) = people(ASKS, 1)

    world.track(anna, "Asked")

    assert world.each[ASKS].halt_moves(world.now_ms + 1_000) == 0
    world.reopen(ASKS)
    assert world.each[ASKS].halt_moves(world.now_ms + 1_000) == 0


def test_what_has_asked_before_a_change_happens_before_it(world: MovingWorld, tmp_path: Path) -> None:
    audiences = "audiences: {known: has(profile.email)}\n"
    entering = """\
        journey: known
        entry: {audience: known}
        steps: [{id: pick, decide: best, placement: agent, as: best}, {id: done, end: true}]
    """
    write_texts(tmp_path / "shop", {"audiences.yaml": audiences, "journeys/known.yaml": entering})
    (anna,) = people(ASKS, 1)
    world.identify(anna, email="anna@mail.example")
    world.track(anna, "Asked")
    asked_at = world.now_ms

    world.now_ms += 100
    for shard in world.each:
        before = shard.holding().publications
        project = Project.load(tmp_path / "shop")
        ledger = published(before.ledger, candidate_of(project), world.now_ms, reopen=True)
        shard.publish(Publications(ledger, {**before.sources, ledger.publication: source_of(project)}))
    world.pass_ms(1)
    world.settle()
    world.pass_ms(1)
    world.settle()

    told = [(each.at, each.origin.split("/")[0]) for each in world.facts() if isinstance(each, Decided)]
    assert told[0] == (asked_at, "ask") and world.standing_still() == 0
    assert world.profile(anna).change_number == world.each[ASKS].holding().publications.ledger.number


def test_what_is_to_leave_waits_for_a_timer_that_asks_first(world: MovingWorld) -> None:
    (anna,) = people(ASKS, 1)
    world.identify(anna, email="anna@mail.example")
    world.track(anna, "Told")
    world.settle()
    world.track(anna, "Later")
    world.now_ms += 1_001

    assert world.claim() == [], "her timer goes before the claim, and waits for an answer"
    world.settle()

    assert leaves(world) == [anna] and given_to(world) == {anna: ["few", "few"]}


def test_a_timer_that_asks_goes_before_somebody_comes_whose_delivery_leaves_after_it(world: MovingWorld) -> None:
    visitor, user = name_in(COUNTS, SHARDS, "@anonymous/v"), people(ASKS, 1)[0]
    tell(world, visitor)
    world.track(user, "Later")
    world.identify(user, visitor)
    world.now_ms += 1_001

    world.settle()

    assert given_to(world) == {visitor: ["few"], user: ["few"]} and world.identity(visitor).moved_to == user
    assert leaves(world) == [user] and not any(each._names.still for each in world.each)


def test_a_timer_that_asks_goes_before_somebody_near_is_merged_whose_delivery_leaves_after_it(
    world: MovingWorld,
) -> None:
    visitor, user = name_in(ASKS, SHARDS, "@anonymous/v"), people(ASKS, 1)[0]
    tell(world, visitor)
    world.settle()
    world.track(user, "Later")
    world.now_ms += 1_001
    world.say(type="alias", userId=user, previousId=visitor.removeprefix("@anonymous/"))

    world.settle()

    assert given_to(world) == {visitor: ["few"], user: ["few"]} and world.identity(visitor).moved_to == user
    assert leaves(world) == [user] and not any(each._names.still for each in world.each)


def test_what_is_to_leave_waits_for_the_answer_after_a_restart_too_and_is_claimed_once(world: MovingWorld) -> None:
    (anna,) = people(ASKS, 1)
    world.identify(anna, email="anna@mail.example")
    world.track(anna, "Told")
    world.settle()
    world.track(anna, "Asked")
    assert world.claim() == []

    world.reopen(ASKS)
    world.settle()
    ((_, _, first),) = claimed = world.claim(most=1)
    assert world.claim() == []
    world.answer(claimed[0], sent=False)
    world.pass_ms(world.settings.retry_delays_ms[0] + 1)

    assert [each.key for _, _, each in world.claim()] == [first.key]


def bring(world: MovingWorld, sender: int, to: int) -> None:
    """Carry what the sender has for the other shard, whose answers stay there."""
    batch = world.each[sender].exchanging.batch(to)
    assert batch is not None
    at_once(world.each[to].exchanging.taking(batch, world.now_ms))


def test_what_became_of_a_delivery_waits_for_whose_it_is_to_come(world: MovingWorld) -> None:
    visitor, user = name_in(COUNTS, SHARDS, "@anonymous/v"), people(ASKS, 1)[0]
    tell(world, visitor)
    (claimed,) = world.claim()
    world.track(user, "Later")
    world.identify(user, visitor)
    bring(world, ASKS, COUNTS)
    world.answer(claimed)
    world.pass_ms(1_001)
    bring(world, COUNTS, ASKS)
    assert world.each[ASKS].asking.waits(user) and world.profile(user).traits == {}

    world.settle()

    (delivery,) = (each for run in world.profile(user).runs for each in run.deliveries)
    assert world.identity(visitor).moved_to == user and delivery.state == "sent"


def test_a_name_is_given_back_by_who_has_not_taken_it_yet(world: MovingWorld) -> None:
    visitor, (user, other) = name_in(COUNTS, SHARDS, "@anonymous/v"), people(ASKS, 2)
    world.track(user, "Later")
    world.identify(user, visitor)
    bring(world, ASKS, COUNTS)
    world.identify(other, visitor)
    bring(world, ASKS, COUNTS)
    world.pass_ms(1_001)
    bring(world, COUNTS, ASKS)
    assert world.each[ASKS].asking.waits(user)

    world.settle()

    assert world.identity(user).names == {} and world.identity(visitor).moved_to is None
    assert world.identity(visitor).shared and not any(each._names.still for each in world.each)


# Crashes


def live(world: CrashingWorld) -> None:
    """More people than there are offers ask, some are told something by mail, and one of these is gone."""
    told, asking, near = people(ASKS, 2), people(ASKS, 5)[2:], people(COUNTS, 3)
    for number, name in enumerate(told):
        world.hand_in(f"i{number}", type="identify", userId=name, traits={"email": f"{name}@mail.example"})
        world.hand_in(f"t{number}", type="track", event="Told", properties={}, userId=name)
    world.insist(world.settle)
    world.hand_in("l", type="track", event="Later", properties={}, userId=told[1])
    world.hand_in("g", type="track", event="Gone", properties={}, userId=told[0])
    world.now_ms += 1_500
    world.insist(lambda: world.pass_ms(0))
    for number, name in enumerate([*asking, *near]):
        world.hand_in(f"a{number}", type="track", event="Asked", properties={}, userId=name)
    for _ in range(3):
        world.insist(world.settle)


def commits_that_end(shop: Project, shard: int, when: Crash) -> Iterator[CrashingWorld]:
    """Live once for each commit of the shard, which ends there."""
    for commit in range(1, 100):
        world = CrashingWorld(shop, settings=Settings(decision_timeout_ms=60_000))
        world.crash_at(shard, commit, when)
        live(world)
        store = world.stores[shard]
        assert isinstance(store, CrashingStore)
        if store.crash is not None:
            return
        yield world
    raise AssertionError("no life has so many commits")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("shard", [ASKS, COUNTS])
def test_a_crash_at_any_commit_exceeds_nothing_and_loses_nothing(shop: Project, shard: int, when: Crash) -> None:
    crashes = 0

    for world in commits_that_end(shop, shard, when):
        crashes += 1
        given = Counter(offer for offers in given_to(world).values() for offer in offers)
        assert (given["few"], held(world), counted(world)) == (FEW_MAX + 1, FEW_MAX, FEW_MAX), f"commit {crashes}"
        assert sum(given.values()) == 9, f"commit {crashes}"
        assert not any(each.asking.waits(name) for each in world.each for name in people(ASKS, 10))

    assert crashes > 6


def test_who_is_asked_for_is_known_again_after_a_restart(world: MovingWorld) -> None:
    (anna,) = people(ASKS, 1)
    world.track(anna, "Asked")

    world.reopen(ASKS)
    assert world.track(anna, "Asked") is None
    world.reopen(COUNTS)
    world.settle()

    assert given_to(world) == {anna: ["few"]}
