"""Is everybody in a file of each day, with what the declarations say, and nobody who was erased?"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
from tests.projects import write_texts

from parcours import Settings
from parcours.config import DAY_MS
from parcours.insight.exporter.checking import check_exports
from parcours.insight.exporter.done import facts_folder
from parcours.insight.exporter.listing import read_listing
from parcours.insight.exporter.opening import open_upkeep
from parcours.journey.model.insight import InsightDocument
from parcours.journey.project import Project
from parcours.service.host import Host
from parcours.service.people_facts import PeopleFacts
from parcours.service.service import Service
from parcours.shard.requests import GetErasures
from parcours.store.exports import PEOPLE_SHARD

DAY = 20_514
NOON_MS = DAY * DAY_MS + DAY_MS // 2

FILES = {
    "profile.yaml": """traits: {email: {type: string, pii: true}, city: string, 'home.rooms': integer, score: number,
        member: boolean, since: timestamp, born: date, tags: list, person: string}""",
    "events.yaml": "events: {Seen: {}}",
    "audiences.yaml": "audiences: {northern: 'profile.city == \"Lille\"'}",
    "journeys/visit.yaml": "{journey: visit, entry: {event: Seen}, steps: [{id: long, wait: 1d}]}",
}
ANNA = {
    "email": "anna@mail.example",
    "city": "Lille",
    "home": {"rooms": 3},
    "score": 4,
    "member": True,
    "since": "2024-05-01T10:00:00+02:00",
    "born": "1990-02-28",
    "tags": ["a", "b"],
    "person": "somebody",
}


class Ahead:
    """A clock that goes on, from the time that it is told."""

    def __init__(self, now_ms: int) -> None:
        self.move_to(now_ms)

    def move_to(self, now_ms: int) -> None:
        self._at_zero_ms = now_ms - time.monotonic_ns() // 1_000_000

    def now_ms(self) -> int:
        return self._at_zero_ms + time.monotonic_ns() // 1_000_000


def opened(folder: Path, clock: Ahead, insight: str = "{events: none}") -> Service:
    write_texts(folder / "shop", FILES | {"parcours.yaml": f"{{project: shop, insight: {insight}}}"})
    project, store = Project.load(folder / "shop"), f"sqlite:///{folder}/store"
    return Service.open(project, store, shards=2, runtime="local", clock=clock)


def facts_of(service: Service) -> PeopleFacts:
    host = service._host
    assert isinstance(host, Host)
    found = host._people_facts
    assert found is not None
    return found


def rows(store: Path) -> list[dict[str, Any]]:
    """The rows of all files that count, by day and person."""
    folder = facts_folder(store)
    names = [str(folder / file.name) for _, file in read_listing(folder).files() if file.table == "people"]
    told = ds.dataset(names, format="parquet").to_table().to_pylist() if names else []
    return sorted(told, key=lambda row: (row["record"], row["person"]))


def test_everybody_has_a_row_with_typed_traits_that_are_not_personal(tmp_path: Path) -> None:
    async def live() -> None:
        async with opened(tmp_path, Ahead(NOON_MS)) as service:
            await service.identify("anna", ANNA)
            await service.consent("anna", "email", granted=True)
            await service.identify("ben", {"city": 3, "score": "many", "born": "soon"})

            assert await facts_of(service).look()

    asyncio.run(live())
    anna, ben = rows(tmp_path / "store")
    taken = anna.pop("taken")
    assert taken.date() == date(2026, 3, 2)
    assert {name: anna.pop(name) for name in ("shard", "record")} == {"shard": PEOPLE_SHARD, "record": DAY}
    assert {anna.pop("n"), ben.pop("n")} == {0, 1}
    assert anna == {
        "person": "anna",
        "city": "Lille",
        "home.rooms": 3,
        "score": 4.0,
        "member": True,
        "since": datetime(2024, 5, 1, 8, tzinfo=UTC),
        "born": date(1990, 2, 28),
        "tags": '["a","b"]',
        "traits.person": "somebody",
        "audiences": ["northern"],
        "consents": ["email"],
        "places": [],
    }
    assert (ben["city"], ben["score"], ben["born"], ben["audiences"]) == (None, None, None, [])
    found = check_exports(tmp_path / "store", PEOPLE_SHARD, None)
    assert (found.files, found.wrong, found.remarks) == (1, [], [])


def test_it_is_taken_once_a_day_and_not_close_to_its_end(tmp_path: Path) -> None:
    async def live() -> None:
        clock = Ahead(NOON_MS)
        async with opened(tmp_path, clock) as service:
            await service.identify("anna", {"city": "Lille"})
            assert [await facts_of(service).look() for _ in range(2)] == [True, False]

            clock.move_to(DAY * DAY_MS + 2 * DAY_MS - 30_000)
            assert not await facts_of(service).look()
        clock.move_to((DAY + 2) * DAY_MS)
        async with opened(tmp_path, clock) as service:
            await service.identify("anna", {"city": "Paris"})
            assert await facts_of(service).look()

    asyncio.run(live())
    assert [(row["record"], row["city"]) for row in rows(tmp_path / "store")] == [(DAY, "Lille"), (DAY + 2, "Paris")]


def test_nothing_is_taken_where_the_project_does_not_want_it(tmp_path: Path) -> None:
    async def live() -> None:
        async with opened(tmp_path, Ahead(NOON_MS), "{people: never}") as service:
            await service.identify("anna", {"city": "Lille"})
            assert not await facts_of(service).look()

    asyncio.run(live())
    assert not (facts_folder(tmp_path / "store") / "people").exists()


def test_who_was_erased_is_in_no_file_any_more_and_old_days_go(tmp_path: Path) -> None:
    store, clock = tmp_path / "store", Ahead(NOON_MS)

    async def live() -> None:
        async with opened(tmp_path, clock) as service:
            for person in ("anna", "ben"):
                await service.identify(person, {"city": "Lille"})
            await facts_of(service).look()
            clock.move_to(NOON_MS + DAY_MS)
            await facts_of(service).look()
            await service.erase("anna")
            for shard, port in enumerate(service._host.ports):
                erased = await port.ask(GetErasures())
                if erased.erasures:
                    erased = type(erased)(erased.erasures, erased.offset, 10**6)  # as if all were exported
                    await asyncio.to_thread(open_upkeep(store, Settings()).forget, shard, erased, clock.now_ms())

    asyncio.run(live())
    assert [(row["record"], row["person"]) for row in rows(store)] == [(DAY, "ben"), (DAY + 1, "ben")]

    insight = InsightDocument.model_validate({"facts_for": {"people": "2d"}})
    while open_upkeep(store, Settings()).step(insight, (DAY + 3) * DAY_MS):
        pass
    assert [row["record"] for row in rows(store)] == [DAY + 1]
