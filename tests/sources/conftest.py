"""What tests of sources share: a small shop, a log, and a service that reads it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.projects import write_documents

from parcours.config import Settings
from parcours.journey.project import Project
from parcours.service.service import Service
from parcours.source import Source
from parcours.sources import kafka_group, partition_reader, pump, session
from parcours.sources.pump import SourceState
from parcours.testing.doubles import Kafka, Log, LogSource

EVENTS = {"events": {"Bought": {"properties": {"cart": "string"}}, "Seen": {}}}
JOURNEYS = {
    "carts": {
        "journey": "carts",
        "entry": {"event": "Bought"},
        "correlation": "event.cart",
        "steps": [{"id": "done", "end": True}],
    }
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Each cart that is bought is a run of its own."""
    folder = tmp_path / "project"
    write_documents(
        folder,
        {
            "parcours": {"project": "shop", "timezone": "UTC"},
            "profile": {"traits": {"email": "string"}},
            "events": EVENTS,
            **{f"journeys/{name}": journey for name, journey in JOURNEYS.items()},
        },
    )
    return Project.load(folder)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes seconds in production takes milliseconds."""
    monkeypatch.setattr(pump, "PARTITIONS_EVERY_S", 0.02)
    monkeypatch.setattr(pump, "HEAR_EVERY_S", 0.02)
    monkeypatch.setattr(pump, "PAUSES_S", (0.01,))
    monkeypatch.setattr(kafka_group, "POLL_EVERY_S", 0.01)
    monkeypatch.setattr(partition_reader, "PAUSES_S", (0.01,))
    monkeypatch.setattr(partition_reader, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(partition_reader, "SILENCE_S", 0.2)
    monkeypatch.setattr(session, "TELL_EVERY_S", 0.02)
    monkeypatch.setattr(session, "OVERLOADED_PAUSE_S", 0.01)


@pytest.fixture(scope="module")
def kafka() -> Iterator[Kafka]:
    """A cluster for the tests of a module, each of which has a topic of its own."""
    with Kafka() as opened:
        yield opened


def bought(person: str, cart: str) -> bytes:
    return msgspec.json.encode({"type": "track", "userId": person, "event": "Bought", "properties": {"cart": cart}})


def source_of(log: Log, **settings: Any) -> Source:
    return LogSource(log.settings(**settings))


@asynccontextmanager
async def reading(
    project: Project,
    store: str,
    source: Source,
    name: str = "stream",
    settings: Mapping[str, Any] | None = None,
    shards: int = 2,
) -> AsyncIterator[Service]:
    """A service that reads the source."""
    opened = Service.open(
        project, store, shards=shards, runtime="local", settings=Settings.model_validate(dict(settings or {}))
    )
    async with opened as service:
        await service.read_source(name, source)
        yield service


@asynccontextmanager
async def beside(service: Service, source: Source, name: str = "stream") -> AsyncIterator[Service]:
    """What another process would be that is attached to the same shards, and reads the source, too."""
    other = Service.__new__(Service)
    other._host, other._loop, other._closed, other._pumps = service._host, service._loop, False, {}
    await other.read_source(name, source)
    try:
        yield other
    finally:
        await other._end_sources()


async def carts(service: Service, person: str) -> int:
    """How many runs she has begun."""
    found = await service.profile(person)
    return 0 if found is None else found.counts["carts"]


async def is_(service: Service, *states: str) -> bool:
    """Whether its partitions are read so."""
    return tuple(each.state for each in (await state_of(service)).partitions) == states


async def state_of(service: Service) -> SourceState:
    (state,) = await service.sources()
    return state


async def until(condition: Callable[[], Any], what: str, within_s: float = 20.0) -> None:
    """Wait until it holds; `condition` may be a coroutine function."""
    try:
        async with asyncio.timeout(within_s):
            while True:
                told = condition()
                if await told if asyncio.iscoroutine(told) else told:
                    return
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"within {within_s} s it has not happened: {what}") from None


async def until_taken(service: Service, lines: int) -> None:
    """Wait until so many lines are answered, whatever became of them."""

    async def taken() -> bool:
        return sum((await state_of(service)).outcomes.values()) >= lines

    await until(taken, f"{lines} lines are taken")
