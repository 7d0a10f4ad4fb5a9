"""Do report and explain say of a simulation's folder of facts what they say of a store, or of the events themselves?"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML
from tests.projects import write_texts

from parcours.insight.exporter.range_files import ParquetRange
from parcours.insight.exporter.rows import Telling
from parcours.journey.project import Project
from parcours.service.engine import Engine
from parcours.shard.messages import ExportRange

if TYPE_CHECKING:
    from tests.cli.conftest import Ask


@pytest.fixture
def clear(luma_copy: Path) -> Path:
    """The project with addresses as they are, which explanations tell as well."""
    path, yaml = luma_copy / "parcours.yaml", YAML(typ="safe", pure=True)
    settings = {**yaml.load(path.read_text()), "insight": {"addresses": "clear"}}
    path.write_text(json.dumps(settings))
    return luma_copy


@pytest.fixture
def crowd(tmp_path: Path) -> Path:
    """Many fill a cart, some of them without an address, and some order for half an hour's later."""
    path = tmp_path / "crowd.ndjson"
    calls = []
    for number in range(30):
        traits = {"email": f"p{number}@luma.example", "timezone": "Moon"} if number % 3 else {}
        calls += [
            {"type": "identify", "traits": traits, "userId": f"p{number}", "at": number},
            {"type": "track", "event": "Product Added", "userId": f"p{number}", "at": number},
            {"type": "reaction", "reaction": "opened", "userId": f"p{number}", "at": 90 + number}
            | {"journey": "abandoned-cart", "step": "remind", "channel": "email"},
        ]
        if number % 4 == 0:
            calls += [{"type": "track", "event": "Order Completed", "userId": f"p{number}", "at": 30 + number}]
    lines = []
    for call in calls:
        hours, minutes = divmod(int(str(call.pop("at"))), 60)
        cart = {"properties": {"cart": {"total": 80}}} if call["type"] == "track" else {}
        lines.append(json.dumps({**call, **cart, "timestamp": f"2026-03-02T{9 + hours:02}:{minutes:02}:00Z"}))
    path.write_text("\n".join(lines))
    return path


def without_lines(report: str) -> list[str]:
    """What facts can tell of a report: neither how many lines were read, nor an hour at which nothing happened."""
    return [line for line in report.splitlines() if not line.startswith(("Lines read:", "The clock", "reactions to"))]


def test_the_report_of_facts_is_that_of_their_simulation(ask: Ask, clear: Path, crowd: Path, tmp_path: Path) -> None:
    simulated = ask("simulate", clear, "--events", crowd, "--out", tmp_path / "out", "--facts", "--shards", "3")

    reported = ask("report", "--facts", tmp_path / "out" / "facts")

    assert reported.exit_code == 0, reported.stderr
    assert without_lines(reported.stdout) == without_lines(simulated.stdout)
    assert "abandoned-cart  version 1\n30 entered" in reported.stdout
    assert "Lines read" not in reported.stdout and "The clock stands at 2026" in reported.stdout


def test_somebody_is_explained_by_facts_as_by_the_events_that_led_to_them(
    ask: Ask, clear: Path, crowd: Path, tmp_path: Path
) -> None:
    ask("simulate", clear, "--events", crowd, "--out", tmp_path / "out", "--facts")

    for person in ("p0", "p1", "p3", "p4"):
        told, wanted = (
            ask("explain", clear, *source, person)
            for source in (("--facts", tmp_path / "out" / "facts"), ("--events", crowd))
        )
        assert told.exit_code == 0, told.stderr
        assert (told.stdout, told.stderr) == (wanted.stdout, wanted.stderr)
    figures = json.loads(ask("explain", clear, "--facts", tmp_path / "out" / "facts", "p1", "--json").stdout)
    assert figures["person"] == "p1"


def test_a_person_of_whom_the_facts_tell_nothing_cannot_be_explained(
    ask: Ask, clear: Path, crowd: Path, tmp_path: Path
) -> None:
    ask("simulate", clear, "--events", crowd, "--out", tmp_path / "out", "--facts")

    result = ask("explain", clear, "--facts", tmp_path / "out" / "facts", "mike")

    assert result.exit_code == 1
    assert f"Nothing happened to 'mike': {tmp_path / 'out' / 'facts'} tells nothing of them" in result.stderr


def test_where_nothing_happened_a_report_of_facts_is_empty(ask: Ask, clear: Path, tmp_path: Path) -> None:
    (tmp_path / "none.ndjson").write_text("")
    ask("simulate", clear, "--events", tmp_path / "none.ndjson", "--out", tmp_path / "out", "--facts")

    result = ask("report", "--facts", tmp_path / "out" / "facts")

    assert (result.exit_code, result.stdout) == (0, "")


def test_a_journey_that_has_changed_since_is_told_of(ask: Ask, clear: Path, crowd: Path, tmp_path: Path) -> None:
    ask("simulate", clear, "--events", crowd, "--out", tmp_path / "out", "--facts")
    path = clear / "journeys" / "abandoned-cart.yaml"
    path.write_text(path.read_text().replace("tags: [cart, reminders]", "tags: [cart]"))

    result = ask("explain", clear, "--facts", tmp_path / "out" / "facts", "p1")

    assert result.exit_code == 0
    assert "abandoned-cart, version 1, is another one in the project" in result.stderr
    assert "abandoned-cart\n  run 1, version 1\n" in result.stdout


@pytest.fixture
def lived(tmp_path: Path) -> tuple[Path, str]:
    """A project as it was at first, and a store that keeps inputs, in which another version was published since."""
    store = f"sqlite:///{tmp_path / 'store'}"
    first = shop(tmp_path / "first", "Packed")
    with Engine.open(first, store, runtime="local", records=(), shards=2) as engine:
        engine.track("anna", "Ordered").result()
        engine.publish(shop(tmp_path / "second", "Shipped"))
        engine.track("bert", "Ordered").result()
        engine.track("cleo", "Ordered").result()
        engine.track("cleo", "Shipped").result()
    return tmp_path / "first", store


def shop(folder: Path, awaited: str) -> Project:
    documents = {
        "parcours.yaml": "{project: shop, insight: {inputs: true}}",
        "events.yaml": "events: {Ordered: {}, Packed: {}, Shipped: {}}",
        "journeys/order.yaml": f"""
            journey: order
            entry: {{event: Ordered}}
            goal: {{event: {awaited}, target: 40}}
            steps:
              - id: way
                wait_for: [{{event: {awaited}, next: done}}]
                timeout: 9d
              - {{id: done, end: true}}
        """,
    }
    write_texts(folder, documents)
    return Project.load(folder)


def test_the_facts_of_a_stores_twin_are_reported_and_explained_as_the_store_is(
    ask: Ask, lived: tuple[Path, str], tmp_path: Path
) -> None:
    folder, store = lived
    inputs, facts = tmp_path / "inputs.ndjson", tmp_path / "twin" / "facts"
    ask("store", "inputs", "--store", store, "--out", inputs)
    simulated = ask("simulate", folder, "--events", inputs, "--out", tmp_path / "twin", "--facts")
    assert simulated.exit_code == 0, simulated.stderr

    reports = [ask("report", *source).stdout for source in (("--store", store), ("--facts", facts))]

    assert without_lines(reports[0]) == without_lines(reports[1])
    assert "order  version 2" in reports[1] and "order  version 1" in reports[1] and "target 40 %" in reports[1]
    for person, project in (("anna", folder), ("bert", tmp_path / "second"), ("cleo", tmp_path / "second")):
        told, wanted = (ask("explain", project, *source, person) for source in (("--facts", facts), ("--store", store)))
        assert (told.stdout, told.stderr) == (wanted.stdout, "")


def test_a_folder_that_is_no_simulations_facts_is_refused_by_name(
    ask: Ask, lived: tuple[Path, str], tmp_path: Path
) -> None:
    folder, _ = lived
    (tmp_path / "empty").mkdir()
    (tmp_path / "none.ndjson").write_text("")
    ask("simulate", folder, "--events", tmp_path / "none.ndjson", "--out", tmp_path / "out", "--facts")
    shutil.copytree(tmp_path / "out" / "facts", tmp_path / "store" / "facts", dirs_exist_ok=True)
    for record in (1, 2):
        ParquetRange(tmp_path / "copied", Telling(0, frozenset()), ExportRange(record, record)).finish()
    wrong = {
        tmp_path / "empty": "holds no exported facts: `parcours simulate --facts` writes them to OUT/facts",
        tmp_path / "out": f"holds no exported facts: {tmp_path / 'out' / 'facts'} does",
        tmp_path / "store" / "facts": "is of a store, whose journal has newer facts: name the store with --store",
        tmp_path / "copied" / "facts": "is of a store",
    }

    for named, why in wrong.items():
        for command in (("report",), ("explain", folder, "anna")):
            result = ask(*command, "--facts", named)
            assert result.exit_code == 1, result.stderr
            assert f"{named} {why}" in " ".join(result.stderr.split())


def test_facts_go_with_no_other_source(ask: Ask, clear: Path, crowd: Path, tmp_path: Path) -> None:
    other = [("--store", "sqlite:///nowhere"), ("--events", crowd)]

    for arguments, why in (
        (("report", tmp_path, "--facts", tmp_path), "choose one of OUT, --store, --facts and --url"),
        (("report", "--facts", tmp_path, "--project", clear), "it goes with OUT"),
        *((("explain", clear, "p1", "--facts", tmp_path, *each), "choose one of --events, --store") for each in other),
        (("explain", clear, "p1", "--facts", tmp_path, "--until", "2026-01-01T00:00:00Z"), "it goes with --events"),
        (("report", "--facts", tmp_path / "missing"), "does not exist"),
    ):
        result = ask(*arguments)
        assert result.exit_code == 2
        assert why in result.stderr
