"""A door to an engine that stays in a cluster: what it takes and refuses while nobody keeps the engine."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import pytest
import ray
from tests.ingress.served import until

from parcours import Engine
from parcours.errors import ShardUnavailable
from parcours.ingress import app
from parcours.journey.project import Project
from parcours.runtime.cluster.naming import KEEPER, namespace_of

pytestmark = pytest.mark.ray

PATIENCE_S = 60.0

Ask: TypeAlias = Callable[..., httpx.Response]


def keeper(project: Project) -> Any:
    return ray.get_actor(KEEPER, namespace_of(project.name))


@contextmanager
def door_to(project: Project, store: str) -> Iterator[Ask]:
    """A door to the engine, which is opened for it and ended afterwards."""
    with Engine.open(project, store, shards=2, records=["email"], address="auto") as engine:
        transport = httpx.ASGITransport(app(engine))

        async def asking(method: str, path: str, body: object) -> httpx.Response:
            async with httpx.AsyncClient(
                transport=transport, base_url="http://127.0.0.1", timeout=PATIENCE_S
            ) as client:
                return await client.request(method, path, json=body)

        def ask(method: str, path: str, body: object = None) -> httpx.Response:
            return asyncio.run(asking(method, path, body))

        yield ask
    with suppress(ShardUnavailable):
        Engine.attach("auto", project).shut_down()


@contextmanager
def frozen(process_id: int) -> Iterator[None]:
    os.kill(process_id, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process_id, signal.SIGCONT)


def check_that_lines_are_taken_and_changes_wait(ask: Ask, number: int) -> None:
    """Whatever needs the shards alone goes on; what needs a keeper says why it cannot be done now."""
    seen = {"userId": f"u{number}", "event": "Seen", "messageId": f"m-{number}"}
    taken = ask("POST", "/v1/track", seen)
    assert (taken.status_code, taken.json()["accepted"]) == (200, 1)
    assert ask("GET", f"/people/u{number}").json()["owner"] == f"u{number}"
    assert ask("GET", "/ready").json() == {"ready": True, "reasons": []}

    refused = ask("POST", "/journeys/visits/pause", {})
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert refused.json()["message"]
    told = ask("GET", "/troubles")
    assert told.status_code == 200
    assert told.json()["troubles"][0].startswith("nobody keeps the engine now: ")


def test_while_its_keeper_is_frozen_a_door_takes_lines_and_makes_no_changes(shop: Project, tmp_path: Path) -> None:
    with door_to(shop, f"sqlite:///{tmp_path}/store") as ask:
        with frozen(ray.get(keeper(shop).process_id.remote())):
            check_that_lines_are_taken_and_changes_wait(ask, 1)

        until(lambda: ask("POST", "/journeys/visits/pause", {}).status_code == 200, "that a change is made")
        assert ask("GET", "/troubles").json() == {"troubles": []}


def test_once_its_keeper_is_gone_a_door_takes_lines_and_makes_no_changes(shop: Project, tmp_path: Path) -> None:
    with door_to(shop, f"sqlite:///{tmp_path}/store") as ask:
        ray.kill(keeper(shop))

        check_that_lines_are_taken_and_changes_wait(ask, 2)


def test_a_door_whose_keeper_is_killed_goes_on_taking_lines_and_makes_changes_again(
    shop: Project, tmp_path: Path
) -> None:
    with door_to(shop, f"sqlite:///{tmp_path}/store") as ask:
        os.kill(ray.get(keeper(shop).process_id.remote()), signal.SIGKILL)
        seen = {"userId": "u3", "event": "Seen", "messageId": "m-3"}
        assert ask("POST", "/v1/track", seen).json()["accepted"] == 1

        statuses: list[int] = []

        def is_changed() -> bool:
            statuses.append(ask("POST", "/journeys/visits/pause", {}).status_code)
            return statuses[-1] == 200

        until(is_changed, "that a change is made")
        assert set(statuses) <= {200, 503}
