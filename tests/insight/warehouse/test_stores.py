"""Are the facts of stores all there, each once, whatever is exported, compacted or erased meanwhile?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.engine.behaviour import eventually
from tests.engine.canaries import SETTINGS
from tests.insight.warehouse.rows import asked
from tests.projects import write_texts
from typer.testing import CliRunner

from parcours.cli import build
from parcours.config import DAY_MS, Settings
from parcours.insight.exporter.done import facts_folder
from parcours.insight.exporter.erased import ErasedRows
from parcours.insight.exporter.listing import read_listing
from parcours.insight.exporter.opening import open_upkeep, recall_exported
from parcours.insight.exporter.tables import TABLES, Row
from parcours.insight.warehouse.opening import open_warehouse
from parcours.insight.warehouse.snapshot import Tail
from parcours.insight.warehouse.viewed import Viewed
from parcours.insight.warehouse.warehouse import Warehouse
from parcours.journey.model.insight import InsightDocument
from parcours.journey.project import Project
from parcours.service.engine import Engine
from parcours.service.stored_facts import open_stored_facts
from parcours.shard.erasures import person_hash
from parcours.simulation.store_inputs import write_inputs

IN_JOURNALS = Settings(export_every_ms=300 * DAY_MS, export_lag_max_ms=400 * DAY_MS)
"""So that nothing is exported before it closes, or then."""

SHOP = {
    "parcours.yaml": "{project: shop, anonymous_history: used, insight: {events: all, inputs: true, people: never}}",
    "profile.yaml": "traits: {city: {type: string, insight: true}}",
    "events.yaml": "events: {Seen: {properties: {page: string}}}",
    "audiences.yaml": "audiences: {northern: 'profile.city == \"Lille\"'}",
    "journeys/visit.yaml": "{journey: visit, entry: {event: Seen}, steps: [{id: done, update: {city: '\"Lille\"'}}]}",
}
PEOPLE = 10


def shop(folder: Path) -> Project:
    write_texts(folder / "shop", SHOP)
    return Project.load(folder / "shop")


def address(folder: Path) -> str:
    return f"sqlite:///{folder / 'store'}"


def live(folder: Path, settings: Settings, numbers: Sequence[int] = range(PEOPLE)) -> None:
    """Some people look at pages, as whom nobody knows, and then log in."""
    with Engine.open(shop(folder), address(folder), shards=2, runtime="local", settings=settings) as engine:
        for number in numbers:
            anonymous = {"anonymousId": f"a{number}"}
            see(engine, {**anonymous, "properties": {"page": f"p{number}"}})
            login = {"type": "identify", "userId": f"u{number}", **anonymous, "timestamp": "2026-01-01T10:00:00Z"}
            engine.ingest([json.dumps(login).encode()]).result(30)
            engine.drain(30)
            see(engine, {"userId": f"u{number}"})
        engine.drain(30)
        if settings is SETTINGS:
            people = [f"u{number}" for number in numbers]
            eventually(lambda: all(recall_exported(folder / "store", each).facts for each in people), "the export")


def see(engine: Engine, call: dict[str, Any]) -> None:
    engine.ingest([json.dumps({"type": "track", "event": "Seen", **call}).encode()]).result(30)


def opened(folder: Path, *, exported: bool = False) -> Warehouse:
    found = open_stored_facts(address(folder), None, folder, {}, exported=exported)
    assert found.left_out == ()
    return found.warehouse


def tables(warehouse: Warehouse) -> dict[str, list[Any]]:
    """The rows of each table but for the columns that say where they come from."""
    with warehouse:
        return {
            table: sorted(asked(warehouse, f"select * exclude (shard, record, n) from {table}"), key=repr)
            for table in TABLES
        }


def test_what_is_in_the_journal_alone_is_told_as_what_is_in_files(tmp_path: Path) -> None:
    live(tmp_path, IN_JOURNALS)
    assert (
        not (facts_folder(tmp_path / "store") / "_done").exists()
        or not read_listing(facts_folder(tmp_path / "store")).through
    )

    with opened(tmp_path) as warehouse:
        journal = asked(warehouse, 'select person, page from "events_Seen" order by person, time')
        assert warehouse.as_of_ms is not None

    assert journal == [row for n in range(PEOPLE) for row in ((f"u{n}", f"p{n}"), (f"u{n}", None))]


def test_a_store_and_the_simulation_of_its_inputs_have_equal_tables(tmp_path: Path) -> None:
    live(tmp_path, IN_JOURNALS)
    assert write_inputs(address(tmp_path), tmp_path / "inputs.ndjson") > 0
    arguments = ["--events", str(tmp_path / "inputs.ndjson"), "--out", str(tmp_path / "out"), "--facts"]
    done = CliRunner().invoke(build(), ["simulate", str(tmp_path / "shop"), *arguments])
    assert done.exit_code == 0, done.output

    live_ones = tables(opened(tmp_path))
    simulated = tables(open_warehouse(tmp_path / "out" / "facts", Viewed.of(shop(tmp_path).program), Settings()))

    assert live_ones.pop("publications") and simulated.pop("publications")  # of the beginning, at another time
    # A twin is told of merges by lines of their own, and not by the calls that led to them.
    live_ones["changes"] = [_as_of_a_twin(row) for row in live_ones["changes"]]
    assert simulated == live_ones
    assert len(live_ones["events"]) == 2 * PEOPLE


def _as_of_a_twin(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*row[:4], row[4].replace('"identify"', '"merge"'), *row[5:]) if row[2] == "merged" else row


def test_nothing_is_there_twice_where_export_and_tail_overlap(tmp_path: Path) -> None:
    live(tmp_path, IN_JOURNALS, range(5))
    before = tail_of(tmp_path)
    with opened(tmp_path) as warehouse:
        expected = asked(warehouse, "select shard, record, n from events order by all")
    live(tmp_path, SETTINGS, [])
    with Engine.open(shop(tmp_path), address(tmp_path), runtime="local", settings=SETTINGS):
        eventually(lambda: bool(recall_exported(tmp_path / "store", "u1").facts), "the export")

    with Warehouse(facts_folder(tmp_path / "store"), Viewed(), Settings(), before) as warehouse:
        assert asked(warehouse, "select shard, record, n from events order by all") == expected


def tail_of(folder: Path) -> Tail:
    with opened(folder) as warehouse:
        tail = warehouse._tail
    assert tail is not None and tail.rows["events"]
    return tail


def test_who_was_erased_is_in_no_table_though_files_and_tail_have_her(tmp_path: Path) -> None:
    live(tmp_path, IN_JOURNALS, range(3))
    tail, erased = tail_of(tmp_path), tmp_path / "other" / "facts" / "_erased"
    erased.mkdir(parents=True)
    with Warehouse(erased.parent, Viewed(), Settings(), tail) as warehouse:
        ((shard, record),) = asked(warehouse, "select shard, max(record) from moves where person = 'u1' group by shard")
        looked: Row = (0, "u1", "key", "GET /people/{id}", shard, record, 0)
    note = ErasedRows("1-x", shard, "00", person_hash(b"\0", "u1").hex(), 0, record)
    (erased / "1-x.json").write_text(json.dumps({name: getattr(note, name) for name in note.__struct_fields__}))

    with Warehouse(erased.parent, Viewed(), Settings(), Tail({**tail.rows, "looks": [looked]}, {})) as warehouse:
        people = " union ".join(f"select person from {table}" for table in TABLES if table != "looks")
        assert ("u1",) not in asked(warehouse, people) and ("u2",) in asked(warehouse, people)
        assert asked(warehouse, "select person from looks") == [(f"#{note.person}",)]


def test_files_that_are_replaced_and_gone_meanwhile_change_no_answer(tmp_path: Path) -> None:
    live(tmp_path, SETTINGS)
    store = tmp_path / "store"
    with opened(tmp_path, exported=True) as warehouse:
        query = "select shard, record, n from events order by all"
        expected = asked(warehouse, query)
        assert expected

        upkeep = open_upkeep(store, Settings(compact_after_ms=1, compact_grace_ms=1))
        files = {path.name for path in store.glob("facts/events/*/*.parquet")}
        newest = max(at for done in read_listing(facts_folder(store)).ranges if (at := done.latest_ms) is not None)
        for days in (2, 3):
            while upkeep.step(InsightDocument(facts_for="ever"), newest + days * DAY_MS):
                pass
        assert files.difference(path.name for path in store.glob("facts/events/*/*.parquet"))

        assert asked(warehouse, query) == expected


def test_a_store_in_use_tells_what_is_exported_and_says_so(tmp_path: Path) -> None:
    live(tmp_path, SETTINGS)

    with Engine.open(shop(tmp_path), address(tmp_path), runtime="local", settings=IN_JOURNALS):
        found = open_stored_facts(address(tmp_path), None, tmp_path, {})
        with found.warehouse as warehouse:
            assert asked(warehouse, "select count(distinct person) from moves") != [(0,)]

    assert any("An engine uses the store" in each for each in found.left_out)


@pytest.mark.parametrize("form", ["json", "csv", "table"])
def test_the_command_answers_and_names_the_instant(form: str, tmp_path: Path) -> None:
    live(tmp_path, IN_JOURNALS, range(2))
    query = "select person, count(*) as n from events group by person order by person"
    command = ["insight", "sql", query, "--store", address(tmp_path), "--format", form]

    done = CliRunner().invoke(build(), command)

    assert done.exit_code == 0, done.output
    if form == "json":
        told = json.loads(done.stdout)
        assert told["rows"] == [["u0", 2], ["u1", 2]] and told["columns"] == ["person", "n"] and told["as_of"]
    elif form == "csv":
        assert done.stdout == "person,n\nu0,2\nu1,2\n" and done.stderr.startswith("As of 20")
    else:
        assert "u1" in done.stdout and "As of 20" in done.stdout


def test_a_mistake_in_a_query_is_told_and_the_file_of_before_stays(tmp_path: Path) -> None:
    live(tmp_path, IN_JOURNALS, range(2))
    out = tmp_path / "answer.csv"
    out.write_text("before")

    for query in ("select nobody from events", "attach 'x' as y", "select person::integer from events"):
        command = ["insight", "sql", query, "--store", address(tmp_path), "--format", "csv", "--out", str(out)]
        done = CliRunner().invoke(build(), command)
        assert done.exit_code != 0

    assert out.read_text() == "before"


def test_a_folder_without_facts_is_refused_with_the_command_that_writes_them(tmp_path: Path) -> None:
    done = CliRunner().invoke(build(), ["insight", "sql", "select 1", str(tmp_path)])

    assert done.exit_code != 0 and "simulate --facts" in done.stderr
