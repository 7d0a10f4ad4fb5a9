"""The machine's clock jumps by an hour under a door that is open: what goes by time there goes on as if it had not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.engine.test_clocks import HOUR, SECOND, START_MS, Machine

from parcours.config import DAY_MS
from parcours.core.time_text import time_text
from parcours.errors import Overloaded
from parcours.ingress.application import Application, door_of
from parcours.ingress.door import Door
from parcours.ingress.settings import ServeSettings
from parcours.ingress.tokens import InboxToken
from parcours.instants import to_moment
from parcours.journey.model.document import EventsDocument, JourneyDocument, ProfileDocument, ProjectDocument
from parcours.journey.project import Project
from parcours.service.acknowledgement import LinesTaken
from parcours.service.service import Service

HALF_HOUR = HOUR // 2

JUMPS = [HOUR, -HOUR]


class Scene:
    """An open door on a machine whose clock can be set, and whoever knocks there."""

    def __init__(self, machine: Machine, door: Door, client: httpx.AsyncClient) -> None:
        self.machine = machine
        self.door = door
        self.client = client

    async def send(self, message_id: str, key: str = "lasting", **call: object) -> httpx.Response:
        told = {"event": "Seen", "userId": "u1", "messageId": message_id, **call}
        return await self.client.post("/v1/track", json=told, headers={"Authorization": f"Bearer {key}"})

    async def inbox(self, token: str) -> int:
        return (await self.client.get("/inbox/u1", params={"token": token})).status_code

    async def figure(self, name: str, **labels: str) -> float:
        text = (await self.client.get("/metrics")).text
        told = [each for family in text_string_to_metric_families(text) for each in family.samples]
        return sum(each.value for each in told if each.name == name and labels.items() <= each.labels.items())

    def token(self, lasts_ms: int) -> str:
        assert self.door.seals is not None
        return self.door.seals.seal(InboxToken("u1", self.door.now_ms() + lasts_ms))

    async def stand(self) -> None:
        """So much time passes that a jump of the clock is believed, in as many readings as it takes."""
        for _ in range(4):
            self.machine.passed_ms += 5 * SECOND
            assert (await self.client.get("/health")).status_code == 200
            await self.send(f"passing-{self.machine.passed_ms}")


def at_door(visit: Callable[[Scene], Awaitable[None]]) -> None:
    def key(name: str, **more: object) -> Mapping[str, object]:
        return {"name": name, "sha256": sha256(name.encode()).hexdigest(), "scopes": ["ingest"], **more}

    ends = to_moment(START_MS + HALF_HOUR).isoformat()
    given = ServeSettings.model_validate(
        {"keys": [key("lasting"), key("ending", expires=ends)], "signing_keys": ["s" * 32], "room_wait_ms": 0}
    )
    project = Project.of(
        ProjectDocument(project="shop"),
        ProfileDocument(),
        EventsDocument.model_validate({"events": {"Seen": {}}}),
        journeys=[
            JourneyDocument.model_validate(
                {"journey": "j", "entry": {"event": "Seen"}, "steps": [{"id": "w", "wait": "30d"}]}
            )
        ],
    )

    async def running() -> None:
        machine = Machine()
        async with Service.open(project, "memory:", shards=2, runtime="local", clock=machine.clock()) as service:
            door = door_of(service, given)
            transport = httpx.ASGITransport(Application(door))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                await visit(Scene(machine, door, client))

    asyncio.run(running())


@pytest.mark.parametrize("jump", JUMPS)
def test_for_a_moment_it_changes_nothing(jump: int) -> None:
    async def visit(scene: Scene) -> None:
        short, long = scene.token(-1), scene.token(HALF_HOUR)
        assert (await scene.send("m0", "ending")).status_code == 200
        scene.machine.off_ms = jump
        scene.machine.passed_ms += SECOND

        assert (await scene.send("m1", "ending")).status_code == 200
        assert (await scene.send("m0", "ending")).json()["duplicate"] == 1
        assert (await scene.inbox(long), await scene.inbox(short)) == (200, 401)
        assert (await scene.client.get("/ready")).json() == {"ready": True, "reasons": []}
        scene.machine.off_ms = 0
        scene.machine.passed_ms += SECOND
        assert (await scene.send("m2", "ending")).json()["accepted"] == 1
        assert START_MS <= scene.door.now_ms() <= START_MS + 3 * SECOND

    at_door(visit)


def test_a_clock_that_stands_an_hour_ahead_is_believed_and_what_ends_meanwhile_has_ended() -> None:
    async def visit(scene: Scene) -> None:
        short, long = scene.token(HALF_HOUR), scene.token(DAY_MS)
        scene.machine.off_ms = HOUR
        await scene.stand()

        assert (await scene.send("m1", "ending")).status_code == 401
        assert (await scene.send("m2")).status_code == 200
        assert (await scene.inbox(long), await scene.inbox(short)) == (200, 401)
        assert (await scene.client.get("/ready")).status_code == 200

    at_door(visit)


def test_a_clock_that_is_set_back_gives_nothing_back_that_has_ended() -> None:
    async def visit(scene: Scene) -> None:
        short = scene.token(HALF_HOUR)
        scene.machine.passed_ms += HALF_HOUR
        assert (await scene.send("m1", "ending")).status_code == 401
        scene.machine.off_ms = -HOUR
        await scene.stand()

        assert (await scene.send("m2", "ending")).status_code == 401
        assert await scene.inbox(short) == 401
        assert (await scene.send("m3")).status_code == 200
        assert (await scene.client.get("/ready")).status_code == 200
        told = await scene.door.service.troubles()
        assert any("s behind the engine's time" in trouble for trouble in told), told

    at_door(visit)


@pytest.mark.parametrize("jump", JUMPS)
def test_a_client_whose_clock_is_right_is_moved_by_no_more_than_the_door_is_wrong(jump: int) -> None:
    async def visit(scene: Scene) -> None:
        taken: list[int] = []
        take_lines = scene.door.service.take_lines

        async def noting(lines: Any, skews_ms: Any = (), **more: Any) -> LinesTaken:
            taken.extend(skews_ms or [0])
            return await take_lines(lines, skews_ms, **more)

        scene.door.service.take_lines = noting  # type: ignore[method-assign]
        scene.machine.off_ms = jump
        scene.machine.passed_ms += SECOND
        happened, sent = (time_text(START_MS + scene.machine.passed_ms - ago) for ago in (60 * SECOND, 0))
        await scene.send("m1", timestamp=happened)
        await scene.send("m2", timestamp=happened, sentAt=sent)
        await scene.stand()
        at = scene.door.now_ms()
        await scene.send(
            "m3", originalTimestamp=time_text(at - 60 * SECOND), timestamp=time_text(at), sentAt=time_text(at)
        )

        assert taken[0] == 0
        assert abs(taken[1]) <= SECOND, "a jump that nobody believes shifts nobody"
        assert taken[-1] == -60 * SECOND

    at_door(visit)


@pytest.mark.parametrize("jump", JUMPS)
def test_when_to_come_again_goes_by_no_clock_that_is_set(jump: int) -> None:
    async def visit(scene: Scene) -> None:
        async def full(*_: object, **__: object) -> LinesTaken:
            raise Overloaded("no room", 10)

        async def told() -> int:
            return int((await refused()).headers["retry-after"])

        async def refused() -> httpx.Response:
            call = {"event": "Seen", "userId": "u1", "messageId": "m9"}
            headers = {"Authorization": "Bearer lasting", "X-Request-Id": "same"}
            return await scene.client.post("/v1/track", json=call, headers=headers)

        for number in range(50):
            await scene.send(f"m{number}")
        scene.door.service.take_lines = full  # type: ignore[method-assign]
        before = await told()
        scene.machine.off_ms = jump
        scene.machine.passed_ms += SECOND

        assert before <= await told() <= 12, "10 lines at one a second, at the worst, and a spread of two"

    at_door(visit)


def test_figures_are_read_again_whatever_a_clock_of_the_host_s_own_says() -> None:
    async def visit(scene: Scene) -> None:
        scene.door.now_ms = scene.machine.now_ms  # it goes back
        assert await scene.figure("parcours_events_total", outcome="accepted") == 0
        await scene.send("m1")
        scene.machine.off_ms = -HOUR

        assert await scene.figure("parcours_events_total", outcome="accepted") == 1

    at_door(visit)
