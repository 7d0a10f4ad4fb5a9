"""What is published changes while a shard runs, and dies: everybody goes through it once, at its own time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pytest

from parcours.channel import Accepted, Ambiguous, NotSent
from parcours.config import DAY_MS, MINUTE_MS, Settings
from parcours.core.fact import DeliveryReached, Moved
from parcours.core.identity import SLOTS
from parcours.journey.project import Project
from parcours.journey.publish.ledger import Verb, changed, published
from parcours.journey.publish.publications import Publications, candidate_of, source_of

if TYPE_CHECKING:
    from tests.shard.conftest import Lines, World

NewShop = Callable[..., Project]
NewWorld = Callable[..., "World"]

PEOPLE = [f"p{number}" for number in range(10)]


@pytest.fixture
def open_world(new_shop: NewShop, new_world: NewWorld) -> NewWorld:
    """Makes a world whose publications may change; it goes through people two at a time."""

    def make(**fields: object) -> World:
        return new_world(project=new_shop(), settings=Settings(due_people_max=2), **fields)

    return make


def change(world: World, verb: Verb, journey: str = "remind") -> None:
    before = world.shard.holding().publications
    ledger = changed(before.ledger, verb, journey, world.now_ms)
    world.shard.publish(Publications(ledger, before.sources))


def publish(world: World, project: Project) -> None:
    before = world.shard.holding().publications
    ledger = published(before.ledger, candidate_of(project), world.now_ms, reopen=True)
    world.shard.publish(Publications(ledger, {**before.sources, ledger.publication: source_of(project)}))


def told(world: World, what: str) -> list[tuple[str, int, int, str | None]]:
    """(person, time, version, why) of each move of this kind, by person."""
    moves = [fact for fact in world.facts() if isinstance(fact, Moved) and fact.what == what]
    return sorted((fact.person, fact.at, fact.version, fact.why) for fact in moves)


def start_all(world: World, lines: Lines) -> None:
    for person in PEOPLE:
        world.take(lines.identify(person), lines.track(person, "Started"))


def settle(world: World) -> None:
    """Let the clock stand still until nothing is due."""
    for _ in range(100):
        world.pass_ms(0)
        next_ms = world.shard.next_ms()
        if next_ms is None or next_ms > world.now_ms:
            return
    raise AssertionError("something is due for ever")


def test_a_new_store_keeps_what_it_was_opened_with(open_world: NewWorld) -> None:
    world = open_world()
    assert world.shard.holding().fresh

    world.reopen()

    holding = world.shard.holding()
    assert (holding.fresh, holding.held, holding.publications.ledger.number) == (False, False, 1)


def test_what_the_store_knows_goes_before_what_the_shard_is_opened_with(
    open_world: NewWorld, new_shop: NewShop, remind: Mapping[str, object], lines: Lines
) -> None:
    world = open_world()
    publish(world, new_shop({**remind, "priority": 60}))

    world.reopen()
    world.take(lines.track("anna", "Started"))

    assert told(world, "entered") == [("anna", world.now_ms, 2, "Started")]


def test_a_run_drains_by_its_own_version_after_a_crash(
    open_world: NewWorld, new_shop: NewShop, remind: Mapping[str, object], lines: Lines
) -> None:
    world = open_world()
    world.take(lines.identify("anna"), lines.track("anna", "Started"))
    steps = remind["steps"]
    assert isinstance(steps, list)
    publish(world, new_shop({**remind, "steps": [{**steps[0], "timeout": "1d"}, *steps[1:]]}))

    world.reopen()
    world.take(lines.identify("bert"), lines.track("bert", "Started"))
    world.pass_ms(20_001)

    assert [(person, version) for person, _, version, _ in told(world, "timed_out")] == [("anna", 1)]


def test_stopping_reaches_everybody_slice_by_slice_at_one_time(open_world: NewWorld, lines: Lines) -> None:
    world = open_world()
    start_all(world, lines)
    world.now_ms += 1_000
    stopped_at = world.now_ms
    change(world, "stop")
    ended_at_once = told(world, "ended")

    world.pass_ms(5)
    after_a_slice = len(told(world, "ended"))
    world.now_ms += 5
    settle(world)

    assert (ended_at_once, after_a_slice) == ([], 2)
    assert told(world, "ended") == [(person, stopped_at, 1, "stopped") for person in sorted(PEOPLE)]


def test_whoever_is_touched_goes_through_the_change_first(open_world: NewWorld, lines: Lines) -> None:
    world = open_world()
    start_all(world, lines)
    stopped_at = world.now_ms + 1_000
    world.now_ms = stopped_at
    change(world, "stop")

    world.now_ms += 1
    world.take(lines.track("p7", "Bought"))

    assert told(world, "ended") == [("p7", stopped_at, 1, "stopped")]
    assert told(world, "matched") == []


@pytest.mark.parametrize("slices", range(6))
def test_a_shard_that_dies_in_the_middle_of_a_stop_goes_on_with_it(
    open_world: NewWorld, lines: Lines, slices: int
) -> None:
    world = open_world()
    start_all(world, lines)
    stopped_at = world.now_ms
    change(world, "stop")
    for _ in range(slices):
        world.pass_ms(0)

    world.reopen()
    world.now_ms += 60_000
    settle(world)

    assert told(world, "ended") == [(person, stopped_at, 1, "stopped") for person in sorted(PEOPLE)]
    assert told(world, "timed_out") == [], "what was due after the stop does not happen"


def test_what_was_due_before_a_change_happens_by_what_was_published_then(open_world: NewWorld, lines: Lines) -> None:
    # given timers that are overdue when the journey is paused
    world = open_world()
    start_all(world, lines)
    due = world.now_ms + 20_000
    world.now_ms = due + 1
    change(world, "pause")

    world.reopen()
    settle(world)

    assert told(world, "timed_out") == [(person, due, 1, None) for person in sorted(PEOPLE)]
    assert told(world, "parked") == []


def test_what_falls_due_in_a_pause_waits_for_its_end_across_a_crash(open_world: NewWorld, lines: Lines) -> None:
    world = open_world()
    start_all(world, lines)
    due = world.now_ms + 20_000
    change(world, "pause")
    world.now_ms = due + 1
    settle(world)
    world.reopen()
    settle(world)
    assert told(world, "timed_out") == []

    world.now_ms += 1
    change(world, "resume")
    world.pass_ms(0)
    world.reopen()
    settle(world)

    assert told(world, "timed_out") == [(person, due, 1, None) for person in sorted(PEOPLE)]
    assert world.shard.ready() == {"email": len(PEOPLE)}


def test_nothing_of_a_paused_journey_is_handed_to_a_dispatcher(open_world: NewWorld, lines: Lines) -> None:
    world = open_world()
    world.take(lines.identify("anna"), lines.track("anna", "Started"), lines.track("anna", "Bought"))
    change(world, "pause")

    assert world.claim() == []
    world.reopen()
    assert world.claim() == [], "it is offered again after a crash, and refused again"

    world.now_ms += 1
    change(world, "resume")
    settle(world)
    (outgoing,) = world.claim()
    world.settle(Accepted(outgoing.key))
    assert world.claim() == []
    assert [f.outcome for f in world.facts() if isinstance(f, DeliveryReached)] == ["queued", "claimed", "sent"]


def test_a_shard_opens_where_a_delivery_in_doubt_takes_its_person_through_the_stop_of_another_journey(
    open_world: NewWorld, lines: Lines
) -> None:
    # given people with a mail that is under way, and one that is queued and whose journey is stopped
    world = open_world()
    for person in PEOPLE:
        world.take(lines.identify(person), lines.track(person, "Ordered"))
    assert len(world.claim()) == len(PEOPLE)
    start_all(world, lines)
    world.pass_ms(20_001)
    settle(world)
    assert world.shard.ready() == {"email": len(PEOPLE)}
    change(world, "stop")
    world.now_ms += 1

    world.reopen()

    assert [sorted(world.states(person)) for person in PEOPLE] == [["cancelled", "unknown"]] * len(PEOPLE)
    assert world.claim() == []


@pytest.mark.parametrize("kept", ["claim", "retry"])
def test_a_delivery_that_a_pause_keeps_leaves_once_after_it_although_its_shard_was_opened_again(
    open_world: NewWorld, lines: Lines, kept: str
) -> None:
    # given a transactional mail of which a claim came in the pause, or its retry
    world = open_world()
    world.take(lines.identify("anna"), lines.track("anna", "Started"), lines.track("anna", "Bought"))
    if kept == "retry":
        world.settle(NotSent(world.claim()[0].key, "busy"))
    change(world, "pause")
    world.pass_ms(10 * MINUTE_MS)
    assert world.claim() == []
    world.reopen()
    assert world.shard.ready() == {}, "the end of the pause makes it ready"
    world.now_ms += 1
    change(world, "resume")

    # when a dispatcher comes before anybody has gone through the end of the pause, and again
    early = world.claim()
    settle(world)
    (outgoing,) = early + world.claim()
    assert world.claim() == []
    world.settle(Ambiguous(outgoing.key, "the connection broke"))
    world.pass_ms(10 * MINUTE_MS)

    assert [again.key for again in world.claim()] == [outgoing.key], "it is still there to be sent again"


def test_a_new_audience_is_filled_for_everybody_and_nobody_has_entered_it(
    open_world: NewWorld, new_shop: NewShop, lines: Lines
) -> None:
    world = open_world()
    start_all(world, lines)
    publish(world, new_shop(audiences={"known": "has(profile.email)"}))
    world.pass_ms(0)

    world.reopen()
    settle(world)

    profiles = [world.shard.profile(person) for person in PEOPLE]
    assert [profile and profile.audiences for profile in profiles] == [{"known": True}] * len(PEOPLE)


def test_an_audience_that_another_policy_changes_is_filled_for_everybody(
    open_world: NewWorld, new_shop: NewShop, lines: Lines
) -> None:
    writable = {"writable": 'consent("sms", "marketing")', "known": "has(profile.email)"}
    world = open_world()
    publish(world, new_shop(audiences=writable))
    start_all(world, lines)
    settle(world)

    publish(world, new_shop(audiences=writable, consent="opt_in"))
    settle(world)

    profiles = [world.shard.profile(person) for person in PEOPLE]
    assert [profile and profile.audiences for profile in profiles] == [{"known": True, "writable": False}] * len(PEOPLE)


def test_who_comes_during_a_change_has_gone_through_it(open_world: NewWorld, lines: Lines) -> None:
    world = open_world()
    start_all(world, lines)
    change(world, "stop")
    publish(world, world.project)  # type: ignore[arg-type]  # there is one
    world.take(lines.identify("late"), lines.track("late", "Started"))

    settle(world)

    assert [person for person, *_ in told(world, "ended")] == sorted(PEOPLE)
    assert sum(world.shard.census.runs(slot).total() for slot in range(SLOTS)) == 1, "the newcomer's is open"


def test_who_never_did_anything_is_not_made_known_by_a_change(open_world: NewWorld, lines: Lines) -> None:
    world = open_world()
    start_all(world, lines)
    change(world, "stop")

    world.take(lines.track("stranger", "Looked"))

    assert world.shard.profile("stranger") is None


def test_a_change_that_happens_to_nobody_visits_nobody(open_world: NewWorld, lines: Lines) -> None:
    world = open_world()
    start_all(world, lines)
    due = world.shard.next_ms()

    change(world, "close")

    assert world.shard.next_ms() == due


def test_a_change_that_is_told_again_changes_nothing(open_world: NewWorld, lines: Lines) -> None:
    world = open_world()
    start_all(world, lines)
    change(world, "stop")
    again = world.shard.holding().publications
    settle(world)
    before = len(list(world.store.records()))

    world.shard.publish(again)

    assert len(list(world.store.records())) == before


def test_a_shard_that_holds_still_does_so_after_a_crash_until_it_is_told(open_world: NewWorld) -> None:
    world = open_world()
    world.shard.hold(held=True)

    told_ms = world.shard.holding().stamp_ms
    world.now_ms += 1_000
    world.reopen()
    assert world.shard.holding().held
    assert world.shard.holding().stamp_ms == told_ms, "the change may be of that very time"

    world.shard.publish(world.shard.holding().publications)
    assert not world.shard.holding().held
    world.reopen()
    assert not world.shard.holding().held


def test_documents_that_nobody_goes_by_are_forgotten(open_world: NewWorld, new_shop: NewShop, lines: Lines) -> None:
    # given a publication that changes no journey, and so leaves no version behind
    world = open_world()
    start_all(world, lines)
    publish(world, new_shop(audiences={"known": "has(profile.email)"}))
    settle(world)
    world.take(lines.identify("anna"))

    world.reopen()

    assert world.shard.holding().publications.sources.keys() == {2}


def test_what_is_published_outlives_the_records_that_told_it(open_world: NewWorld, lines: Lines) -> None:
    # given a journal of which everything is trimmed that may be
    world = open_world()
    world.settings = Settings(journal_bytes_max=1)
    world.reopen()
    change(world, "close")
    for number in range(1_100):  # more commits than there are slots
        world.take(lines.identify(f"p{number % 50}"))
        world.store.read_through(number)
    assert next(iter(world.store.records())).sequence > 10

    world.reopen()

    assert world.shard.holding().publications.ledger.journeys["remind"].state == "closed"
    assert world.now_ms < DAY_MS
