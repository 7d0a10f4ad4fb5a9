"""The clock of a client is wrong: its events count at the time that they mean, live, in what is kept, and in a twin."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.engine.test_store_inputs import comparable
from tests.projects import write_documents

from parcours.clock import ManualClock
from parcours.config import HOUR_MS, Settings
from parcours.core.fact import Fact, Moved
from parcours.core.time_text import time_text
from parcours.errors import CallerError, Overloaded
from parcours.insight.exporter.opening import recall_exported
from parcours.journey.project import Project
from parcours.service.acknowledgement import LinesTaken
from parcours.service.engine import Engine
from parcours.service.service import Service
from parcours.shard.closed_person import read_all_of
from parcours.simulation.simulation import simulate
from parcours.simulation.store_inputs import write_inputs

NOW_MS = 1_767_258_000_000
"""2026-01-01T09:00Z."""

DOCUMENTS: dict[str, dict[str, Any]] = {
    "parcours": {"project": "shop", "insight": {"inputs": True}},
    "events": {"events": {"Seen": {"properties": {"page": "string"}}}},
    "audiences": {"audiences": {"lately": 'count("Seen", "1h") > 0'}},
    "journeys/hello": {
        "journey": "hello",
        "entry": {"audience": "lately"},
        "exit": [{"audience": "lately", "change": "left"}],
        "steps": [{"id": "stay", "wait": "30d"}],
    },
}


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    write_documents(tmp_path / "shop", DOCUMENTS)
    return Project.load(tmp_path / "shop")


def seen(person: str, at_ms: int | None, **more: object) -> bytes:
    stamp = {} if at_ms is None else {"timestamp": time_text(at_ms)}
    call = {"type": "track", "event": "Seen", "userId": person, "messageId": f"m-{person}", **stamp, **more}
    return json.dumps(call).encode()


LINES = (
    (seen("behind", NOW_MS - 2 * HOUR_MS), 2 * HOUR_MS - 600_000),  # ten minutes ago, by a clock two hours behind
    (seen("ahead", NOW_MS + 5 * HOUR_MS), -7 * HOUR_MS),  # two hours ago: not lately
    (seen("right", NOW_MS - 1_200_000, properties={"timestamp": "of no account"}), 0),
    (seen("silent", None), 0),
)


def facts_of(store: str, person: str) -> list[Fact]:
    """Of a store that nobody uses."""
    exported = recall_exported(Path(store.removeprefix("sqlite:///")), person)
    return comparable([*exported.facts, *read_all_of(store, [person], exported.through).facts])


def moves(facts: Sequence[Fact]) -> list[tuple[str, int]]:
    told = ("entered", "exited")
    return [
        (fact.what, (fact.at - NOW_MS) // 60_000) for fact in facts if isinstance(fact, Moved) and fact.what in told
    ]


def test_an_event_counts_at_the_time_that_it_means_live_and_in_the_twin(shop: Project, tmp_path: Path) -> None:
    store, clock = f"sqlite:///{tmp_path / 'store'}", ManualClock(NOW_MS)
    lines, skews = [line for line, _ in LINES], [skew for _, skew in LINES]
    with Engine.open(shop, store, shards=2, runtime="local", clock=clock) as engine:
        assert engine.take_lines(lines, skews).accepted == len(LINES)
        again = engine.take_lines(lines, [skew + 1_000 for skew in skews])
        assert sorted(again.repeated) == [0, 1, 2, 3], "the message id counts, whatever is corrected"
        for _ in range(4):
            clock.move_to(clock.now_ms() + HOUR_MS // 2)
            engine.drain(30)

    told = {person: facts_of(store, person) for person in ("behind", "ahead", "right", "silent")}

    assert moves(told["behind"]) == [("entered", 0), ("exited", 50)]
    assert moves(told["ahead"]) == []
    assert moves(told["right"]) == [("entered", 0), ("exited", 40)]
    assert moves(told["silent"]) == [("entered", 0), ("exited", 60)]
    write_inputs(store, tmp_path / "inputs.ndjson")
    kept = (tmp_path / "inputs.ndjson").read_bytes().splitlines()
    twin = simulate(shop, kept, until_ms=clock.now_ms()).facts
    for person, facts in told.items():
        assert comparable([fact for fact in twin if fact.person == person]) == facts, person
    stamps = {(call := json.loads(line)).get("userId"): call.get("timestamp") for line in kept}
    assert stamps["behind"] == time_text(NOW_MS - 600_000)
    assert stamps["right"] == time_text(NOW_MS - 1_200_000), "it lies as it came"


def test_lines_as_they_are_are_answered_one_by_one(shop: Project) -> None:
    async def backend() -> LinesTaken:
        async with Service.open(shop, "memory:", runtime="local") as service:
            one, two = seen("one", None), seen("two", None)
            await service.take_lines([one])
            with pytest.raises(CallerError, match="1 skews for 2 lines"):
                await service.take_lines([one, two], [5])
            with pytest.raises(CallerError, match="1 user ids for 2 lines"):
                await service.take_lines([one, two], user_ids=["one"])
            return await service.take_lines([two, b"{", one], room_wait_s=0.0, answer_wait_s=30.0)

    taken = asyncio.run(backend())

    assert (taken.accepted, taken.repeated, [place for place, _ in taken.rejected]) == (1, [2], [1])
    assert (taken.failure, taken.committed) == (None, ())


def test_a_line_goes_to_its_person_whether_her_id_has_been_read_or_not(shop: Project) -> None:
    names = [f"u{number}" for number in range(20)]

    async def backend() -> list[object]:
        async with Service.open(shop, "memory:", shards=3, runtime="local") as service:
            lines = [seen(name, None) for name in names]
            read = [name if number % 2 else "" for number, name in enumerate(names)]
            assert (await service.take_lines(lines, user_ids=read)).accepted == len(names)
            again = await service.take_lines(lines)
            assert sorted(again.repeated) == list(range(len(names)))
            return [await service.profile(name) for name in names]

    assert all(asyncio.run(backend()))


def test_whoever_finds_no_room_hears_how_many_lines_wait(shop: Project) -> None:
    async def backend() -> None:
        settings = Settings(batch_events_max=1, batches_in_flight_max=1)
        async with Service.open(shop, "memory:", shards=1, runtime="local", settings=settings) as service:
            first = asyncio.ensure_future(service.take_lines([seen(f"u{number}", None) for number in range(5)]))
            await asyncio.sleep(0)
            with pytest.raises(Overloaded, match="no room within 0 s") as refused:
                await service.take_lines([seen("late", None)], room_wait_s=0.0)
            assert 1 <= refused.value.waiting_lines <= 5
            assert (await first).accepted == 5
            assert (await service.take_lines([seen("late", None)], room_wait_s=0.0)).accepted == 1

    asyncio.run(backend())
