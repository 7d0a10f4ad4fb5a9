"""Which records is the exporter handed, which inputs are kept for it, and when may a record go?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from parcours.config import MINUTE_MS, Settings
from parcours.core.fact import Fact, LimitReached
from parcours.core.fact_block import decode_facts
from parcours.core.identity import SLOTS, SlotMap
from parcours.core.input_block import KeptInputs, decode_inputs
from parcours.journey.model.insight import ArchivedEvents, InsightDocument
from parcours.segment.told import merge_line
from parcours.shard.messages import ExportRange, ExportRecord, LineOutcome

if TYPE_CHECKING:
    from tests.shard.conftest import Lines, World

NewWorld = Callable[..., "World"]

MOST = 2_000


@pytest.fixture
def exported(new_world: NewWorld) -> World:
    """A shard with an exporter."""
    return new_world(exports=True)


def begin(world: World, at_least: int = 1, most: int = MOST) -> ExportRange | None:
    return world.shard.exporting.begin(at_least, most, world.now_ms)


def read(world: World, ahead: ExportRange) -> list[ExportRecord]:
    """All records of a range that tell anything, slice by slice."""
    records: list[ExportRecord] = []
    after = ahead.first - 1
    while True:
        part = world.shard.exporting.slice(after, ahead.last)
        assert part is not None
        records += part.records
        if part.after is None:
            return records
        after = part.after


def facts_in(records: list[ExportRecord]) -> list[Fact]:
    return [fact for record in records for fact in decode_facts(record.facts, "a record")]


def export(world: World, at_least: int = 1, most: int = MOST) -> list[Fact] | None:
    """What an exporter does in one go: the facts of the range, None if there was none."""
    ahead = begin(world, at_least, most)
    if ahead is None:
        return None
    facts = facts_in(read(world, ahead))
    world.shard.exporting.end(ahead.last, world.now_ms)
    return facts


def kept(world: World) -> list[KeptInputs]:
    """The inputs kept in each record of the journal that has any."""
    return [decode_inputs(record.inputs, "a record") for record in world.store.records() if record.inputs]


def test_every_fact_is_handed_over_once_in_the_order_of_the_journal(exported: World, lines: Lines) -> None:
    told: list[Fact] = []
    for number in range(7):
        exported.take(lines.track(f"u{number}", "Started"), lines.track("anna", "Started", f"c{number}"))
        if number % 3 == 0:
            told += export(exported) or []
    told += export(exported) or []

    assert told == exported.facts()
    assert export(exported) is None, "and there is no more"


def test_commits_of_the_exporting_are_no_reason_to_export(exported: World, lines: Lines) -> None:
    exported.take(lines.track("anna", "Started"))
    export(exported)
    written = exported.shard.commits.sequence

    assert [export(exported) for _ in range(3)] == [None] * 3
    assert exported.shard.commits.sequence == written


def test_a_range_waits_for_as_many_records_as_are_asked_for_and_has_no_more(exported: World, lines: Lines) -> None:
    for number in range(9):
        exported.take(lines.track("anna", "Started", f"c{number}"))

    assert begin(exported, at_least=10) is None
    assert begin(exported, at_least=9, most=4) == ExportRange(1, 4)


def test_a_range_comes_again_until_it_is_ended_whoever_asks(exported: World, lines: Lines) -> None:
    exported.take(lines.track("anna", "Started"))
    first = begin(exported)
    assert first is not None
    told = facts_in(read(exported, first))
    exported.take(lines.track("bert", "Started"))

    assert begin(exported) == first
    exported.reopen()
    assert begin(exported) == first, "the process that wrote its files has ended"
    assert facts_in(read(exported, first)) == told


def test_ending_a_range_twice_or_another_one_changes_nothing(exported: World, lines: Lines) -> None:
    exported.take(lines.track("anna", "Started"))
    first = begin(exported)
    assert first is not None

    exported.shard.exporting.end(first.last + 1, exported.now_ms)
    assert begin(exported) == first
    exported.shard.exporting.end(first.last, exported.now_ms)
    written = exported.shard.commits.sequence
    exported.shard.exporting.end(first.last, exported.now_ms)

    assert exported.shard.commits.sequence == written


def test_a_range_that_has_been_ended_is_handed_over_no_more(exported: World, lines: Lines) -> None:
    exported.take(*(lines.identify(f"p{number}") for number in range(3)))
    ahead = exported.shard.exporting.begin(1, 100, exported.now_ms)
    assert ahead is not None
    assert exported.shard.exporting.slice(ahead.first - 1, ahead.last) is not None

    exported.shard.exporting.end(ahead.last, exported.now_ms)

    assert exported.shard.exporting.slice(ahead.first - 1, ahead.last) is None, "its records may be trimmed"


def test_a_big_range_is_handed_over_in_slices(exported: World, lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parcours.shard.exporting.SLICE_BYTES", 1_000)
    for number in range(20):
        exported.take(lines.track("anna", "Started", f"c{number}"))
    ahead = begin(exported)
    assert ahead is not None

    part = exported.shard.exporting.slice(ahead.first - 1, ahead.last)
    assert part is not None and part.after is not None
    assert facts_in(read(exported, ahead)) == exported.facts()


def somebody() -> str:
    """Who lives in the only slot of a shard that has one."""
    return next(name for name in map(str, range(10**6)) if SlotMap(SLOTS).shard(name) == 7)


def test_nothing_is_trimmed_that_is_not_exported_and_the_journal_of_a_steady_engine_stays_as_long(
    new_world: NewWorld, lines: Lines
) -> None:
    world = new_world(slot=7, exports=True, settings=Settings(journal_bytes_max=1))
    person = somebody()
    told: list[Fact] = []
    lengths = []
    for number in range(400):
        world.take(lines.track(person, "Started", f"c{number}"))
        if number % 20 == 19:
            told += export(world) or []
            lengths.append(sum(1 for _ in world.store.records()))
        if number % 90 == 0:
            world.reopen()

    assert sum(1 for fact in told if getattr(fact, "what", "") == "entered") == 400
    assert max(lengths[10:]) <= max(lengths[:10]) < 100


def test_without_a_word_of_the_exporter_the_journal_keeps_everything(new_world: NewWorld, lines: Lines) -> None:
    world = new_world(slot=7, exports=True, settings=Settings(journal_bytes_max=1))
    world.program = replace(world.program, insight=InsightDocument(facts_for="1d"))
    world.reopen()
    for number in range(60):
        world.now_ms += 12 * 60 * MINUTE_MS
        world.take(lines.track(somebody(), "Started", f"c{number}"))

    assert next(world.store.records()).sequence == 1


# What is kept


def archive_of(world: World, events: ArchivedEvents) -> None:
    world.program = replace(world.program, insight=InsightDocument(events=events))
    world.reopen()


def test_the_lines_of_declared_events_are_kept_as_they_came(exported: World, lines: Lines) -> None:
    looked, started = lines.track("anna", "Looked", message_id="m1"), lines.track("anna", "Started")
    unknown = lines.track("anna", "Danced")

    exported.take(looked, unknown, lines.identify("anna"), looked, b"{", started)

    assert kept(exported) == [KeptInputs([looked, started])], "neither duplicates nor what cannot be used"


@pytest.mark.parametrize(
    ("events", "names"),
    [("all", ["Looked", "Danced", "Started"]), ("none", []), (["Danced"], ["Danced"]), ([], [])],
)
def test_the_project_says_which_events_are_kept(
    exported: World, lines: Lines, events: ArchivedEvents, names: list[str]
) -> None:
    archive_of(exported, events)

    exported.take(*[lines.track("anna", name) for name in ("Looked", "Danced", "Started")])

    assert [line for each in kept(exported) for line in each.lines] == [lines.track("anna", name) for name in names]


def test_a_page_that_was_looked_at_is_an_event_and_what_is_said_of_a_person_is_none(
    exported: World, lines: Lines
) -> None:
    archive_of(exported, "all")
    page = b'{"type":"page","userId":"anna","name":"Home","properties":{}}'

    exported.take(lines.identify("anna"), page)

    assert [each.lines for each in kept(exported)] == [[page]]


def test_who_it_was_is_kept_where_the_line_does_not_name_her_by_a_user_id(exported: World) -> None:
    somebody_unknown = b'{"type":"track","anonymousId":"7f3a","event":"Looked","properties":{}}'
    anna = b'{"type":"track","userId":"anna","event":"Looked","properties":{}}'

    exported.take(anna, somebody_unknown)

    assert kept(exported) == [KeptInputs([anna, somebody_unknown], {1: "@anonymous/7f3a"})]


def test_a_merge_is_kept_with_the_inputs_of_whoever_took_somebody_in_and_is_no_event(exported: World) -> None:
    exported.program = replace(exported.program, insight=InsightDocument(inputs=True))
    exported.reopen()
    archiving, work = exported.shard._archiving, exported.shard.commits.begin(1_000_100)
    archiving.begin(work)
    before = len(work.kept.lines)

    archiving.note_merge(work, "anna", "@anonymous/7f3a", 1_000_100)
    archiving.note_merge(work, "@user/@anna", "bert", 8_000)

    assert work.kept.lines[before:] == [
        merge_line("anna", "@anonymous/7f3a", 1_000_100), merge_line("@user/@anna", "bert", 8_000)
    ]  # fmt: skip
    assert before not in work.kept.names and work.kept.names[before + 1] == "@user/@anna"
    assert work.kept.times == {before + 1: 8_000}
    assert {before, before + 1} <= set(work.kept.others)


def test_nothing_is_kept_without_an_exporter(world: World, lines: Lines) -> None:
    world.take(lines.track("anna", "Looked"))

    assert kept(world) == []


def test_a_batch_that_comes_again_is_kept_once(exported: World, lines: Lines) -> None:
    batch = exported.batch(lines.track("anna", "Looked"))
    exported.shard.take(batch, exported.now_ms)

    exported.shard.take(batch, exported.now_ms)

    assert len(kept(exported)) == 1


# An exporter that is behind


def test_a_range_that_a_life_before_has_begun_does_not_make_the_exporter_late(exported: World, lines: Lines) -> None:
    exported.take(lines.track("anna", "Looked"))
    ahead = begin(exported, 1, MOST)
    assert ahead is not None
    exported.reopen()
    exported.take(lines.track("anna", "Looked"))

    exported.shard.exporting.end(ahead.last, exported.now_ms)
    exported.take(lines.track("anna", "Looked"))

    assert exported.shard.standing.troubles(exported.now_ms) == []
    assert not [fact for fact in exported.facts() if isinstance(fact, LimitReached)]


def test_events_are_left_out_while_the_exporter_is_too_far_behind_and_that_is_told(
    exported: World, lines: Lines
) -> None:
    def look() -> bool:
        """Whether an event of now is kept."""
        before = len(kept(exported))
        assert exported.take(lines.track("anna", "Looked")).outcomes == bytes([LineOutcome.ACCEPTED])
        return len(kept(exported)) > before

    assert look()
    exported.now_ms += 10 * MINUTE_MS
    assert look()
    assert exported.shard.standing.troubles(exported.now_ms) == []
    exported.now_ms += 5 * MINUTE_MS
    assert not look()
    assert not look()
    (trouble,) = exported.shard.standing.troubles(exported.now_ms)
    assert trouble.startswith("what happened in the last 15 minutes is not exported yet")
    while export(exported) is not None:
        pass

    assert look()
    assert exported.shard.standing.troubles(exported.now_ms) == []
    limits = [fact for fact in exported.facts() if isinstance(fact, LimitReached)]
    assert [(limit.setting, limit.why.endswith("archived again")) for limit in limits] == [
        ("export_lag_max_ms", False), ("export_lag_max_ms", True),
    ]  # fmt: skip
