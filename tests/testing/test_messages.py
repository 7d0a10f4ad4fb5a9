"""Does a message that a test hands in mean what the source's map makes of it?"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.projects import write_texts

from parcours.core.fact import Moved
from parcours.errors import CallerError
from parcours.journey.project import Project
from parcours.testing.cases.read import read_cases
from parcours.testing.cases.run import run_cases, verdict_lines
from parcours.testing.virtual_project import VirtualProject

SHOP = {
    "parcours.yaml": "{project: shop, timezone: UTC}",
    "profile.yaml": "traits: {email: string}",
    "events.yaml": "events: {Bought: {cloud_type: com.shop.order, properties: {total: number, till: string}}}",
    "sources.yaml": """
sources:
  stream: {log: {topic: events}}
  shop:
    log: {topic: orders}
    map: {event: '"Bought"', userId: value.customer, properties: '{"total": value.total, "till": headers.till}'}
""",
    "journeys/thanks.yaml": """
journey: thanks
entry: {event: Bought, when: event.total > 10 && event.till == "3"}
steps: [{id: done, end: true}]
""",
}  # fmt: skip

ORDER = "{message: shop, value: {customer: sarah, total: 80}, headers: {till: '3'}}"
CALL = "{message: stream, value: {type: track, userId: sarah, event: Bought, properties: {total: 80, till: '3'}}}"
CLOUD_EVENT = (
    "{message: stream, value: {total: 80, till: '3'}, "
    "headers: {ce_specversion: '1.0', ce_id: e-1, ce_source: /shop, ce_type: com.shop.order, ce_subject: sarah}}"
)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    write_texts(tmp_path, SHOP)
    return tmp_path


def told(shop: Path, given: str, expected: str) -> list[str]:
    """What is said of a test: findings, or what has not come about."""
    (shop / "tests").mkdir()
    people = "people: {sarah: null}\n  start: 2026-03-01T09:00:00Z"
    (shop / "tests" / "a.yaml").write_text(f"- test: it\n  {people}\n  given: [{given}]\n  expect: [{expected}]\n")
    project = Project.load(shop)
    cases, findings = read_cases(project, shop)
    return [str(each) for each in findings] or [
        line for verdict in run_cases(project, cases) if not verdict.passed for line in verdict_lines(verdict)
    ]


@pytest.mark.parametrize(
    "given, expected",
    [
        (ORDER, "{who: sarah, journey: thanks, at: +0s, times: 1}"),
        (ORDER.replace("{message", "{at: +5m, message"), "{who: sarah, journey: thanks, at: +5m, times: 1}"),
        (ORDER.replace("80", "9"), "{who: sarah, journey: thanks, times: 0}"),
        (CALL, "{who: sarah, journey: thanks, at: +0s, times: 1}"),  # it needs no map
        (CLOUD_EVENT, "{who: sarah, journey: thanks, at: +0s, times: 1}"),
        ("{message: shop, key: sarah}", "{who: sarah, journey: thanks, times: 0}"),  # its key is gone
    ],
)
def test_a_message_happens_as_its_map_says(given: str, expected: str, shop: Path) -> None:
    assert told(shop, given, expected) == []


def test_a_message_of_which_nothing_can_be_made_fails_the_test(shop: Path) -> None:
    lines = told(shop, "{message: shop, value: {total: 80}}", "{journey: thanks, times: 0}")

    assert any("given[0] could not be used: names nobody" in line for line in lines), lines


def test_a_source_that_there_is_not_is_told_with_its_place(shop: Path) -> None:
    (finding,) = told(shop, "{message: shp, value: {}}", "{journey: thanks, times: 0}")

    assert "tests/a.yaml:4" in finding
    assert "unknown source 'shp', did you mean 'shop'?" in finding


def test_a_message_comes_now_under_virtual_time(shop: Path) -> None:
    with VirtualProject(Project.load(shop)) as virtual:
        virtual.advance(days=1)
        virtual.message("shop", {"customer": "sarah", "total": 80}, headers={"till": "3"})

        entered = [fact for fact in virtual.facts() if isinstance(fact, Moved) and fact.what == "entered"]
        assert [(fact.person, fact.at) for fact in entered] == [("sarah", virtual.now_ms())]
        with pytest.raises(CallerError, match="names nobody"):
            virtual.message("shop", {"total": 80})
        with pytest.raises(CallerError, match="names no source 'shp', did you mean 'shop'"):
            virtual.message("shp", {})
        with pytest.raises(CallerError, match="Expected `object`"):
            virtual.message("stream", [1])
