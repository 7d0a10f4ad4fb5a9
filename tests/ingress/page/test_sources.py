"""What /engine tells of sources, and the buttons that pause and resume one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.ingress.page.studio import HERE, Seen, Studio, at_the_studio

from parcours.ingress.page import sources
from parcours.testing.doubles import Log, LogSource

CAME = b'{"type":"track","userId":"anna","event":"Came"}'


async def told(studio: Studio) -> Any:
    """The one source, as programs are told of it."""
    (source,) = (await studio.json("/sources"))["sources"]
    return source


async def until(studio: Studio, holds: Callable[[Any], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds(await told(studio)):  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0.005)


def forms(seen: Seen) -> list[str | None]:
    """Where the forms of a screen lead that change a source."""
    actions = [told.get("action") for tag, told in seen.elements if tag == "form"]
    return [action for action in actions if action and action.startswith("/sources/")]


async def reads(studio: Studio, *partitions: str) -> Log:
    """Let it read a log of two lines in each of these partitions, one of which is of no use."""
    log = Log()
    for partition in partitions:
        log.append(partition, CAME)
        log.append(partition, b"no JSON")
    await studio.door.service.read_source("the <log>", LogSource(log.settings()))
    await until(studio, lambda source: sum(source["outcomes"].values()) == 2 * len(partitions))
    return log


def test_sources_stand_on_the_engines_screen_as_programs_are_told(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in()
        assert "Sources" not in Seen((await studio.look("/engine")).text).text
        log = await reads(studio, "0", "1")
        seen = Seen((await studio.look("/engine")).text)

        assert "1 accepted" not in seen.text and "2 accepted, 2 set aside." in seen.text
        heads = ["Partition", "State", "Position", "Lag", "Trouble"]
        at = seen.rows.index(heads)
        assert seen.rows[at + 1 : at + 3] == [["0", "reading", "2", "0", "none"], ["1", "reading", "2", "0", "none"]]
        assert forms(seen) == [], "eve may only look"

        log.drop_before("1", 1)
        await studio.door.service.move_source("the <log>", "1", 0)
        await until(studio, lambda source: source["partitions"][1]["trouble"] is not None)
        seen = Seen((await studio.look("/engine")).text)
        troubled = seen.rows[seen.rows.index(heads) + 1]
        assert troubled[:2] == ["1", "waiting"] and "does not hold position 0; the oldest" in troubled[4]
        assert "<log>" not in (await studio.look("/engine")).text

    at_the_studio(tmp_path, visit)


def test_a_source_is_paused_and_resumed_by_whoever_may_operate(tmp_path: Path) -> None:
    pause, resume = "/sources/the%20%3Clog%3E/pause", "/sources/the%20%3Clog%3E/resume"

    async def visit(studio: Studio) -> None:
        await studio.log_in()
        await reads(studio, "0")
        assert (await studio.send(pause, {"token": "x"})).status_code == 403

        await studio.log_in("ada")
        seen = Seen((await studio.look("/engine")).text)
        token = {"token": seen.fields["token"]}
        assert forms(seen) == [pause]
        assert (await studio.send(pause, {"token": "of nobody"})).status_code == 403
        assert (await studio.send(pause, token, "https://elsewhere.example")).status_code == 403
        assert not (await told(studio))["paused"]

        sent = await studio.send(pause, token, HERE)
        assert (sent.status_code, sent.headers["location"]) == (303, "/engine#sources")
        assert (await told(studio))["paused"]
        paused = Seen((await studio.look("/engine")).text)
        assert forms(paused) == [resume] and "the <log> paused" in paused.text

        assert (await studio.send(resume, token)).status_code == 303
        assert not (await told(studio))["paused"]
        assert (await studio.send("/sources/nothing/pause", token)).status_code == 404

    at_the_studio(tmp_path, visit)


def test_of_many_partitions_some_are_shown(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(sources, "PARTITIONS_MAX", 2)

    async def visit(studio: Studio) -> None:
        await studio.log_in()
        await reads(studio, "0", "1", "2")
        seen = Seen((await studio.look("/engine")).text)
        assert "And 1 more." in seen.text
        assert sum("reading" in row for row in seen.rows) == 2

    at_the_studio(tmp_path, visit)
