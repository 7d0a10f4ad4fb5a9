"""Projects that are sent to the door: read one at a time, for a bounded time, and nothing waits for them in the end."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from tests.ingress.served import PATIENCE_S, served

from parcours.errors import ProjectInvalid
from parcours.examples import write_example
from parcours.ingress.exchange import Problem
from parcours.ingress.upload import Uploads, read_project
from parcours.journey.project import Project

FILES = {"parcours.yaml": "project: shop\n", "profile.yaml": "traits: {email: string}\n"}

SLOW = {**FILES, **{f"journeys/j{number}.yaml": f"journey: [{'a,' * 19_000}]\n" for number in range(100)}}
"""Less than four megabytes, of so many values that it takes more than a minute to read them."""


class Reader:
    """Reads a project once it is told to."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, files: Mapping[str, str]) -> Project:
        self.begun.set()
        assert self.go_on.wait(PATIENCE_S)
        return read_project(files)


def refusal(error: BaseException | object) -> tuple[int, str]:
    assert isinstance(error, Problem), error
    return error.status, error.code


def test_a_second_project_is_refused_as_long_as_one_is_read() -> None:
    async def scenario() -> None:
        uploads, reader = Uploads(), Reader()
        first = asyncio.ensure_future(uploads.project(FILES, reader))
        await asyncio.to_thread(reader.begun.wait)

        with pytest.raises(Problem) as refused:
            await uploads.project(FILES)
        reader.go_on.set()

        assert refusal(refused.value) == (503, "unavailable") and int(refused.value.headers["Retry-After"]) > 0
        assert (await first).name == "shop"
        assert (await uploads.project(FILES)).name == "shop", "the next one is read at once"
        with pytest.raises(ProjectInvalid):
            await uploads.project({"parcours.yaml": "7"})

    asyncio.run(scenario())


def test_what_takes_too_long_is_refused_and_the_next_one_is_read_once_it_is_through() -> None:
    async def scenario() -> None:
        uploads, reader = Uploads(within_s=0.01), Reader()
        with pytest.raises(Problem) as refused:
            await uploads.project(FILES, reader)
        with pytest.raises(Problem) as meanwhile:
            await uploads.project(FILES)
        reader.go_on.set()

        assert (refusal(refused.value), refusal(meanwhile.value)) == ((413, "too_large"), (503, "unavailable"))
        uploads._within_s = PATIENCE_S
        async with asyncio.timeout(PATIENCE_S):
            while uploads._is_reading:  # noqa: ASYNC110  # a thread ends it
                await asyncio.sleep(0.01)
        assert (await uploads.project(FILES)).name == "shop"

    asyncio.run(scenario())


def test_neither_the_loop_nor_who_waits_is_held_up_by_a_reader_in_the_end() -> None:
    reader, before = Reader(), threading.enumerate()

    async def scenario() -> None:
        uploads = Uploads()
        waiting = asyncio.ensure_future(uploads.project(FILES, reader))
        await asyncio.to_thread(reader.begun.wait)
        uploads.end()

        with pytest.raises(Problem) as refused:
            await waiting
        assert refusal(refused.value) == (503, "unavailable")

    asyncio.run(scenario())
    (thread,) = [each for each in threading.enumerate() if each.name == "upload" and each not in before]
    assert thread.daemon and thread.is_alive(), "the loop has ended before it"
    reader.go_on.set()
    thread.join(PATIENCE_S)


def test_a_door_ends_while_a_project_is_read_that_takes_minutes(tmp_path: Path) -> None:
    project, left = tmp_path / "shop", tmp_path / "temporary"
    write_example(project, "abandoned-cart")
    left.mkdir()
    config = tmp_path / "serve.yaml"
    config.write_text("notice_s: 0\n")
    recording = [each for name in ("email", "sms", "push") for each in ("--record", name)]
    options = ["--config", str(config), *recording]
    with (
        served(project, "memory:", *options, folder=tmp_path, environ={"TMPDIR": str(left)}) as door,
        ThreadPoolExecutor() as pool,
    ):
        asked = f"{door.address}/publish"
        body = json.dumps({"files": SLOW, "dry": True})
        slow = pool.submit(httpx.post, asked, content=body, timeout=PATIENCE_S)
        while not list(left.iterdir()):
            assert not slow.done()
        second = httpx.post(asked, json={"files": FILES, "dry": True}, timeout=PATIENCE_S)
        assert httpx.get(f"{door.address}/health", timeout=PATIENCE_S).status_code == 200
        assert door.stop() == 0
        answer = slow.result()

    assert (second.status_code, second.json()["message"]) == (503, "another project is being read: ask again")
    assert (answer.status_code, answer.json()["message"]) == (503, "the door is stopping: ask again")
    assert list(left.iterdir()) == []
