"""The inbox of a running engine: what lies in it live is what lay in it in a simulation, and each change is told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.projects import write_texts

from parcours.config import Settings
from parcours.core.fact import DeliveryReached
from parcours.errors import CallerError
from parcours.insight.explain import DeliveryStory
from parcours.journey.project import Project
from parcours.service.engine import Engine
from parcours.service.inbox_feed import BEHIND_MAX, InboxFeed, InboxNotice, Watch
from parcours.service.service import Service
from parcours.simulation.simulation import simulate
from parcours.testing.virtual_project import VirtualProject

FILES = {
    "parcours.yaml": "{project: shop, policies: {consent: {default: opt_out}}}",
    "profile.yaml": "traits: {first_name: string}",
    "events.yaml": "events: {Started: {properties: {cart: string}}, Bought: {properties: {cart: string}}, Left: {}}",
    "messages/offer.yaml": """
message: offer
withdraw: [Bought]
card: {title: "Ten percent off, {{ profile.first_name }}", url: "/cart/{{ entry.cart }}", pinned: true}
inapp: {body: "Look at {{ entry.cart }}", buttons: [{label: Look, url: "shop://cart"}]}
""",
    "journeys/cart.yaml": """
journey: cart
entry: {event: Started}
correlation: event.cart
exit: [{event: Left}]
steps:
  - {id: offer, send: offer}
  - {id: seen, wait_for: [{reaction: clicked, of: offer, channel: card, next: done}], timeout: 60d}
  - {id: done, end: true}
""",
}


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    write_texts(tmp_path / "shop", FILES)
    return Project.load(tmp_path / "shop")


@pytest.fixture
def engine(shop: Project, tmp_path: Path) -> Iterator[Engine]:
    with Engine.open(shop, store=f"sqlite:///{tmp_path}/store", runtime="local") as opened:
        yield opened


def start(engine: Engine | VirtualProject, cart: str = "c1") -> None:
    engine.identify("sarah", {"first_name": "Sarah"})
    engine.track("sarah", "Started", {"cart": cart})


def test_an_inbox_needs_no_channel_to_be_set_up_and_holds_what_was_rendered(engine: Engine) -> None:
    start(engine)
    engine.track("sarah", "Started", {"cart": "c2"}).result()

    items = engine.inbox("sarah")

    assert [(item.channel, item.pinned, item.seen) for item in items] == [
        ("card", True, False),
        ("card", True, False),
        ("inapp", False, False),
        ("inapp", False, False),
    ]
    assert items[0].content == {
        "title": "Ten percent off, Sarah", "url": "/cart/c2", "pinned": True, "data": {},
    }  # fmt: skip
    assert items[-1].content == {
        "body": "Look at c1",
        "buttons": [{"label": "Look", "url": "shop://cart"}],
        "show": {"on": "App Opened", "times": "once"},
    }
    assert engine.inbox("nobody") == []


def test_what_she_fetches_is_delivered_once_and_what_she_does_is_told_by_the_key(engine: Engine) -> None:
    start(engine)
    engine.drain(10)
    card, message = engine.fetch_inbox("sarah")
    assert engine.fetch_inbox("sarah") == [card, message]

    engine.react_to(card.key, "opened").result()
    engine.react_to(card.key, "clicked", link="/cart/c1").result()
    engine.react_to(message.key, "dismissed").result()

    assert [(item.key, item.seen) for item in engine.inbox("sarah")] == [(card.key, True)]
    person = engine.profile("sarah")
    assert person is not None
    (run,) = person.past
    assert run.step is None and run.ended_at is not None, "the click was heard"
    marks = {delivery.channel: list(delivery.marks) for delivery in run.deliveries}
    assert marks == {"card": ["delivered", "opened", "clicked"], "inapp": ["delivered", "dismissed"]}
    told = [(each.channel, [reached.outcome for reached in each.states]) for each in _deliveries(engine)]
    assert told == [
        ("card", ["sent", "delivered", "opened", "clicked"]),
        ("inapp", ["sent", "delivered", "dismissed"]),
    ]


def _deliveries(engine: Engine) -> list[DeliveryStory]:
    (journey,) = [each for each in engine.explain("sarah").journeys if each.journey == "cart"]
    return [delivery for run in journey.runs for delivery in run.deliveries]


def test_what_is_no_reaction_or_no_key_is_said_at_once(engine: Engine) -> None:
    with pytest.raises(CallerError, match="this is no reaction: 'seen'"):
        engine.react_to("x", "seen")
    with pytest.raises(CallerError, match="not the key of a delivery"):
        engine.react_to("x", "opened")


def test_an_inbox_is_there_again_after_a_restart(shop: Project, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/store"
    with Engine.open(shop, store=store, runtime="local") as engine:
        start(engine)
        engine.drain(10)
        before = engine.inbox("sarah")
    with Engine.open(shop, store=store, runtime="local") as engine:
        assert engine.inbox("sarah") == before != []


def test_a_simulation_lays_down_the_same_as_a_live_engine_rendered_or_not(shop: Project) -> None:
    lines = [
        {"type": "identify", "userId": "sarah", "traits": {"first_name": "Sarah"}},
        {"type": "track", "userId": "sarah", "event": "Started", "properties": {"cart": "c1"}},
        {"type": "track", "userId": "sarah", "event": "Bought", "properties": {"cart": "c1"}},
    ]
    recorded = [msgspec.json.encode({"timestamp": f"2026-01-01T10:00:0{n}Z", **line}) for n, line in enumerate(lines)]

    result = simulate(shop, recorded, settings=Settings(inbox_bytes_max=120))

    told = [(f.channel, f.outcome, f.reason) for f in result.facts if isinstance(f, DeliveryReached)]
    assert told == [
        ("card", "queued", None),
        ("inapp", "queued", None),
        ("card", "sent", None),
        ("inapp", "sent", None),
        ("inapp", "withdrawn", "pushed_out"),
        ("card", "withdrawn", "event"),
    ]
    assert result.reasons[("inapp", "withdrawn", "pushed_out")] == 1


def test_a_test_of_a_project_looks_into_the_inbox(shop: Project) -> None:
    with VirtualProject(shop) as project:
        start(project)
        (card, message) = project.inbox("sarah")
        assert card.content["title"] == "Ten percent off, Sarah"

        project.react_to(message.key, "dismissed")
        assert [item.channel for item in project.inbox("sarah")] == ["card"]
        project.advance(days=30, seconds=1)
        assert project.inbox("sarah") == []


def notices(told: list[InboxNotice | None]) -> list[tuple[str, str | None]]:
    return [(each.what, each.why) for each in told if each is not None]


async def next_of(watch: Watch, many: int) -> list[InboxNotice]:
    async with asyncio.timeout(10):
        told: list[InboxNotice] = []
        while len(told) < many:
            if (notice := await watch.next(1)) is not None:
                told.append(notice)
        return told


def test_whoever_looks_on_is_told_of_each_change_and_goes_on_where_he_was_cut_off(shop: Project) -> None:
    async def look() -> None:
        async with Service.open(shop, store="memory:", runtime="local") as service:
            watch = await service.watch_inbox("sarah")
            other = await service.watch_inbox("joe")
            await service.track("sarah", "Started", {"cart": "c1"})
            first = await next_of(watch, 2)
            items = await service.fetch_inbox("sarah")
            assert {each.key for each in first} == {item.key for item in items}
            await service.react_to(items[0].key, "opened")
            await service.react_to(items[1].key, "dismissed")
            assert notices([*await next_of(watch, 2)]) == [("seen", None), ("withdrawn", "dismissed")]

            again = await service.watch_inbox("sarah", first[1].id)
            assert notices([*await next_of(again, 2)]) == [("seen", None), ("withdrawn", "dismissed")]
            unknown = await service.watch_inbox("sarah", "0000-1")
            assert notices([*await next_of(unknown, 1)]) == [("reset", None)]
            assert await other.next(0.01) is None

    asyncio.run(look())


async def nobody_else(name: str) -> str:
    return name


def test_whoever_falls_behind_is_told_no_more() -> None:
    watch = Watch(InboxFeed(list, lambda name: 0, nobody_else, 10), "sarah", "")
    notice = InboxNotice("1", "seen", "key")

    for _ in range(BEHIND_MAX):
        watch.tell(notice)
    before = watch.is_closed
    watch.tell(notice)

    assert (before, watch.is_closed, watch.is_behind) == (False, True, True)
    assert asyncio.run(watch.next(10)) is None


def test_looks_end_with_the_service(shop: Project) -> None:
    async def look() -> None:
        service = Service.open(shop, store="memory:", runtime="local")
        async with service:
            watch = await service.watch_inbox("sarah")
            waiting = asyncio.ensure_future(watch.next(60))
            await asyncio.sleep(0)
        assert await waiting is None
        assert watch.is_closed and not watch.is_behind

    asyncio.run(look())


def test_changes_that_nobody_has_any_more_make_everybody_start_over(shop: Project) -> None:
    async def look() -> None:
        settings = Settings(inbox_changes_max=1)
        async with Service.open(shop, store="memory:", runtime="local", settings=settings) as service:
            watch = await service.watch_inbox("sarah")
            await service.track("sarah", "Started", {"cart": "c1"})  # two at once, and only one is at hand
            assert notices([*await next_of(watch, 1)]) == [("reset", None)]
            assert len(await service.inbox("sarah")) == 2

    asyncio.run(look())
