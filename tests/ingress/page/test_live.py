"""/live tells whoever looks on what changes: once for all, bounded, and nothing that she may not see."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp
from tests.ingress.page.studio import KEYS, Seen, Studio, at_the_studio, key
from tests.ingress.page.watching import Watcher, watching

from parcours.errors import ShardUnavailable
from parcours.ingress import live_streams
from parcours.ingress.application import Application
from parcours.ingress.keys import Keyring
from parcours.ingress.live_topics import TOPICS_MAX, changed, topic_of
from parcours.ingress.page import live_figures
from parcours.ingress.server_sent import event
from parcours.service.live_counts import LiveCounts

EVE = {"authorization": "Bearer eve"}

PATIENCE_S = 60.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ticks as fast as they can be."""
    monkeypatch.setattr(live_streams, "TICK_S", 0.001)


def at_live(folder: Path, visit: Callable[[Studio, ASGIApp], Awaitable[None]], **options: Any) -> None:
    async def looked(studio: Studio) -> None:
        await visit(studio, Application(studio.door))

    at_the_studio(folder, looked, **options)


def counts(told: dict[str, Any]) -> dict[str, list[int]]:
    """As JSON has them."""
    return {
        step: [each["inflow"], each["waiting"], each["gone_on"], each["ended"]] for step, each in told["steps"].items()
    }


async def until(watcher: Watcher, holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):  # beats come for ever
        while not holds():
            assert await watcher.next() is not None


def test_first_comes_all_of_each_topic_and_then_what_changes(tmp_path: Path) -> None:
    async def visit(studio: Studio, app: ASGIApp) -> None:
        await studio.come()
        async with watching(app, "journeys,journey:booked,step:booked.coming,engine", **EVE) as watcher:
            first = [await watcher.next() for _ in range(4)]
            assert [each and (each["event"], each["data"]["topic"]) for each in first] == [
                ("state", topic) for topic in ("journeys", "journey:booked", "step:booked.coming", "engine")
            ]
            assert len({each["id"] for each in first if each}) == 1, "the id is that of the tick"
            before = await studio.json("/journeys/booked")
            figures = watcher.figures["journey:booked"]
            assert {step: each[:4] for step, each in figures["counts"].items()} == counts(before)

            await studio.door.service.track("somebody", "Booked", {"total": 80})
            await studio.door.service.drain(30)
            now = counts(await studio.json("/journeys/booked"))
            told = await watcher.until("counts")
            await until(watcher, lambda: {step: each[:4] for step, each in figures["counts"].items()} == now)

            assert told["data"]["topic"] in ("journeys", "journey:booked")
            assert set(told["data"].get("counts", {})) <= {"remind", "coming"}, "the others have not changed"
            assert figures["parts"]["entered"] == "10"
            assert ".0" in figures["hot"] and "coming.0" not in figures["hot"]
            await until(
                watcher, lambda: watcher.figures["journeys"]["lines"]["booked"]["Entered"].startswith("10 in 24 h")
            )

    at_live(tmp_path, visit)


def test_what_is_told_is_what_the_screens_say(tmp_path: Path) -> None:
    async def visit(studio: Studio, app: ASGIApp) -> None:
        await studio.log_in()
        async with watching(app, "journeys,journey:booked,step:booked.coming,journey:stuck@1", **EVE) as watcher:
            for _ in range(4):
                await watcher.next()
            await studio.come()
            await until(watcher, lambda: "parked" in watcher.figures["journey:stuck@1"]["parts"]["health"])
            await until(watcher, lambda: "parked" in watcher.figures["journeys"]["lines"]["stuck"]["Health"])

            for path, topics in {
                "/journeys/booked?step=coming": ("journey:booked", "step:booked.coming"),
                "/journeys/stuck?version=1": ("journey:stuck@1",),
            }.items():
                page = (await studio.look(path)).text
                for topic in topics:
                    parts = watcher.figures[topic]["parts"]
                    if topic == "journey:stuck@1":  # what it says on hovering may have words that not everybody sees
                        parts = {name: part for name, part in parts.items() if name != "health"}
                    for name, part in parts.items():
                        assert f'data-live="{name}">{part}<' in page, name
            page = (await studio.look("/journeys")).text
            line = watcher.figures["journeys"]["lines"]["booked"]
            assert all(f"<div>{cell}</div>" in page for cell in line.values())
            assert (
                list(line)
                == [told["data-label"] for tag, told in Seen(page).elements if tag == "td" and told.get("data-label")][
                    : len(line)
                ]
            )

    at_live(tmp_path, visit)


def test_whoever_is_slow_is_given_the_newest_and_nothing_waits_for_her(tmp_path: Path) -> None:
    async def visit(studio: Studio, app: ASGIApp) -> None:
        async with watching(app, "journey:booked", **EVE) as slow, watching(app, "journey:booked", **EVE) as quick:
            await slow.until("state")
            await quick.until("state")
            slow.reads.clear()
            for number in range(5):
                await studio.door.service.track(f"person{number}", "Booked", {"total": 80})
                await until(quick, lambda: quick.figures["journey:booked"]["parts"]["entered"] == f"{number + 1}")  # noqa: B023  # it is awaited here

            slow.reads.set()
            told = [await slow.until("counts"), await slow.until("state")]

            assert [each["data"]["parts"]["entered"] for each in told] == ["1", "5"]
            assert slow.figures["journey:booked"]["counts"] == quick.figures["journey:booked"]["counts"]

    at_live(tmp_path, visit)


def test_what_is_not_in_order_is_told_to_those_who_look_at_journeys(tmp_path: Path) -> None:
    async def visit(studio: Studio, app: ASGIApp) -> None:
        async with watching(app, "journeys,journey:booked", **EVE) as watcher:
            await until(watcher, lambda: len(watcher.figures) == 2)
            told = [watcher.figures[topic]["parts"] for topic in ("journeys", "journey:booked")]
            assert [each["troubles"] for each in told] == ["", ""]

            studio.door.troubles.noticed(["the channel 'email' takes nothing"], 1_000)

            await until(watcher, lambda: all("(1)" in each["troubles"] for each in told))

    at_live(tmp_path, visit)


def test_one_piece_is_made_for_all_and_the_engine_is_asked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    looks: list[int] = []
    look = LiveCounts.look

    def counted(name: str, data: object, *more: Any, **others: Any) -> bytes:
        made.append(name)
        return event(name, data, *more, **others)

    async def looked(self: LiveCounts) -> set[str]:
        looks.append(1)
        return await look(self)

    monkeypatch.setattr(live_streams, "event", counted)
    monkeypatch.setattr(LiveCounts, "look", looked)

    async def visit(studio: Studio, app: ASGIApp) -> None:
        async with AsyncExitStack() as stack:
            opened = [watching(app, "journey:booked", **EVE) for _ in range(30)]
            watchers = [await stack.enter_async_context(each) for each in opened]
            for watcher in watchers:
                await watcher.until("state")
            made.clear()
            looks.clear()
            ticks = studio.door.live_streams._tick
            await studio.door.service.track("somebody", "Booked", {"total": 80})
            for watcher in watchers:
                await until(watcher, lambda: watcher.figures["journey:booked"]["parts"]["entered"] == "1")  # noqa: B023  # it is awaited here

            assert len(looks) <= studio.door.live_streams._tick - ticks + 1
            assert made.count("state") == 0
            assert made.count("counts") <= len(looks)

    at_live(tmp_path, visit)


def test_there_are_no_more_streams_than_its_bound_and_places_become_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_streams, "STREAMS_MAX", 1)

    async def visit(studio: Studio, app: ASGIApp) -> None:
        async with watching(app, "journeys", **EVE) as watcher:
            await watcher.until("state")
            assert studio.door.live_streams.open == 1
            async with watching(app, "journeys", **EVE) as further:
                assert await further.status == 503
        assert studio.door.live_streams.open == 0
        async with watching(app, "journeys", **EVE) as next_one:
            await next_one.until("state")

    at_live(tmp_path, visit)


def test_whoever_takes_nothing_any_more_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parcours.ingress.page.live.STALLED_S", 0.01)

    async def visit(studio: Studio, app: ASGIApp) -> None:
        async with watching(app, "journeys", **EVE) as watcher:
            await watcher.until("state")
            watcher.reads.clear()
            await studio.come()
            async with asyncio.timeout(30):
                await watcher.ended.wait()
            assert watcher.is_cut and studio.door.live_streams.open == 0

    at_live(tmp_path, visit)


def test_it_says_good_bye_when_the_door_closes(tmp_path: Path) -> None:
    async def visit(studio: Studio, app: ASGIApp) -> None:
        async with watching(app, "journeys", **EVE) as watcher:
            await watcher.until("state")
            for tell in studio.door.at_stop:
                tell()

            assert int((await watcher.until("bye"))["retry"]) >= live_streams.RETRY_MS
            assert await watcher.next() is None

    at_live(tmp_path, visit)


def test_the_beat_has_the_time_of_the_engine_and_is_silent_while_a_shard_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_streams, "BEAT_TICKS", 2)
    look, is_away = LiveCounts.look, [False]

    async def looked(self: LiveCounts) -> set[str]:
        if is_away[0]:
            raise ShardUnavailable("it is away")
        return await look(self)

    monkeypatch.setattr(LiveCounts, "look", looked)

    async def visit(studio: Studio, app: ASGIApp) -> None:
        async with watching(app, "journey:booked", **EVE) as watcher:
            beat = await watcher.until("beat")
            assert 0 <= studio.door.now_ms() - beat["data"]["at"] < 60_000
            is_away[0] = True
            await watcher.until("silence")
            await studio.door.service.track("somebody", "Booked", {"total": 80})
            is_away[0] = False
            await until(watcher, lambda: watcher.figures["journey:booked"]["parts"]["entered"] == "1")

    at_live(tmp_path, visit)


def test_a_pause_is_told_at_once_and_the_ledger_with_it(tmp_path: Path) -> None:
    async def visit(studio: Studio, app: ASGIApp) -> None:
        async with watching(app, "journeys,journey:booked", **EVE) as watcher:
            before = (await watcher.until("state"))["data"]["ledger"]
            await watcher.until("state")
            await studio.door.service.pause_journey("booked")

            await until(watcher, lambda: "paused since" in watcher.figures["journey:booked"]["parts"]["state"])
            await until(watcher, lambda: "paused since" in watcher.figures["journeys"]["lines"]["booked"]["State"])
            assert watcher.figures["journeys"]["ledger"] == before + 1

    at_live(tmp_path, visit)


def test_a_way_cools_after_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def visit(studio: Studio, app: ASGIApp) -> None:
        async with watching(app, "journey:booked", **EVE) as watcher:
            await watcher.until("state")
            await studio.door.service.track("somebody", "Booked", {"total": 80})
            await until(watcher, lambda: ".0" in watcher.figures["journey:booked"]["hot"])

            monkeypatch.setattr(live_figures, "HOT_MS", 0)

            await until(watcher, lambda: watcher.figures["journey:booked"]["hot"] == [])

    at_live(tmp_path, visit)


def test_a_session_opens_it_and_it_ends_with_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_streams, "BEAT_TICKS", 1)

    async def visit(studio: Studio, app: ASGIApp) -> None:
        await studio.log_in()
        cookie = "; ".join(f"{name}={value}" for name, value in studio.client.cookies.items())
        async with watching(app, "journeys", cookie=cookie) as seen, watching(app, "journeys", **EVE) as asked:
            assert (await seen.status, await asked.status) == (200, 200)
            await seen.until("beat")
            studio.door.keys.renew([each for each in KEYS if each.name != "eve"])
            assert await seen.until("bye") and await asked.until("bye")
        async with watching(app, "journeys", cookie=cookie) as later:
            assert await later.status == 401

    at_live(tmp_path, visit)


@pytest.mark.parametrize(("headers", "status"), [({}, 401), ({"authorization": "Bearer shop"}, 403)])
def test_nobody_else_looks_on(headers: dict[str, str], status: int, tmp_path: Path) -> None:
    async def visit(_: Studio, app: ASGIApp) -> None:
        async with watching(app, "journeys", **headers) as watcher:
            assert await watcher.status == status

    at_live(tmp_path, visit)


def test_nobody_is_named_in_it_nor_what_was_said(tmp_path: Path) -> None:
    async def visit(studio: Studio, app: ASGIApp) -> None:
        studio.door.keys = Keyring([key("all", "operate", "people")])
        await studio.come()
        topics = "journeys,journey:stuck,step:stuck.three,step:booked.coming,engine"
        async with watching(app, topics, authorization="Bearer all") as watcher:
            for _ in range(5):
                await watcher.next()
            assert b"person1" not in watcher.answer and b"mail.example" not in watcher.answer

    at_live(tmp_path, visit)


@pytest.mark.parametrize(
    "topics",
    [
        "", ",", "people", "journey", "journey:", "journey:none", "journeys:booked", "step:booked", "engine.x",
        "journey:booked@0", "journey:booked@x", "step:none.coming", "journey:booked%20", "journeys,nonsense",
        ",".join(f"step:booked.s{number}" for number in range(TOPICS_MAX + 1)), f"journey:{'x' * 1_000}",
    ],
)  # fmt: skip
def test_topics_that_are_none_are_refused(topics: str, tmp_path: Path) -> None:
    async def visit(studio: Studio, app: ASGIApp) -> None:
        async with watching(app, topics, **EVE) as watcher:
            assert await watcher.status == 400
            assert studio.door.live_streams.open == 0

    at_live(tmp_path, visit)


def test_a_topic_of_what_is_there_no_more_has_no_figures(tmp_path: Path) -> None:
    async def visit(_: Studio, app: ASGIApp) -> None:
        async with watching(app, "journey:booked@7,step:booked.gone,journeys,journeys", **EVE) as watcher:
            told = [await watcher.until("state") for _ in range(3)]
            shown = [set(each["data"]) - {"topic", "at"} for each in told]
            assert shown == [set(), set(), {"ledger", "lines", "parts"}]

    at_live(tmp_path, visit)


def test_only_what_differs_is_told() -> None:
    before = {"a": 1, "of": {"x": [1], "y": [2]}, "gone": 1, "same": {"z": 1}}
    now = {"a": 2, "of": {"x": [1], "y": [3]}, "same": {"z": 1}, "new": {"q": 1}}

    assert changed(before, now) == {"a": 2, "of": {"y": [3]}, "gone": None, "new": {"q": 1}}
    assert changed(now, now) == {}


def test_a_topic_says_what_it_is_of() -> None:
    topic = topic_of("step:abandoned-cart@2.opened", "/below")

    assert (topic.kind, topic.journey, topic.version, topic.step) == ("step", "abandoned-cart", "2", "opened")
