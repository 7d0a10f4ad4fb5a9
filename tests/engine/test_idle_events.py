"""Nothing is lost to what begins to listen, whoever has answered by itself until then, and all of it is counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from parcours.config import Settings
from parcours.errors import ShardUnavailable
from parcours.journey.model.document import EventsDocument, JourneyDocument, ProjectDocument
from parcours.journey.project import Project
from parcours.routing.alone import Alone
from parcours.routing.plan import Plan
from parcours.routing.ports import ShardPort
from parcours.routing.router import Router
from parcours.routing.taken import Taken
from parcours.service.attached_host import AttachedHost
from parcours.service.service import Service


def shop(*visited: str) -> Project:
    """Each of the events that are visited counts a visit; nothing listens to others."""
    entry = [{"event": name} for name in visited or ("Arrived",)]
    journey = {"journey": "visits", "entry": entry, "steps": [{"id": "done", "end": True}]}
    return Project.of(
        ProjectDocument.model_validate({"project": "shop", "insight": {"events": "none"}}),
        events=EventsDocument.model_validate({"events": {"Arrived": {}, "Seen": {}, "Looked": {}}}),
        journeys=[JourneyDocument.model_validate(journey)],
    )


def seen(person: str, event: str = "Seen") -> bytes:
    return msgspec.json.encode({"type": "track", "event": event, "userId": person})


@asynccontextmanager
async def engine(project: Project, store: str = "memory:", **settings: object) -> AsyncGenerator[Service]:
    bounds = Settings.model_validate(settings)
    async with Service.open(project, store, shards=2, runtime="local", settings=bounds) as service:
        yield service


async def visits(service: Service, person: str) -> int:
    profile = await service.profile(person)
    return 0 if profile is None else profile.counts.get("visits", 0)


async def counted(service: Service) -> tuple[int, int, int, int]:
    """How many lines all shards have counted: accepted, undeclared, duplicate, rejected."""
    figures = [each.figures for each in (await service.figures()).shards]
    lines = [each.totals.lines for each in figures if each is not None]
    first, second = lines
    return tuple(a + b for a, b in zip(first, second, strict=True))  # type: ignore[return-value]  # they are four


def test_from_the_return_of_a_publication_on_no_router_answers_what_is_listened_to_then() -> None:
    async def scenario() -> None:
        async with engine(shop()) as service:
            mine = service._host
            other = Router("another process", mine.ports, shop().program, mine.settings, alone=Alone())
            other.publish(shop().program, service._control.publications.ledger.number)
            alone = 0
            for number in range(20):
                alone += (await other.take([seen(f"early-{number}")])).alone
                alone += (await mine.route([seen(f"early-{number}")], are_reports=False)).alone
            assert alone >= 30, "both have leases"

            await service.publish(shop("Seen"))

            late = [await other.take([seen(f"late-{number}")]) for number in range(20)]
            await service.ingest([seen(f"late-{number}") for number in range(20)])
            assert [await visits(service, f"late-{number}") for number in range(20)] == [2] * 20
            assert [each.alone for each in late] == [0] * 20, "it knows nothing of the publication"
            await other.close()

    asyncio.run(scenario())


def test_while_something_is_published_no_line_is_lost_that_is_accepted_from_its_time_on() -> None:
    async def scenario() -> None:
        async with engine(shop()) as service:
            stop, handed_in = asyncio.Event(), list[tuple[str, int, Taken]]()

            async def hand_in() -> None:
                name, at = f"person-{len(handed_in)}", service._host.now_ms()
                handed_in.append((name, at, await service._host.route([seen(name)], are_reports=False)))

            async def feed() -> None:
                while not stop.is_set():
                    await hand_in()
                    await asyncio.sleep(0.001)

            feeding = asyncio.ensure_future(feed())
            await asyncio.sleep(0.2)
            await service.publish(shop("Seen"))
            stop.set()
            await feeding
            for _ in range(12):
                await hand_in()

            published_ms = service._control.publications.ledger.at
            missed = [at for name, at, _ in handed_in if not await visits(service, name)]
            assert any(taken.alone for _, _, taken in handed_in)
            assert max(missed) <= published_ms
            assert sum(at >= published_ms for _, at, _ in handed_in) > 10

    asyncio.run(scenario())


def test_a_publication_that_cannot_wait_for_routers_is_refused_and_says_why() -> None:
    async def scenario() -> None:
        async with engine(shop(), change_wait_s=0.5) as service:
            await service.ingest([seen("anna")])

            with pytest.raises(ShardUnavailable, match="routers answer by themselves .* change_wait_s=0.5"):
                await service.publish(shop("Seen"))

            await service.publish(shop("Seen"), dry=True)
            assert service._control.publications.ledger.number == 1

    asyncio.run(scenario())


def test_a_publication_that_listens_to_no_more_waits_for_no_router() -> None:
    async def scenario() -> None:
        async with engine(shop("Arrived", "Seen")) as service:
            host = service._host
            assert [(await host.route([seen("anna", "Looked")], are_reports=False)).alone for _ in range(2)] == [0, 1]

            await service.publish(shop("Arrived"))

            again = [(await host.route([seen("anna", "Looked")], are_reports=False)).alone for _ in range(2)]
            assert again == [0, 1], "it has the lease of another ledger, and then one of this"

    asyncio.run(scenario())


@pytest.mark.parametrize("store", ["memory:", "on disk"])
def test_all_lines_are_counted_whoever_has_answered_them(store: str, tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'store'}" if store == "on disk" else store

    async def scenario() -> None:
        lines = [seen("anna"), seen("bert", "Arrived"), seen("carl", "Unheard of"), b"rubbish"]
        async with engine(shop(), address) as service:
            answers = [await service.ingest(lines) for _ in range(5)]
            await service.drain()
            assert await counted(service) == (10, 5, 0, 0)
            assert [(each.accepted, each.undeclared, len(each.rejected)) for each in answers] == [(3, 1, 1)] * 5
            await service.ingest([seen("anna")] * 7)  # and nobody waits
        if store == "on disk":
            async with engine(shop(), address) as service:
                assert await counted(service) == (17, 5, 0, 0)

    asyncio.run(scenario())


def test_ids_of_idle_events_are_kept_where_the_settings_say_so() -> None:
    async def scenario(idle_events: str) -> int:
        async with engine(shop(), idle_events=idle_events) as service:
            calls = [{"type": "track", "userId": "anna", "event": "Seen", "messageId": "m-1"}]
            return sum([(await service.ingest(calls)).duplicate for _ in range(5)])

    assert asyncio.run(scenario("keep")) == 4
    assert asyncio.run(scenario("answer")) == 0


# A process that is attached


@dataclass
class Keeper:
    """Whoever keeps the engine, as another process asks it: satisfies `KeeperPort`. News may be late."""

    service: Service

    async def call(self, name: str, known: int | None) -> Any:
        assert name == "news"
        control = self.service._control
        if control.publications.ledger.number == known:
            await control.changed.wait()  # type: ignore[attr-defined]  # that of the host which keeps it
        return control.publications

    def stream(self, name: str, *arguments: Any) -> AsyncGenerator[Any]:
        raise AssertionError(f"nobody asks for {name}{arguments} here")

    def silent_s(self) -> float:
        return 0.0

    async def end_process(self) -> None:
        raise AssertionError("nobody is frozen here")

    async def end(self) -> None:
        raise AssertionError("nobody ends the engine here")


@dataclass
class Attached:
    """Satisfies `Attachment`."""

    plan: Plan
    ports: Sequence[ShardPort]
    keeper: Keeper
    was_running: bool = False

    def close(self) -> None: ...


def test_a_process_that_is_attached_answers_by_what_the_keeper_tells() -> None:
    async def scenario() -> None:
        async with engine(shop()) as service:
            keeping = service._host
            host = AttachedHost(Attached(keeping._plan, keeping.ports, Keeper(service)), shop())
            await host.start()

            async def taken(event: str) -> list[int]:
                return [(await host.route([seen("anna", event)], are_reports=False)).alone for _ in range(3)]

            assert await taken("Seen") == [0, 1, 1]
            await service.publish(shop("Seen"))
            assert await taken("Seen") == [0, 0, 0]
            await host._control.hear(None)
            await taken("Looked")
            assert await visits(service, "anna") == 3
            await host.turn_away()
            await host.stop()

    asyncio.run(scenario())
