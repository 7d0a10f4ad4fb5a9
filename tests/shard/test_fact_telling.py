"""What is a destination of facts handed, from where does it go on, and for how long is the journal held for it?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from parcours.config import DAY_MS, HOUR_MS, Settings
from parcours.core.fact import LimitReached
from parcours.core.fact_block import decode_facts
from parcours.core.identity import SLOTS, SlotMap
from parcours.core.input_block import decode_inputs
from parcours.journey.model.insight import InsightDocument
from parcours.shard.fact_positions import FactStanding
from parcours.store.store import Record

if TYPE_CHECKING:
    from tests.shard.conftest import Lines, World

NewWorld = Callable[..., "World"]

SLOT = 7  # a shard of one slot renews all of its images often
TO = "lake"


@pytest.fixture
def told(new_world: NewWorld) -> World:
    """A shard with a destination of facts, and no exporter."""
    return new_world(facts_to=(TO,))


def read(world: World, after: int | None = None, to: str = TO) -> tuple[list[int], int]:
    """The numbers of the records that are handed over, and through where that is."""
    part = world.shard.exporting.facts.read(to, after)
    assert part is not None
    return [each.sequence for each in part.records], part.through


def tell(world: World, to: str = TO, rows: int = 1) -> list[int]:
    """Let the destination be told of everything, and commit that."""
    numbers, through = read(world, to=to)
    if numbers:
        world.shard.exporting.facts.told(to, through, rows, 0, world.now_ms)
    return numbers


def standing(world: World, to: str = TO) -> FactStanding:
    return world.shard.commits.export.destinations.standings()[to]


def somebody() -> str:
    """Who lives in the only slot."""
    return next(name for name in map(str, range(10**6)) if SlotMap(SLOTS).shard(name) == SLOT)


def a_small_world(new_world: NewWorld, **given: object) -> World:
    """One that trims its journal as soon as it may."""
    return new_world(slot=SLOT, settings=Settings(journal_bytes_max=1), now_ms=20_000 * DAY_MS, **given)


def live(world: World, lines: Lines, hours: int) -> None:
    """Let somebody do something each hour."""
    for hour in range(hours):
        world.now_ms += HOUR_MS
        world.take(lines.track(somebody(), "Started", f"c{hour}"))


def test_every_record_that_tells_anything_is_handed_over_once_and_in_order(told: World, lines: Lines) -> None:
    numbers = tell(told)
    for number in range(7):
        told.take(lines.track(f"u{number}", "Started"), lines.track("anna", "Started", f"c{number}"))
        if number % 3 == 0:
            numbers += tell(told)
    numbers += tell(told)

    assert numbers == [each.sequence for each in told.store.records() if each.facts]
    assert tell(told) == [], "and there is no more"
    assert standing(told) == FactStanding(rows=3, refused=0, lag=0)


def test_what_was_not_committed_as_told_comes_again_after_a_crash(told: World, lines: Lines) -> None:
    tell(told)
    told.take(lines.track("anna", "Started"))
    first = read(told)

    told.reopen()

    assert read(told) == first
    assert standing(told).lag > 0
    tell(told)
    told.reopen()
    assert read(told)[0] == []


def test_whoever_tells_goes_on_behind_what_it_has_without_a_commit(told: World, lines: Lines) -> None:
    tell(told)
    told.take(lines.track("anna", "Started"))
    _, through = read(told)
    told.take(lines.track("bert", "Started"))
    written = told.shard.commits.sequence

    numbers, _ = read(told, through)

    assert numbers == [written]
    assert told.shard.commits.sequence == written


def test_that_a_record_is_told_may_be_said_twice(told: World, lines: Lines) -> None:
    told.take(lines.track("anna", "Started"))
    _, through = read(told)
    for _ in range(2):
        told.shard.exporting.facts.told(TO, through, 4, 1, told.now_ms)

    assert standing(told) == FactStanding(rows=4, refused=1, lag=0)


def test_a_destination_that_is_new_begins_with_what_comes_next(told: World, lines: Lines) -> None:
    told.take(lines.track("anna", "Started"))
    told.facts_to = (TO, "other")
    told.reopen()
    told.take(lines.track("bert", "Started"))

    assert read(told, to="other")[0] == [told.shard.commits.sequence]
    assert len(read(told)[0]) > 1


def test_one_that_is_not_known_any_more_is_forgotten(told: World, lines: Lines) -> None:
    told.facts_to = ()
    told.reopen()
    told.take(lines.track("anna", "Started"))
    assert told.shard.exporting.facts.read(TO, None) is None
    told.shard.exporting.facts.told(TO, told.shard.commits.sequence, 1, 0, told.now_ms)

    told.facts_to = (TO,)
    told.reopen()

    assert read(told)[0] == []


def test_the_journal_is_held_for_whoever_is_behind_and_not_for_whoever_is_not(
    new_world: NewWorld, lines: Lines
) -> None:
    world = a_small_world(new_world, exports=True, facts_to=(TO, "other"))
    begun = world.store.oldest()
    for _ in range(30):
        live(world, lines, 1)
        tell(world, "other")
        ahead = world.shard.exporting.begin(1, 100, world.now_ms)
        if ahead is not None:
            world.shard.exporting.end(ahead.last, world.now_ms)
    assert world.store.oldest() == begun, "nothing has gone that one of them has not been told"

    tell(world)
    live(world, lines, 40)

    assert world.store.oldest() > begun + 30


def test_facts_that_are_kept_for_long_enough_go_though_a_destination_was_told_of_them(
    new_world: NewWorld, lines: Lines
) -> None:
    world = a_small_world(new_world, facts_to=(TO,))
    world.program = replace(world.program, insight=InsightDocument(facts_for="2d"))
    world.reopen()
    for _ in range(24 * 6):
        live(world, lines, 1)
        tell(world)

    oldest = next(world.store.records()).stamp_ms
    assert 2 * DAY_MS <= world.now_ms - oldest < 4 * DAY_MS


def test_what_is_not_told_for_too_long_is_let_go_and_a_fact_says_so(new_world: NewWorld, lines: Lines) -> None:
    world = a_small_world(new_world, exports=True, facts_to=(TO,))
    world.settings = replace_held(world.settings, 3)
    world.reopen()
    for _ in range(24 * 6):
        live(world, lines, 1)
        ahead = world.shard.exporting.begin(1, 100, world.now_ms)
        if ahead is not None:
            world.shard.exporting.end(ahead.last, world.now_ms)

    oldest = next(world.store.records()).stamp_ms
    assert 3 * DAY_MS <= world.now_ms - oldest < 5 * DAY_MS
    facts = [fact for record in world.store.records() for fact in decode_facts(record.facts, "a record")]
    lost = [each for each in facts if isinstance(each, LimitReached) and each.setting == "facts_held_for_ms"]
    assert lost
    assert "the destination lake was not told for 3d" in lost[-1].why
    numbers, _ = read(world)
    assert numbers[0] >= world.store.oldest()


def test_nothing_is_let_go_of_whoever_has_been_told(new_world: NewWorld, lines: Lines) -> None:
    world = a_small_world(new_world, facts_to=(TO,))
    world.settings = replace_held(world.settings, 1)
    world.reopen()
    for _ in range(24 * 4):
        live(world, lines, 1)
        tell(world)

    facts = [fact for record in world.store.records() for fact in decode_facts(record.facts, "a record")]
    assert not any(isinstance(each, LimitReached) for each in facts)


def replace_held(settings: Settings, days: int) -> Settings:
    return settings.model_copy(update={"facts_held_for_ms": days * DAY_MS})


def test_a_destination_that_is_behind_for_too_long_is_a_trouble(told: World, lines: Lines) -> None:
    tell(told)
    told.take(lines.track("anna", "Started"))
    assert not troubles(told)

    told.now_ms += told.settings.export_lag_max_ms + HOUR_MS

    (trouble,) = troubles(told)
    assert trouble.startswith("the destination lake has not been told of what happened in the last 70 minutes")
    tell(told)
    read(told)
    assert not troubles(told)


def troubles(world: World) -> list[str]:
    return [each for each in world.shard.status(world.now_ms).troubles if "destination" in each]


def test_events_are_kept_for_a_destination_where_nothing_is_exported(new_world: NewWorld, lines: Lines) -> None:
    world = new_world(facts_to=(TO,), takes_events=True)

    world.take(lines.track("anna", "Looked"))

    part = world.shard.exporting.facts.read(TO, None)
    assert part is not None
    kept = [line for each in part.records if each.inputs for line in decode_inputs(each.inputs, "a record").lines]
    assert kept == [lines.track("anna", "Looked")]


def test_the_store_is_not_asked_where_nothing_was_told_since(told: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(told)
    through = told.shard.commits.sequence

    def asked(after: int = 0) -> Iterator[Record]:
        raise AssertionError(f"records after {after} were asked for")

    monkeypatch.setattr(told.store, "records", asked)

    assert read(told, through) == ([], through)
