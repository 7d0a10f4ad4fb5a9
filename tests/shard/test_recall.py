"""What a journal tells of one person is read slice by slice, and is that person's alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from parcours.clock import ManualClock
from parcours.core.fact import Fact, Unmatched
from parcours.core.fact_block import encode_facts
from parcours.shard.host import ShardHost
from parcours.shard.journal_slices import RECORD_BYTES, SLICE_BYTES
from parcours.shard.person_facts import recall
from parcours.store.memory import MemoryStore
from parcours.store.store import Record

if TYPE_CHECKING:
    from tests.shard.conftest import Lines, World


ALL = 1_000
"""Above the number of any record here."""


def unmatched(at: int, person: str, why: str = "why") -> Unmatched:
    return Unmatched(at, person, "opened", why)


def journal(*records: Sequence[Fact]) -> MemoryStore:
    """A store whose records, from 1 on, tell these facts."""
    store = MemoryStore()
    for number, facts in enumerate(records, start=1):
        store.append(Record(number, 0, 0, [], [], [], encode_facts(facts)))
    return store


def test_only_the_person_s_own_facts_are_told_in_their_order() -> None:
    store = journal(
        [unmatched(1, "anna"), unmatched(1, "annabel"), unmatched(2, "anna")],
        [],  # a commit of which there is nothing to tell
        [unmatched(3, "bert", why="anna did it")],
        [unmatched(4, "anna")],
    )

    recalled = recall(store, {"anna": 0}, ALL)

    assert [(fact.at, fact.person) for fact in recalled.facts] == [(1, "anna"), (2, "anna"), (4, "anna")]
    assert recalled.after is None


def test_a_long_journal_is_read_in_slices_that_go_on_where_the_last_one_ended() -> None:
    long = "x" * (SLICE_BYTES // 2)
    store = journal(*[[unmatched(number, "anna"), unmatched(number, "bert", long)] for number in range(5)])

    slices, after = [], 0
    while True:
        recalled = recall(store, {"anna": after}, ALL)
        slices.append([fact.at for fact in recalled.facts])
        if recalled.after is None:
            break
        after = recalled.after

    assert slices == [[0, 1], [2, 3], [4]]


def test_of_small_records_a_slice_has_no_more_than_can_be_looked_at_in_its_time() -> None:
    records = SLICE_BYTES // RECORD_BYTES + 100
    store = journal(*[[unmatched(number, "anna")] for number in range(records)])

    first = recall(store, {"anna": 0}, records)

    assert 100 < len(first.facts) <= SLICE_BYTES // RECORD_BYTES
    assert first.after == len(first.facts)


def test_what_is_committed_after_the_question_is_for_another_one(world: World, lines: Lines) -> None:
    async def scenario() -> None:
        host = ShardHost(world.shard, world.store, ManualClock(world.now_ms), lambda channel: None)
        await host.take(world.batch(lines.identify("anna"), lines.track("anna", "Ordered")))

        first = await host.people.recall(["anna"], 0, None)
        await host.take(world.batch(lines.track("anna", "Emptied")))
        again = await host.people.recall(["anna"], 0, first.through)
        later = await host.people.recall(["anna"], 0, None)

        assert first.facts and again == first
        assert later.through > first.through
        assert later.facts[: len(first.facts)] == first.facts != later.facts
        await host.close()

    asyncio.run(scenario())
