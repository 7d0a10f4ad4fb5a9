"""Inboxes on Ray: shards are in other processes, and changes are told from there all the same."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.projects import write_texts

from parcours.journey.project import Project
from parcours.service.inbox_feed import InboxNotice, Watch
from parcours.service.service import Service

pytestmark = pytest.mark.ray

FILES = {
    "parcours.yaml": "{project: shop, policies: {consent: {default: opt_out}}}",
    "profile.yaml": "traits: {}",
    "events.yaml": "events: {Started: {}}",
    "messages/offer.yaml": '{message: offer, card: {title: "Ten percent off"}}',
    "journeys/cart.yaml": "{journey: cart, entry: {event: Started}, steps: [{id: offer, send: offer}]}",
}


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    write_texts(tmp_path / "shop", FILES)
    return Project.load(tmp_path / "shop")


async def next_of(watch: Watch) -> InboxNotice:
    async with asyncio.timeout(60):
        while (notice := await watch.next(5)) is None:
            assert not watch.is_closed
        return notice


def test_an_inbox_is_fetched_and_watched_across_processes(shop: Project, tmp_path: Path) -> None:
    async def look() -> None:
        async with Service.open(shop, store=f"sqlite:///{tmp_path}/store", runtime="ray") as service:
            watch = await service.watch_inbox("sarah")
            await service.track("sarah", "Started")
            message = await next_of(watch)
            (item,) = await service.fetch_inbox("sarah")
            assert (message.what, message.key) == ("message", item.key)
            assert item.content == {"title": "Ten percent off", "pinned": False, "data": {}}

            await service.react_to(item.key, "dismissed")
            gone = await next_of(watch)
            assert (gone.what, gone.key, gone.why) == ("withdrawn", item.key, "dismissed")
            assert await service.inbox("sarah") == []

    asyncio.run(look())
