"""A person who is erased is nobody's from that commit on, and then nothing of her lies in any file of the shard."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING

import pytest

from parcours.channel import Accepted
from parcours.config import DAY_MS, HOUR_MS
from parcours.core.fact import Looked
from parcours.core.identity import slot_of
from parcours.shard.erasures import AUDIT, Erasure, person_hash
from parcours.shard.messages import LineOutcome
from parcours.shard.person_facts import recall
from parcours.shard.requests import MakeKnown

if TYPE_CHECKING:
    from tests.shard.conftest import Lines, World

NewWorld = Callable[..., "World"]

SALT = b"salt of the shard"

PERSON = "anna-canary"

BERT = next(name for name in (f"bert{number}" for number in count()) if slot_of(name) == slot_of(PERSON))
"""Lives in the same slot."""


def live(world: World, lines: Lines) -> None:
    """Two people have a run, and a mail that waits or has left."""
    for person in (PERSON, BERT):
        world.take(lines.identify(person), lines.track(person, "Started", "cart-canary", message_id=f"m-{person}"))
        world.take(lines.track(person, "Ordered", message_id=f"n-{person}"))


def erase(world: World, name: str = "1-a") -> Erasure:
    erasure = world.shard.erasing.erase(PERSON, name, SALT, "ada", world.now_ms)
    assert erasure is not None
    return erasure


def held(world: World) -> list[str]:
    """Where the store has a canary."""
    store = world.store
    parts = {f"record {number}": data for number, data in store._records.items()}
    parts |= {f"image {slot}": data for slot, data in store._images.items()}
    parts |= {f"file {name}": bytes(data) for name, data in store._files.items()}
    return [where for where, data in parts.items() if b"anna-canary" in data]


def export(world: World) -> None:
    """All that there is to be exported is."""
    while world.exports and (ahead := world.shard.exporting.begin(1, 1_000, world.now_ms)) is not None:
        world.shard.exporting.end(ahead.last, world.now_ms)


def finish(world: World) -> None:
    """Take all steps, the exporter its own, and whoever conducts campaigns as well."""
    for _ in range(500):
        export(world)
        if not world.shard.erasing.step(world.now_ms):
            break
    names = [each.id for each in world.shard.erasing.erasures.under_way()]
    world.shard.erasing.exported(names, world.now_ms)
    world.shard.erasing.rid_of_sets(names, world.now_ms)


@pytest.fixture
def exported(new_world: NewWorld) -> World:
    """A shard of one slot, so that few images have to be renewed, with an exporter."""
    return new_world(slot=slot_of(PERSON), exports=True)


def test_nobody_is_told_of_her_from_the_commit_on(world: World, lines: Lines) -> None:
    live(world, lines)
    assert len(world.claim()) == 2

    erasure = erase(world)

    assert world.shard.profile(PERSON) is None and world.shard.profile(BERT) is not None
    assert world.shard.standing.reached("email", f"{PERSON}@shop.example") == []
    assert world.shard.standing.reached("email", f"{BERT}@shop.example") == [BERT]
    through = world.shard.erasing.erasures.forgotten_through(PERSON)
    assert through == erasure.record == world.shard.commits.sequence
    assert recall(world.store, {PERSON: through}, world.shard.commits.sequence).facts == []
    assert all(fact.person != PERSON for fact in world.shard.totals.newest(0).facts)
    assert all(fact.person != PERSON for ring in world.shard.totals.rings._rings.values() for fact in ring)


def test_what_is_queued_leaves_no_more_and_what_is_claimed_leaves_nothing_behind(world: World, lines: Lines) -> None:
    world.take(lines.identify(PERSON), lines.track(PERSON, "Ordered"))
    (claimed,) = world.claim()
    world.take(lines.identify(BERT), lines.track(BERT, "Ordered"))
    world.take(lines.track(PERSON, "Emptied"), lines.track(PERSON, "Ordered"))

    erase(world)
    facts = world.facts()
    world.settle(Accepted(claimed.key))

    assert [each.person for each in world.claim()] == [BERT]
    assert all(fact.person != PERSON for fact in world.facts()[len(facts) :])
    assert world.shard.profile(PERSON) is None
    world.reopen()
    assert world.shard.profile(PERSON) is None
    assert [each for each in world.claim() if each.person == PERSON] == []


def test_timers_of_hers_fire_no_more(world: World, lines: Lines) -> None:
    live(world, lines)
    erase(world)

    world.pass_ms(2 * DAY_MS)

    assert world.shard.profile(PERSON) is None
    assert world.shard.next_ms() is None


def test_totals_count_her_runs_as_ended_and_stay_right(world: World, lines: Lines) -> None:
    live(world, lines)
    erase(world)
    before = world.shard.totals.totals()
    world.reopen()

    assert world.shard.totals.totals() == before
    while not world.shard.totals.is_checked:
        assert world.shard.totals.check(1_000) == []


def test_she_comes_back_as_a_new_person(world: World, lines: Lines) -> None:
    live(world, lines)
    erase(world)
    again = lines.track(PERSON, "Started", message_id="m-new")

    assert world.take(lines.identify(PERSON), again).outcomes == bytes([LineOutcome.ACCEPTED] * 2)

    profile = world.shard.profile(PERSON)
    assert profile is not None and [run.number for run in profile.runs] == [1]
    through = world.shard.erasing.erasures.forgotten_through(PERSON)
    told = recall(world.store, {PERSON: through}, world.shard.commits.sequence).facts
    assert told and all(fact.person == PERSON for fact in told)
    assert erase(world, "1-b").id == "1-b", "she is somebody new"


def test_to_erase_her_again_is_the_same_erasure(world: World, lines: Lines) -> None:
    live(world, lines)
    first, newest = erase(world), world.shard.commits.sequence

    assert erase(world, "1-b") == first
    assert world.shard.commits.sequence == newest


def test_an_erasure_is_told_by_a_hash_alone(exported: World, lines: Lines) -> None:
    live(exported, lines)
    erasure = erase(exported)

    (fact,) = [each for each in exported.facts() if isinstance(each, Looked)]
    assert (fact.key, fact.route) == ("ada", "DELETE /people/{id}")
    assert fact.person == f"{AUDIT}{person_hash(SALT, PERSON).hex()}"
    assert erasure.means(PERSON) and not erasure.means(BERT)


def test_nothing_of_her_is_left_once_it_is_done(exported: World, lines: Lines) -> None:
    live(exported, lines)
    exported.claim()
    erase(exported)
    assert held(exported)

    finish(exported)

    assert held(exported) == []
    (erasure,) = exported.shard.erasing.erasures.known.values()
    assert erasure.is_done
    exported.reopen()
    assert exported.shard.erasing.erasures.known == {erasure.id: erasure}
    assert held(exported) == []


@pytest.mark.parametrize("steps", range(6))
def test_it_goes_on_after_a_crash_at_each_step(exported: World, lines: Lines, steps: int) -> None:
    live(exported, lines)
    erase(exported)
    for _ in range(steps):
        export(exported)
        exported.shard.erasing.step(exported.now_ms)

    exported.reopen()
    assert exported.shard.profile(PERSON) is None
    finish(exported)
    exported.reopen()

    assert exported.shard.erasing.erasures.known["1-a"].is_done
    assert held(exported) == []
    assert exported.shard.profile(PERSON) is None


def test_without_an_exporter_it_waits_until_facts_lapse_and_that_is_no_trouble(
    new_world: NewWorld, lines: Lines
) -> None:
    world = new_world(slot=slot_of(PERSON))
    live(world, lines)
    erase(world)
    finish(world)
    (erasure,) = world.shard.erasing.erasures.known.values()
    assert (erasure.images, erasure.journal, erasure.exports) == (True, False, True)

    world.pass_ms(2 * DAY_MS)
    assert world.shard.standing.troubles(world.now_ms) == []
    world.pass_ms(91 * DAY_MS)
    finish(world)

    assert world.shard.erasing.erasures.known["1-a"].is_done and held(world) == []


def test_it_is_a_trouble_when_it_takes_too_long(exported: World, lines: Lines) -> None:
    live(exported, lines)
    erase(exported)
    exported.now_ms += DAY_MS + HOUR_MS

    assert any("images have to be renewed" in each for each in exported.shard.standing.troubles(exported.now_ms))
    finish(exported)
    assert not any("erasures" in each for each in exported.shard.standing.troubles(exported.now_ms))


@pytest.mark.parametrize(("since_ms", "is_known"), [(0, False), (1, True)])
def test_a_set_from_before_makes_her_known_no_more(
    world: World, lines: Lines, since_ms: int, *, is_known: bool
) -> None:
    live(world, lines)
    name = f"{slot_of(PERSON):04}-a"
    erasure = world.shard.erasing.erase(PERSON, name, SALT, "ada", world.now_ms)
    assert erasure is not None
    people = [PERSON, "carl"]

    asked = MakeKnown("push/1/all", world.now_ms, 0, people, erasure.at + since_ms)
    taken = world.shard.campaigning.make_known(asked, world.now_ms)

    assert (taken.next, taken.away) == (1, [])
    known = [world.shard.profile(each) is not None for each in people]
    assert known == [is_known, True]


def test_dead_letters_of_hers_are_dropped(world: World, lines: Lines) -> None:
    live(world, lines)
    letters, work = world.shard.dead_letters, world.shard.commits.begin(world.now_ms)
    mark = b"L" + bytes(10)
    letters.in_hand.suspects[mark] = "it raised an error"
    for person in (PERSON, BERT):
        letters.set_aside(work, world.now_ms, person, lines.track(person, "Ordered"), mark)
    world.shard.commits.commit(work, always=True)

    erase(world)

    assert [each.person for each in letters.listed()] == [BERT]
    world.reopen()
    assert [each.person for each in world.shard.dead_letters.listed()] == [BERT]
