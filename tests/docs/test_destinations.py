"""Does the page on destinations say what is so? Its blocks run, and its destination of one's own keeps the contract."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from ruamel.yaml import YAML
from tests.docs.blocks import blocks
from tests.projects import write_texts

from parcours.channel import Accepted
from parcours.config import DAY_MS, MINUTE_MS, Settings
from parcours.destination import Member
from parcours.destinations.webhook import OF_US
from parcours.dispatch.destinations import InstalledDestinations, LaneSettings
from parcours.insight.exporter.fact_sender import PAUSE_MAX_S, STOP_WITHIN_S
from parcours.insight.exporter.tables import COLUMNS, TABLES
from parcours.journey.model.destinations import PERSONAL_COLUMNS, DestinationsDocument, ToldTable
from parcours.journey.project import Project
from parcours.service.destination_settings import facts_to_open, lanes_to_open
from parcours.service.erasure import WAITS_MAX_S

PAGE = Path(__file__).parents[2] / "engine" / "docs" / "destinations.md"


@pytest.fixture
def defined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the page's code defines, once all of it has run."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "destinations"}
    found = blocks(PAGE, "python")
    assert len(found) == 5
    for text in found:
        exec(compile(text, PAGE.name, "exec"), names)
    return names


@pytest.mark.parametrize("name", ["TestLedger", "TestBook"])
def test_the_code_of_the_page_runs_and_its_destinations_keep_the_contracts(defined: dict[str, Any], name: str) -> None:
    suite = defined[name]()
    tests = [each for each in dir(suite) if each.startswith("test_")]
    assert len(tests) > 4
    for each in tests:
        getattr(suite, each)()


def test_the_yaml_of_the_page_is_right(tmp_path: Path) -> None:
    audiences = "audiences: {vip: 'profile.city == \"Paris\"'}\n"
    for number, text in enumerate(blocks(PAGE, "yaml")):
        folder = tmp_path / f"shop{number}"
        files = {"parcours.yaml": "project: shop\n", "profile.yaml": "traits: {city: string}\n"}
        write_texts(folder, {**files, "audiences.yaml": audiences, "destinations.yaml": text})
        environ = {"NATS_TOKEN": "secret", "KAFKA": "127.0.0.1:9092", "NATS": "nats://127.0.0.1:4222"}
        for lane in lanes_to_open(Project.load(folder), (), environ).values():
            settings = LaneSettings.model_validate(lane)
            InstalledDestinations.installed().open(settings.kind, settings.settings, text)
        for to in facts_to_open(Project.load(folder), (), environ):
            InstalledDestinations.installed().open_for_facts(to.kind, to.settings, text)
    assert number == 1


def test_a_member_is_the_object_that_the_page_shows() -> None:
    text, _ = blocks(PAGE, "json")
    shown = json.loads(text)
    assert json.loads(Member(**shown).as_json()) == shown
    assert len(shown["id"]) == 37
    assert Accepted(shown["id"]).key == shown["id"]


def test_a_fact_is_the_object_that_the_page_shows() -> None:
    _, text = blocks(PAGE, "json")
    shown = json.loads(text)
    assert [*shown] == ["table", *(column.name for column in COLUMNS["moves"])]


def test_the_destinations_of_facts_on_the_page_can_be_read() -> None:
    text = next(each for each in blocks(PAGE, "yaml") if "facts:" in each)
    shown = DestinationsDocument.model_validate(YAML(typ="safe").load(text))
    assert [*shown.of_facts] == ["lake", "marks"]
    assert shown.of_facts["marks"].hashed


def test_the_page_names_the_columns_and_tables_that_are_left_out() -> None:
    text = " ".join(PAGE.read_text().split())
    *others, last = (f"`{name}`" for name in sorted(PERSONAL_COLUMNS - {"reason"}))
    assert f"{', '.join(others)} and {last} are left out, unless `columns` names them" in text
    *others, last = (f"`{name}`" for name in TABLES if name not in get_args(ToldTable))
    assert f"All tables are to be had but {', '.join(others)} and {last}" in text


def test_the_numbers_of_the_page_are_those_of_the_engine() -> None:
    text, settings = PAGE.read_text(), Settings()
    assert "for five minutes" in text and settings.ambiguous_resend_after_ms == 5 * MINUTE_MS
    assert "five attempts in all" in text and settings.attempts_max == 5
    assert {401, 403, 404} <= OF_US
    assert f"after {WAITS_MAX_S:.0f} seconds" in text
    assert "for `facts_held_for_ms`, a week" in text and settings.facts_held_for_ms == 7 * DAY_MS
    assert "for five\n  seconds at most" in text and STOP_WITHIN_S == 5
    assert "up to a\n  minute" in text and PAUSE_MAX_S == 60
