"""What stands on the screens of analyses: the figures that programs are told, within a period, or why there are
none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.ingress.page.gallery import KEYS, SETTINGS, TEXTS, come
from tests.ingress.page.studio import Seen, Studio, at_the_studio

from parcours.config import Settings
from parcours.ingress.page.frame import POLICY

EXPERIMENT = """
    journey: trial
    entry: {event: Visited}
    steps:
      - id: test
        split: [{name: control, percent: 50, next: done}, {name: treated, percent: 50, next: done}]
        experiment: {goal: {event: Bought, within: 7d}, control: control}
      - {id: done, end: true}
"""

PARCOURS = """
    project: gallery
    policies: {consent: {default: opt_out}}
    holdouts: {outside: {percent: 20, salt: "2026"}}
    insight: {events: all}
"""

WHOLE = {**TEXTS, "journeys/trial.yaml": EXPERIMENT, "parcours.yaml": PARCOURS}


def test_the_list_has_all_that_the_project_asks(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in()

        seen = Seen((await studio.look("/insight")).text)
        told = (await studio.json("/insight"))["analyses"]

        assert seen.row("buying") == ["funnel", "Visited > Bought within 1w"]
        assert seen.row("around") == ["flow", "1 before and 1 after Visited"]
        assert seen.row("mails") == ["attribution", "Bought, credited to Visited"]
        assert seen.row("back") == ["cohort", "Visited > Visited, by day"]
        assert seen.row("revenue") == ["metric", "sum event.total of Bought"]
        assert seen.row("trial.test") == ["experiment", "which way of the split is better"]
        assert seen.row("outside by buyers") == [
            "hold-out", "those held out and all others by buyers: people Bought",
        ]  # fmt: skip
        assert len(seen.rows) == len(told) + 1
        assert seen.links["buying"] == "/insight/funnel/buying"
        assert seen.links["outside"] == "/insight/holdout/outside?metric=revenue"

    at_the_studio(tmp_path, visit, texts=WHOLE, keys=KEYS, engine=SETTINGS)


def test_each_answer_has_the_figures_that_programs_are_told(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await come(studio)
        await studio.log_in()

        for listed in (await studio.json("/insight"))["analyses"]:
            query = f"?metric={listed['metric']}" if listed["metric"] else ""
            path = f"/insight/{listed['kind']}/{listed['name']}{query}"
            told = await studio.json(path)
            page = await studio.look(path)
            assert page.status_code == 200, page.text
            assert page.headers["content-security-policy"] == POLICY
            assert "This could not be answered" not in page.text
            if listed["kind"] not in ("experiment", "holdout"):  # of these only what can be compared is drawn
                assert ("<svg" in page.text) == (listed["kind"] != "metric"), path
            assert "http-equiv" not in page.text, "an answer that costs something is not asked for again by itself"
            if listed["kind"] == "funnel":
                first, second = told["result"]["steps"]
                rows = {row[0]: row for row in reversed(Seen(page.text).rows)}
                assert rows["1 Visited"][1].startswith(f"{first['reached']} / {first['reached']}")
                assert rows["2 Bought"][1].startswith(f"{second['reached']} / {first['reached']}")
            if listed["name"] == "revenue" and listed["kind"] == "metric":
                assert told["result"]["value"] == 56 and "56" in Seen(page.text).text

    at_the_studio(tmp_path, visit, texts=WHOLE, keys=KEYS, engine=SETTINGS, store=f"sqlite:///{tmp_path}/store")


def test_the_period_stands_in_the_address(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await come(studio)
        await studio.log_in()

        none = Seen((await studio.look("/insight/metric/buyers?from=2020-01-01&to=2020-02-01")).text)
        some = Seen((await studio.look("/insight/metric/buyers?from=2020-01-01&to=")).text)
        told = await studio.json("/insight/metric/buyers?from=2020-01-01&to=2020-02-01")
        live = Seen((await studio.look("/insight/metric/buyers?live=true")).text)
        wrong = await studio.look("/insight/metric/buyers?from=yesterday")
        turned = await studio.look("/insight/metric/buyers?from=2020-02-01&to=2020-01-01")

        assert "From 2020-01-01T00:00:00.000Z and before 2020-02-01T00:00:00.000Z." in none.text
        assert none.fields["from"] == "2020-01-01" and none.fields["to"] == "2020-02-01"
        assert told["result"]["value"] == 0 and told["from"] == "2020-01-01T00:00:00.000Z"
        assert "4 people with any of what is asked for." in some.text
        assert live.links["Last 24 hours"] == "/insight/metric/buyers?live=true"
        assert wrong.status_code == 409 and "This could not be answered" in wrong.text
        assert turned.status_code == 409 and "is not after" in Seen(turned.text).text

    at_the_studio(tmp_path, visit, texts=WHOLE, keys=KEYS, engine=SETTINGS, store=f"sqlite:///{tmp_path}/store")


def test_what_takes_too_long_is_said_and_the_period_can_be_made_shorter(tmp_path: Path) -> None:
    engine = Settings(campaign_lead_ms=20, analysis_timeout_s=0.000_001)

    async def visit(studio: Studio) -> None:
        await come(studio)
        await studio.log_in()

        page = await studio.look("/insight/funnel/buying")

        assert page.status_code == 409
        seen = Seen(page.text)
        assert "takes longer than analysis_timeout_s" in seen.text and "from" in seen.fields

    at_the_studio(tmp_path, visit, texts=WHOLE, keys=KEYS, engine=engine, store=f"sqlite:///{tmp_path}/store")


def test_what_is_not_installed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def visit(studio: Studio) -> None:
        await come(studio)
        await studio.log_in()
        monkeypatch.setitem(sys.modules, "vl_convert", None)

        page = await studio.look("/insight/cohort/back")

        assert page.status_code == 409 and "pip install" in page.text and "[insight]" in page.text

    at_the_studio(tmp_path, visit, texts=WHOLE, keys=KEYS, engine=SETTINGS, store=f"sqlite:///{tmp_path}/store")


def test_a_store_without_facts_and_a_question_that_there_is_not_are_told_as_pages(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in()

        memory = await studio.look("/insight/funnel/buying")
        missing = await studio.look("/insight/funnel/bying")
        strange = await studio.look("/insight/novel/buying")

        assert memory.status_code == 409 and "This could not be answered" in memory.text
        assert (missing.status_code, strange.status_code) == (404, 404) and "buying" in missing.text

    at_the_studio(tmp_path, visit, texts=WHOLE, keys=KEYS, engine=SETTINGS)


def test_a_project_that_asks_nothing_has_its_screen_as_well(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in()
        assert "The project asks nothing yet." in Seen((await studio.look("/insight")).text).text

    at_the_studio(tmp_path, visit)
