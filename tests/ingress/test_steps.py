"""Who waits at a step, what has happened there last, and how journeys are: at the door of a real engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.ingress.test_operate import CART, CHANNELS, JOURNEY, KEYS, Shop

from parcours import Project, Service
from parcours.config import Settings
from parcours.core.fact import Looked
from parcours.errors import CallerError
from parcours.examples import write_example
from parcours.figures_settings import FiguresSettings
from parcours.ingress.application import Application, door_of
from parcours.ingress.keys import Keyring
from parcours.ingress.settings import ServeSettings
from parcours.insight.health import Sign
from parcours.service.live_report import LiveReport
from parcours.service.step_calls import PAGE
from parcours.shard.requests import NewestFacts

STEP = f"/journeys/{JOURNEY}/steps/not-finished"


def at_the_door(
    folder: Path, visit: Callable[[Shop], Awaitable[None]], shards: int = 2, figures: FiguresSettings | None = None
) -> None:
    @asynccontextmanager
    async def serving() -> AsyncIterator[Shop]:
        project = folder / "shop"
        write_example(project, "abandoned-cart")
        opened = Service.open(
            Project.load(project), "memory:", shards=shards, runtime="local", records=[*CHANNELS],
            settings=Settings(figures=figures or FiguresSettings()),
        )  # fmt: skip
        async with opened as service:
            door = door_of(service, ServeSettings())
            door.keys = Keyring(KEYS)
            transport = httpx.ASGITransport(Application(door))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                yield Shop(project, service, client)

    async def scenario() -> None:
        async with serving() as shop:
            await visit(shop)

    asyncio.run(scenario())


async def leave_carts(shop: Shop, people: int) -> None:
    for number in range(people):
        await shop.service.identify(f"p{number}", {"email": f"p{number}@shop.example"})
        await shop.service.track(f"p{number}", "Cart Left", CART)
    await shop.service.drain(30)


async def step_of_all(shop: Shop) -> str:
    """Where they wait now."""
    steps = (await shop.get(f"/journeys/{JOURNEY}")).json()["steps"]
    (step,) = [name for name, count in steps.items() if count["waiting"]]
    return str(step)


async def looks(shop: Shop) -> set[tuple[str, str]]:
    await asyncio.sleep(1.1)  # looks are committed within a second
    told: set[tuple[str, str]] = set()
    for port in shop.service._host.ports:
        facts = (await port.ask(NewestFacts(0))).facts
        told |= {(fact.person, fact.route) for fact in facts if isinstance(fact, Looked)}
    return told


@pytest.mark.parametrize("shards", [1, 2])
def test_who_waits_is_told_page_by_page_over_all_shards(tmp_path: Path, shards: int) -> None:
    async def visit(shop: Shop) -> None:
        await leave_carts(shop, PAGE + 3)
        path = f"/journeys/{JOURNEY}/steps/{await step_of_all(shop)}/waiting"

        first = (await shop.get(path, by="care")).json()
        rest = (await shop.get(f"{path}?skip={first['next']}", by="care")).json()

        shown = [*first["waiting"], *rest["waiting"]]
        assert [len(first["waiting"]), len(rest["waiting"])] == [PAGE, 3]
        assert {each["person"] for each in shown} == {f"p{number}" for number in range(PAGE + 3)}
        assert [each["since"] for each in shown] == sorted(each["since"] for each in shown)
        assert first["whole"] and first["looked_at"] == PAGE + 3
        assert rest["next"] is None

    at_the_door(tmp_path, visit, shards)


def test_whoever_may_not_see_people_is_told_no_names_and_looks_at_nobody(tmp_path: Path) -> None:
    async def visit(shop: Shop) -> None:
        await leave_carts(shop, 2)
        step = await step_of_all(shop)
        paths = [f"/journeys/{JOURNEY}/steps/{step}/waiting", f"/journeys/{JOURNEY}/steps/{step}/facts"]
        paths.append("/channels/email/facts")

        hidden = [await shop.get(path) for path in paths]
        assert not await looks(shop)
        seen = [await shop.get(path, by="care") for path in paths]

        assert all(answer.status_code == 200 for answer in (*hidden, *seen))
        assert not any("p0" in answer.text or "shop.example" in answer.text for answer in hidden)
        assert "person " in hidden[0].text and '"p0"' in seen[0].text and '"p1"' in seen[1].text
        assert {
            ("p0", "GET /journeys/{name}/steps/{step}/waiting"),
            ("p1", "GET /journeys/{name}/steps/{step}/facts"),
        } < (await looks(shop))

    at_the_door(tmp_path, visit)


def test_the_newest_facts_of_a_step_and_of_a_channel_come_in_words(tmp_path: Path) -> None:
    async def visit(shop: Shop) -> None:
        await leave_carts(shop, 3)
        step = await step_of_all(shop)

        facts = (await shop.get(f"/journeys/{JOURNEY}/steps/{step}/facts", by="care")).json()["facts"]

        assert len(facts) == 2
        assert {each["step"] for each in facts} == {step}
        assert [each["at"] for each in facts] == sorted((each["at"] for each in facts), reverse=True)
        assert facts[0]["words"].startswith("waits until")
        assert (await shop.get("/channels/pigeon/facts")).json() == {"facts": []}

    at_the_door(tmp_path, visit, figures=FiguresSettings(step_facts_max=2))


def test_a_question_looks_at_no_more_people_than_the_setting_says(tmp_path: Path) -> None:
    async def visit(shop: Shop) -> None:
        await leave_carts(shop, 30)
        path = f"/journeys/{JOURNEY}/steps/{await step_of_all(shop)}/waiting"

        told = (await shop.get(path)).json()

        assert told["looked_at"] == len(told["waiting"]) == 10
        assert not told["whole"]

    at_the_door(tmp_path, visit, figures=FiguresSettings(waiting_scan_max=10))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/journeys/{JOURNEY}/steps/nowhere/waiting", 404),
        ("/journeys/none/steps/nowhere/facts", 404),
        (f"{STEP}/waiting?skip=-1", 400),
        (f"{STEP}/waiting?skip=x", 400),
        (f"{STEP}/waiting?hop=1", 400),
    ],
)
def test_what_there_is_not_is_refused(tmp_path: Path, path: str, status: int) -> None:
    async def visit(shop: Shop) -> None:
        assert (await shop.get(path)).status_code == status

    at_the_door(tmp_path, visit)


def test_no_more_can_be_skipped_than_people_are_looked_at(tmp_path: Path) -> None:
    async def visit(shop: Shop) -> None:
        skip: Any
        for skip in (-1, 20_001, True, "1"):
            with pytest.raises(CallerError, match="whole number"):
                await shop.service.waiting(JOURNEY, "x", skip=skip)

    at_the_door(tmp_path, visit)


@pytest.mark.parametrize("shards", [1, 2])
def test_a_journey_into_which_nobody_comes_says_so(tmp_path: Path, shards: int) -> None:
    async def visit(shop: Shop) -> None:
        await leave_carts(shop, 1)
        assert (await shop.get("/journeys")).json()["journeys"][0]["health"] == []
        for number in range(20):
            await shop.service.track(f"q{number}", "Cart Left", {**CART, "cart": {"total": 0}})
        report = await shop.service.report()

        recent = dict(report.counters.recent.hours)
        assert recent["entered", JOURNEY, "", ""] == 1
        assert recent["came", JOURNEY, "", ""] == 20

    at_the_door(tmp_path, visit, shards)


def test_why_runs_are_parked_is_told_to_whoever_may_see_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sign = Sign(sign="parked", figures={"runs": 1, "at_step": 1}, because="'ada@x' is no number", where="/journeys/x")
    monkeypatch.setattr(LiveReport, "signs", lambda report, name: [sign])

    async def visit(shop: Shop) -> None:
        hidden = (await shop.get("/journeys")).json()["journeys"][0]["health"]
        seen = (await shop.get(f"/journeys/{JOURNEY}", by="care")).json()["health"]

        assert "ada@x" not in str(hidden)
        assert seen == [
            {
                "sign": "parked",
                "words": "1 run stands still for good, most of them: 'ada@x' is no number",
                "figures": {"runs": 1, "at_step": 1},
                "because": "'ada@x' is no number",
                "where": "/journeys/x",
            }
        ]

    at_the_door(tmp_path, visit)
