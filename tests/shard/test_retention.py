"""For how long do facts lie in the journal, and how long does it become?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from parcours.config import DAY_MS, HOUR_MS, Settings
from parcours.core.identity import SLOTS, SlotMap
from parcours.journey.model.insight import InsightDocument
from parcours.journey.program import Program

if TYPE_CHECKING:
    from tests.shard.conftest import Lines, World

NewWorld = Callable[..., "World"]

SLOT = 7  # a shard of one slot renews all of its images often


def a_world(new_world: NewWorld, program: Program, days: int) -> World:
    world = new_world(slot=SLOT, settings=Settings(journal_bytes_max=1), now_ms=20_000 * DAY_MS)
    world.program = replace(program, insight=InsightDocument(facts_for=f"{days}d"))
    world.reopen()
    return world


def stamps(world: World) -> list[int]:
    """When each record of the journal was written, in hours before now."""
    return [(world.now_ms - record.stamp_ms) // HOUR_MS for record in world.store.records()]


def live(world: World, lines: Lines, person: str, hours: int, reopened_every: int = 10**9) -> list[int]:
    """Let somebody do something each hour; how many records there were after each."""
    counts = []
    for hour in range(hours):
        world.now_ms += HOUR_MS
        world.take(lines.track(person, "Started", f"c{hour}"))
        if hour % reopened_every == 0:
            world.reopen()
        counts.append(len(stamps(world)))
    return counts


def somebody() -> str:
    """Who lives in the only slot."""
    return next(name for name in map(str, range(10**6)) if SlotMap(SLOTS).shard(name) == SLOT)


def test_facts_are_kept_for_whole_days_and_the_journal_stays_as_long(
    new_world: NewWorld, program: Program, lines: Lines
) -> None:
    world = a_world(new_world, program, days=2)
    person = somebody()

    counts = live(world, lines, person, 24 * 10)

    assert max(stamps(world)) >= 48, "what is younger than two days is there"
    assert max(counts[24 * 5 :]) <= 24 * 3 + 4, "and at most a day more"
    assert max(counts[24 * 8 :]) <= max(counts[24 * 5 : 24 * 7]), "it grows no more"


def test_days_are_known_after_a_restart(new_world: NewWorld, program: Program, lines: Lines) -> None:
    undisturbed, reopened = a_world(new_world, program, days=1), a_world(new_world, program, days=1)
    person = somebody()

    before = live(undisturbed, lines, person, 24 * 6)
    after = live(reopened, lines, person, 24 * 6, reopened_every=7)

    assert max(after[24 * 3 :]) <= max(before[24 * 3 :]) + 24, "one that opens writes no more, and trims as much"
    assert max(stamps(reopened)) >= 24


def test_a_shorter_time_that_is_published_counts_from_the_next_day(
    new_world: NewWorld, program: Program, lines: Lines
) -> None:
    world = a_world(new_world, program, days=400)
    person = somebody()
    live(world, lines, person, 24 * 5)
    assert len(stamps(world)) >= 24 * 5

    world.program = replace(program, insight=InsightDocument(facts_for="1d"))
    world.reopen()
    live(world, lines, person, 24 * 6)

    assert len(stamps(world)) <= 24 * 2 + 6
