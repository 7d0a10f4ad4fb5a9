"""Reports and analyses at the door: which keys may ask, how much is given, and that nobody is named."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
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
        report = (await desk.get("/report?kind=journey&by=day", by="site")).json()

        assert (told["result"], told["people"], told["warnings"], told["cut_before"]) == ({"value": 1}, 1, [], {})
        assert told["as_of"].endswith("Z") and told["from"] is told["to"] is None
        (runs,) = (table for table in report["tables"] if table["title"] == "Runs")
        assert [row[1:3] for row in runs["rows"]] == [["abandoned-cart", 1]]
        assert "sarah" not in str(told) + str(report)
        assert [each for each in await desk.looks("sarah") if "facts" in each[1]] == []

    at_the_desk(tmp_path, visit)


@pytest.mark.parametrize(
    ("by", "body", "status"),
    [
        ("eve", COUNT, 403),
        ("site", {"kind": "metric", "words": "x" * 70_000}, 413),
        ("site", {"kind": "metric", "words": ""}, 409),
        ("site", COUNT | {"options": {"wher": "true"}}, 409),
    ],
)
def test_another_analysis_is_refused(by: str, body: dict[str, object], status: int, tmp_path: Path) -> None:
    async def visit(desk: Desk) -> None:
        answer = await desk.post("/facts/analyses", body, by=by)
        assert answer.status_code == status, answer.text

    at_the_desk(tmp_path, visit)


@pytest.mark.parametrize(
    ("query", "by", "accept", "status", "said"),
    [
        ("kind=journey", "nobody", "", 401, ""),
        ("kind=journey", "eve", "", 403, ""),
        ("kind=poem", "site", "", 400, "'poem'"),
        ("kind=journey&by=step", "site", "", 409, "is not divided by step"),
        ("kind=journey&name=none", "site", "", 409, "no journey 'none'"),
        ("kind=journey&live=true&to=2026-01-01T00:00:00Z", "site", "", 409, "without --from and --to"),
        ("kind=journey&live=yes", "site", "", 400, "live"),
        ("kind=journey&wher=x", "site", "", 400, "wher"),
        ("live=true", "site", "", 400, "'live' goes with `kind`"),
        ("by=day", "site", "text/html", 400, "`name` and `by` go with `kind`"),
        ("kind=journey&by=step", "site", "text/html", 409, "is not divided by step"),
    ],
)
def test_another_report_is_refused(query: str, by: str, accept: str, status: int, said: str, tmp_path: Path) -> None:
    async def visit(desk: Desk) -> None:
        answer = await desk.get(f"/report?{query}", by=by, Accept=accept)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json"), answer.text
        assert said in answer.json()["message"]

    at_the_desk(tmp_path, visit)


def test_a_page_is_made_for_whoever_takes_html(tmp_path: Path) -> None:
    async def visit(desk: Desk) -> None:
        await desk.service.track("sarah", "Cart Left", CART)

        whole = await desk.get("/report", by="site", Accept="text/html,*/*;q=0.8")
        channel = await desk.get("/report?kind=channel&live=true", by="site", Accept="text/html")

        for page in (whole, channel):
            assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
            assert (page.headers["vary"], page.text[:16]) == ("Accept", "<!doctype html>\n")
            assert "default-src 'none'; style-src 'unsafe-inline'" in page.headers["content-security-policy"]
            assert "sarah" not in page.text
        assert "Cart Left" in whole.text and "Cart Left" not in channel.text

    at_the_desk(tmp_path, visit)


@pytest.mark.parametrize("day", ["2026-01-01", "2026-12-31"])
def test_a_day_is_a_bound_of_a_window_and_means_its_beginning(day: str, tmp_path: Path) -> None:
    async def visit(desk: Desk) -> None:
        report = (await desk.get(f"/report?kind=journey&from={day}", by="site")).json()
        page = await desk.get(f"/report?from={day}", by="site", Accept="text/html")
        document = (await desk.post(f"/insight?from={day}", DOCUMENT, by="site")).json()
        none = await desk.get("/report?kind=journey&from=2026-02-30", by="site")

        assert report["from"] == document["from"] == f"{day}T00:00:00.000Z"
        assert page.status_code == 200 and f"From {day}T00:00:00.000Z on." in page.text
        assert none.status_code == 409 and "no time with a zone" in none.json()["message"]

    at_the_desk(tmp_path, visit)


LEFT = {"steps": ["Cart Left", "Order Completed"]}

DOCUMENT = {
    "segments": {"some": {"event": "Cart Left"}},
    "metrics": {"left": {"people": "Cart Left", "segment": "some"}, "twice": {"formula": "left + left"}},
    "funnels": {"to-order": LEFT},
    "cohorts": {"weekly": {"starts": "Cart Left", "returns": "Cart Left", "unit": "week", "periods": 1}},
    "flows": {},
}


def test_a_document_is_answered_by_its_keys_and_names(tmp_path: Path) -> None:
    async def visit(desk: Desk) -> None:
        await desk.service.track("sarah", "Cart Left", CART)

        told = (await desk.post("/insight", DOCUMENT, by="site")).json()
        before = (await desk.post("/insight?to=2026-01-01T00:00:00Z", DOCUMENT, by="site")).json()

        assert told["metrics"] == {"left": {"value": 1}, "twice": {"value": 2}}
        assert [each["reached"] for each in told["funnels"]["to-order"]["steps"]] == [1, 0]
        assert told["cohorts"]["weekly"]["rows"][0]["people"] == 1
        assert (told["flows"], told["warnings"], told["cut_before"]) == ({}, [], {})
        assert told["from"] is told["to"] is None and told["as_of"].endswith("Z")
        assert (before["metrics"]["left"], before["to"]) == ({"value": 0}, "2026-01-01T00:00:00.000Z")
        assert "segments" not in told and "sarah" not in str(told)

    at_the_desk(tmp_path, visit)


@pytest.mark.parametrize(
    ("by", "query", "body", "status", "findings"),
    [
        ("eve", "", DOCUMENT, 403, []),
        ("site", "?live=1", DOCUMENT, 400, []),
        ("site", "?from=yesterday", DOCUMENT, 409, []),
        ("site", "", [], 400, []),
        ("site", "", {"funnels": {"a": {"steps": ["x" * 70_000]}}}, 413, []),
        ("site", "", {}, 400, ["nothing is asked: some of metrics, funnels, flows, attributions, cohorts are"]),
        ("site", "", {"segments": DOCUMENT["segments"]}, 400, ["nothing is asked"]),
        (
            "site", "", {"funels": {}, "funnels": {"a": {"steps": ["Cart Left"]}, "b": LEFT | {"within": "soon"}}}, 400,
            ["funnels.a.steps: ", "funnels.b.within: ", "funels: unknown key, did you mean 'funnels'?"],
        ),
        (
            "site", "", {"funnels": {"a": {"steps": ["Cart Lefd", "Order Completed"]}}, "metrics": {
                "b": {"people": "Cart Left", "segment": "sme"}, "c": {"formula": "d + 1"}, "d": {"formula": "c + 1"}}},
            400, ["metrics.b.segment: unknown segment 'sme'", "funnels.a.steps[0]: ", "metrics.c", ],
        ),
        (
            "site", "", {"funnels": {"a": LEFT}, "audiences": {"b": {
                "funnel": "a", "who": "lost:1", "schedule": {"at": "2026-01-01T00:00:00"}}}},
            400, ["audiences: what keeps an audience up to date is published, and not asked"],
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_document_is_told_finding_by_finding(
    by: str, query: str, body: object, status: int, findings: list[str], tmp_path: Path
) -> None:
    async def visit(desk: Desk) -> None:
        answer = await desk.post(f"/insight{query}", body, by=by)
        told = answer.json()
        assert answer.status_code == status, answer.text
        assert [each[: len(begin)] for each, begin in zip(told.get("findings", []), findings, strict=True)] == findings
        assert told["message"]

    at_the_desk(tmp_path, visit)


def test_a_document_names_what_is_published_and_its_own_names_go_before(tmp_path: Path) -> None:
    def prepare(folder: Path) -> None:
        (folder / "insight").mkdir()
        (folder / "insight/shop.yaml").write_text(
            "metrics: {left: {count: Cart Left}, twice: {formula: left + left}}\n"
            "segments: {ordered: {event: Order Completed}}\n"
        )

    async def visit(desk: Desk) -> None:
        for _ in range(2):
            await desk.service.track("sarah", "Cart Left", CART)

        async def ask(metrics: Mapping[str, object]) -> object:
            return (await desk.post("/insight", {"metrics": metrics}, by="site")).json().get("metrics")

        assert await ask({"more": {"formula": "twice + left"}}) == {"more": {"value": 6}}
        people = {"left": {"people": "Cart Left"}, "more": {"formula": "twice + left"}}
        assert await ask(people) == {"left": {"value": 1}, "more": {"value": 3}}
        assert await ask({"none": {"people": "Cart Left", "segment": "ordered"}}) == {"none": {"value": 0}}
        assert await ask({"left": {"formula": "twice + 1"}}) is None, "it would go round in a circle"

    at_the_desk(tmp_path, visit, prepare)


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        (Settings(analysis_bytes_max=10), "and analysis_bytes_max lets out 10: ask for less"),
        (Settings(analysis_timeout_s=1e-6), "longer than analysis_timeout_s, 1e-06 s: ask for less"),
    ],
)
def test_what_is_larger_or_takes_longer_than_it_may_is_refused(tmp_path: Path, bounds: Settings, said: str) -> None:
    async def scenario() -> None:
        write_example(tmp_path / "shop", "abandoned-cart")
        project, html = Project.load(tmp_path / "shop"), {"Accept": "text/html, application/json"}
        store, recorded = f"sqlite:///{tmp_path}/store", ["email", "sms", "push"]
        async with Service.open(project, store, runtime="local", records=recorded, settings=bounds) as service:
            transport = httpx.ASGITransport(Application(door_of(service, ServeSettings())))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                refused = [
                    await client.post("/facts/analyses", json=COUNT),
                    await client.post("/insight", json=DOCUMENT),
                    await client.get("/report?kind=journey"),
                    await client.get("/report", headers=html),
                ]
        assert [each.status_code for each in refused] == [409] * 4
        assert all(said in each.json()["message"] for each in refused), [each.text for each in refused]

    asyncio.run(scenario())
