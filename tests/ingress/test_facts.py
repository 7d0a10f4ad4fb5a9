"""Reports and analyses at the door: which keys may ask, how much is given, and that nobody is named."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from tests.ingress.test_people import CART, Desk, at_the_desk

from parcours import Project, Service, Settings
from parcours.examples import write_example
from parcours.ingress.application import Application, door_of
from parcours.ingress.settings import ServeSettings

COUNT = {"kind": "metric", "words": "people Cart Left"}


def test_whoever_sees_how_journeys_stand_sees_figures_of_facts(tmp_path: Path) -> None:
    async def visit(desk: Desk) -> None:
        await desk.service.track("sarah", "Cart Left", CART)

        told = (await desk.post("/facts/analyses", COUNT, by="site")).json()
        report = (await desk.post("/facts/reports", {"kind": "journey", "by": "day"}, by="site")).json()

        assert (told["result"], told["people"], told["warnings"], told["cut_before"]) == ({"value": 1}, 1, [], {})
        assert told["as_of"].endswith("Z") and told["from"] is told["to"] is None
        (runs,) = (table for table in report["tables"] if table["title"] == "Runs")
        assert [row[1:3] for row in runs["rows"]] == [["abandoned-cart", 1]]
        assert "sarah" not in str(told) + str(report)
        assert [each for each in await desk.looks("sarah") if "facts" in each[1]] == []

    at_the_desk(tmp_path, visit)


@pytest.mark.parametrize(
    ("path", "by", "body", "status"),
    [
        ("analyses", "eve", COUNT, 403),
        ("reports", "nobody", {"kind": "journey"}, 401),
        ("reports", "site", {"kind": "poem"}, 400),
        ("reports", "site", {"kind": "journey", "by": "step"}, 409),
        ("reports", "site", {"kind": "journey", "name": "none"}, 409),
        ("reports", "site", {"kind": "journey", "live": True, "to": "2026-01-01T00:00:00Z"}, 409),
        ("analyses", "site", {"kind": "metric", "words": "x" * 70_000}, 413),
        ("analyses", "site", {"kind": "metric", "words": ""}, 409),
        ("analyses", "site", COUNT | {"options": {"wher": "true"}}, 409),
    ],
)
def test_everything_else_is_refused(path: str, by: str, body: dict[str, object], status: int, tmp_path: Path) -> None:
    async def visit(desk: Desk) -> None:
        answer = await desk.post(f"/facts/{path}", body, by=by)
        assert answer.status_code == status, answer.text

    at_the_desk(tmp_path, visit)


def test_a_larger_answer_than_is_let_out_is_refused_and_so_is_one_too_many(tmp_path: Path) -> None:
    async def scenario() -> None:
        write_example(tmp_path / "shop", "abandoned-cart")
        project, bounds = Project.load(tmp_path / "shop"), Settings(analysis_bytes_max=100)
        store, recorded = f"sqlite:///{tmp_path}/store", ["email", "sms", "push"]
        async with Service.open(project, store, runtime="local", records=recorded, settings=bounds) as service:
            transport = httpx.ASGITransport(Application(door_of(service, ServeSettings())))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                refused = await client.post("/facts/analyses", json=COUNT)
        assert refused.status_code == 409
        assert "and analysis_bytes_max lets out 100: ask for less" in refused.json()["message"]

    asyncio.run(scenario())
