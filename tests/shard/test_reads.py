"""Who enters by a read of an audience, whenever a shard is asked? Whoever was inside at the instant, once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msgspec
import pytest

from parcours.journey.project import Project
from parcours.journey.publish.ledger import published
from parcours.journey.publish.publications import Publications, candidate_of, source_of
from parcours.shard.messages import AudienceRead
from parcours.store.memory import MemoryStore
from parcours.store.store import Record

if TYPE_CHECKING:
    from tests.shard.conftest import Lines, World

READ_MS = 1_500_000
MINUTE_MS = 60_000
LETTER = {
    "journey": "remind",
    "entry": {"read": "mailers", "at": "1970-01-01T00:25:00Z", "rule": "FREQ=MINUTELY"},
    "steps": [{"id": "pause", "wait": "1h"}],
}
MAILERS = {"mailers": 'profile.email == "in"'}


def known(person: str, email: str) -> bytes:
    return msgspec.json.encode({"type": "identify", "userId": person, "traits": {"email": email}})


@pytest.fixture
def letters(new_shop: Callable[..., Project]) -> Project:
    """Each minute everybody whose address is `in` gets a letter."""
    return new_shop(LETTER, MAILERS)


@pytest.fixture
def reading(letters: Project, new_world: Callable[..., World]) -> World:
    """A shard of it, one second before the first read; anna and carl are inside."""
    world = new_world(project=letters, now_ms=READ_MS - 1_000)
    world.take(known("anna", "in"), known("bert", "out"), known("carl", "in"))
    return world


def due(world: World) -> AudienceRead:
    (only,) = world.shard.reading.due_reads(world.now_ms).due
    return only.read


def listed(world: World, read: AudienceRead, most: int = 100) -> list[str]:
    """The members, in slices of at most so many people."""
    people: list[str] = []
    after: tuple[int, str] | None = None
    while True:
        members = world.shard.reading.list_members(read, after, most, world.now_ms)
        assert members.state == "listed" and len(members.people) <= most
        people += members.people
        after = members.after
        if after is None:
            return sorted(people)


def let_in(world: World, read: AudienceRead, *slices: Mapping[str, int]) -> None:
    """List, and let people enter now, each after her delay."""
    listed(world, read)
    for number, entries in enumerate(slices):
        world.shard.reading.place_members(read.journey, read.at, number, list(entries.items()), world.now_ms)
    world.shard.reading.let_in(read.journey, read.at, world.now_ms, sum(map(len, slices)))


def entered(world: World, person: str) -> list[int]:
    """When somebody has entered, counted from the first read."""
    profile = world.shard.profile(person)
    return [run.entered_at - READ_MS for run in profile.runs] if profile else []


# The list


@pytest.mark.parametrize("most", [1, 2, 100])
def test_what_happens_after_the_instant_changes_nobody_s_membership(reading: World, most: int) -> None:
    world = reading
    world.now_ms = READ_MS
    world.take(known("bert", "in"))  # an event of the instant goes before the read

    world.now_ms = READ_MS + 1
    world.take(known("anna", "out"), known("dora", "in"))

    assert listed(world, due(world), most) == ["anna", "bert", "carl"]
    world.now_ms += 10_000
    world.take(known("bert", "out"), known("carl", "out"))
    assert listed(world, due(world), most) == ["anna", "bert", "carl"], "a list is always the same"
    world.reopen()
    assert listed(world, due(world), most) == ["anna", "bert", "carl"], "also for whoever comes after a crash"


def test_what_was_due_before_the_instant_has_happened_and_what_is_due_at_it_has_not(
    new_shop: Callable[..., Project], new_world: Callable[..., World], lines: Lines
) -> None:
    audiences = {"mailers": 'count("Looked", "10s") == 1 || !has(profile.email)'}
    world = new_world(project=new_shop(LETTER, audiences), now_ms=READ_MS - 10_000)
    world.take(known("early", "x"), known("late", "x"))
    world.take(lines.track("early", "Looked"))
    world.now_ms += 1
    world.take(lines.track("late", "Looked"))

    world.now_ms = READ_MS + 5_000

    assert listed(world, due(world)) == ["late"]
    world.take(known("late", "y"))
    assert listed(world, due(world)) == ["late"]


def test_a_timer_due_before_the_instant_fires_before_its_person_is_listed(
    new_shop: Callable[..., Project], new_world: Callable[..., World], lines: Lines
) -> None:
    text = {
        "journey": "text",
        "entry": {"event": "Posted"},
        "steps": [{"id": "pause", "wait": "20s"}, {"id": "moved", "update": {"email": '"in"'}}],
    }
    documents = json.loads(new_shop(LETTER, MAILERS).to_json())
    documents["journeys"] = [text if each["journey"] == "text" else each for each in documents["journeys"]]
    project = Project.from_json(json.dumps(documents).encode())
    world = new_world(project=project, now_ms=READ_MS - 20_001)
    for person in ("early", "exact", "late"):
        world.take(known(person, "out"), lines.track(person, "Posted"))
        world.now_ms += 1

    world.now_ms = READ_MS + 1_000

    assert listed(world, due(world)) == ["early"]


def test_whoever_becomes_known_after_the_instant_is_in_no_audience_of_it(
    new_shop: Callable[..., Project], new_world: Callable[..., World]
) -> None:
    world = new_world(project=new_shop(LETTER, {"mailers": "!has(profile.phone)"}), now_ms=READ_MS)
    world.take(known("anna", "in"))
    world.now_ms += 1

    world.take(known("dora", "in"))

    assert listed(world, due(world)) == ["anna"]


def test_an_event_that_leaves_no_trace_makes_nobody_known_after_an_instant(reading: World, lines: Lines) -> None:
    reading.now_ms = READ_MS + 1

    reading.take(lines.track("dora", "Bought"))

    assert reading.shard.profile("dora") is None


def test_a_list_is_refused_until_the_instant_has_passed(reading: World) -> None:
    read = AudienceRead("remind", 1, READ_MS, "mailers")
    reading.now_ms = READ_MS
    assert reading.shard.reading.due_reads(reading.now_ms).due == []
    assert reading.shard.reading.list_members(read, None, 100, reading.now_ms).state == "early"

    reading.now_ms += 1
    assert reading.shard.reading.list_members(read, None, 100, reading.now_ms).state == "listed"

    reading.now_ms = READ_MS
    reading.reopen()
    assert reading.shard.status().stamp_ms == READ_MS + 1, "a list is made when its instant has durably passed"


def test_marks_go_when_a_read_is_over(reading: World) -> None:
    world = reading
    world.now_ms = READ_MS + 1
    world.take(known("anna", "out"))
    profile = world.shard.profile("anna")
    assert profile is not None and len(profile.reads) == 1

    let_in(world, due(world))
    world.take(known("anna", "in"))

    profile = world.shard.profile("anna")
    assert profile is not None and profile.reads == []


# Letting in


def test_people_enter_at_the_time_that_the_read_gives_them_however_late_their_turn_is(reading: World) -> None:
    world = reading
    world.now_ms = READ_MS + 700
    let_in(world, due(world), {"anna": 0}, {"carl": 500})

    world.now_ms += 10_000
    world.take(known("carl", "out"))  # ahead of her turn in the list

    assert entered(world, "carl") == [1_200]
    world.pass_ms(0)
    world.reopen()
    world.pass_ms(1)
    world.pass_ms(1)
    assert (entered(world, "anna"), entered(world, "carl")) == ([700], [1_200])


def test_a_slice_of_places_and_the_time_are_taken_once(reading: World) -> None:
    world = reading
    world.now_ms = READ_MS + 1
    read = due(world)
    assert listed(world, read) == ["anna", "carl"]

    for _ in range(2):
        world.shard.reading.place_members(read.journey, read.at, 0, [("anna", 0)], world.now_ms)
        world.reopen()
    world.shard.reading.place_members(read.journey, read.at, 1, [("carl", 0)], world.now_ms)
    for _ in range(2):
        world.shard.reading.let_in(read.journey, read.at, READ_MS + 5, 2)
        world.reopen()
    for _ in range(3):
        world.pass_ms(10)
    world.shard.reading.let_in(read.journey, read.at, READ_MS + 5, 2)
    world.pass_ms(10)

    assert (entered(world, "anna"), entered(world, "carl")) == ([5], [5])
    assert world.shard.status().reads == {"remind": READ_MS}


def test_nobody_enters_by_a_list_that_was_given_up(reading: World) -> None:
    world = reading
    world.now_ms = READ_MS + 1
    read = due(world)
    listed(world, read)
    world.shard.reading.place_members(read.journey, read.at, 0, [("anna", 0), ("bert", 1)], world.now_ms)

    world.reopen()
    assert listed(world, due(world)) == ["anna", "carl"]
    let_in(world, read, {"carl": 3})
    world.pass_ms(10)
    world.pass_ms(10)

    assert (entered(world, "anna"), entered(world, "bert"), entered(world, "carl")) == ([], [], [4])


# What is missed


def test_of_several_instants_the_newest_is_read_and_the_others_are_counted(reading: World) -> None:
    world = reading
    world.now_ms = READ_MS + 3 * MINUTE_MS + 1
    world.take(known("anna", "out"))

    (newest,) = world.shard.reading.due_reads(world.now_ms).due
    assert (newest.read.at, newest.missed) == (READ_MS + 3 * MINUTE_MS, 3)
    assert listed(world, newest.read) == ["anna", "carl"]
    older = AudienceRead("remind", 1, READ_MS, "mailers")
    assert world.shard.reading.list_members(older, None, 100, world.now_ms).state == "gone"
    let_in(world, newest.read)
    world.reopen()

    assert world.shard.status().reads_missed == {"remind": 3}
    assert world.shard.reading.due_reads(world.now_ms).due == []


def test_a_read_under_way_is_finished_though_the_next_instant_passes(reading: World) -> None:
    world = reading
    world.now_ms = READ_MS + 1
    first = due(world)
    listed(world, first)
    world.take(known("anna", "out"))

    world.now_ms += MINUTE_MS
    world.take(known("carl", "out"))

    assert listed(world, first) == ["anna", "carl"]
    let_in(world, first)
    assert listed(world, due(world)) == ["carl"]
    assert world.shard.status().reads_missed == {}


def test_a_new_store_reads_nothing_of_before_it_was_opened(letters: Project, new_world: Callable[..., World]) -> None:
    world = new_world(project=letters, now_ms=READ_MS + 1)
    assert world.shard.reading.due_reads(world.now_ms).due == []

    world.reopen()
    world.now_ms = READ_MS + MINUTE_MS + 1

    assert [(each.read.at - READ_MS, each.missed) for each in world.shard.reading.due_reads(world.now_ms).due] == [
        (MINUTE_MS, 0)
    ]


# What is published meanwhile


def change(world: World, project: Project) -> None:
    """Publish a project now."""
    before = world.shard.holding().publications
    ledger = published(before.ledger, candidate_of(project), world.now_ms, reopen=True)
    sources = {**before.sources, ledger.publication: source_of(project)}
    world.shard.publish(Publications(ledger, sources))


def test_an_instant_goes_by_what_was_published_then(reading: World, new_shop: Callable[..., Project]) -> None:
    world = reading
    world.now_ms = READ_MS + 10
    change(world, new_shop(LETTER, {"mailers": 'profile.email == "out"'}))
    world.take(known("anna", "out"))
    for _ in range(3):
        world.pass_ms(10)  # the change is swept

    world.reopen()
    read = due(world)
    assert (read.at, read.version) == (READ_MS, 1)
    assert listed(world, read) == ["anna", "carl"]
    let_in(world, read, {"carl": 0})
    world.now_ms = READ_MS + MINUTE_MS + 1
    assert listed(world, due(world)) == ["anna", "bert"]


def test_a_journey_that_is_not_read_any_more_has_no_instants(
    reading: World, new_shop: Callable[..., Project], remind: Mapping[str, object]
) -> None:
    world = reading
    change(world, new_shop(remind))

    world.now_ms = READ_MS + 1

    assert world.shard.reading.due_reads(world.now_ms).due == []
    assert world.shard.reading.due_reads(world.now_ms).next_ms is None


class CountingStore(MemoryStore):
    """Knows how many profiles the largest commit had."""

    def __init__(self) -> None:
        super().__init__()
        self.largest = 0

    def append(self, record: Record) -> int:
        self.largest = max(self.largest, sum(slot < 1_024 for slot, _, _ in record.profiles))
        return super().append(record)


def test_no_call_lets_more_people_in_than_a_slice_holds(letters: Project, new_world: Callable[..., World]) -> None:
    store = CountingStore()
    world = new_world(project=letters, store=store, now_ms=READ_MS - 1_000)
    people = [f"u{number}" for number in range(20)]
    for person in people:
        world.take(known(person, "in"))
    world.now_ms = READ_MS + 1
    read = due(world)
    assert listed(world, read, 3) == sorted(people)
    slices = [dict.fromkeys(people[start : start + 3], 0) for start in range(0, 20, 3)]
    let_in(world, read, *slices)

    store.largest = 0
    world.now_ms += 1
    while any(not entered(world, person) for person in people):
        world.shard.pass_time(world.now_ms)

    assert store.largest == 3
