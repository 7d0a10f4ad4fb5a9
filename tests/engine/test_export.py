"""Does everything that happened reach the files of a running engine, once, and is it still explained from there?"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest
from typer.testing import CliRunner

from parcours.cli import build
from parcours.config import Settings
from parcours.insight.explain import Explanation
from parcours.insight.exporter.opening import recall_exported
from parcours.journey.project import Project
from parcours.service.engine import Engine
from parcours.shard.closed_store import copy_exports_of, own_of
from parcours.shard.export_state import export_of
from parcours.shard.resharding import reshard
from parcours.store.address import open_store
from parcours.store.backup import copy_store
from parcours.store.exports import DONE, FACTS

NewShop = Callable[..., Project]

SHARDS = 2
PEOPLE = 10
SETTINGS = Settings(export_every_ms=100, export_records=20)
"""Everything is exported soon, in ranges of few records."""


@pytest.fixture
def project(new_shop: NewShop) -> Project:
    return new_shop()


def open_in(folder: Path, project: Project, shards: int = SHARDS, settings: Settings = SETTINGS) -> Engine:
    return Engine.open(
        project, f"sqlite:///{folder}", shards=shards, runtime="local", records=["email"], settings=settings
    )


def shop_in(engine: Engine, numbers: Iterable[int]) -> None:
    """Each of these looks, starts a cart and buys."""
    for number in numbers:
        person = f"u{number}"
        calls = [
            engine.identify(person, {"email": f"{person}@mail.example"}),
            engine.track(person, "Seen", {"page": "home"}),
            engine.track(person, "Started", {"cart": "c"}),
            engine.track(person, "Bought", {"cart": "c"}),
        ]
        for call in calls:
            call.result()


def done(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in sorted((folder / FACTS / DONE).glob("*.json"))]


def rows(folder: Path, table: str) -> list[dict[str, Any]]:
    """All rows of a table, as anybody reads them who goes by the done list."""
    names = [str(folder / FACTS / file["name"]) for each in done(folder) for file in each["files"]]
    names = [name for name in names if f"/{table}/" in name]
    found: list[dict[str, Any]] = ds.dataset(names, format="parquet").to_table().to_pylist() if names else []
    return found


def exported_in(folder: Path, table: str, count: int) -> list[dict[str, Any]]:
    """The rows of a table, once there are so many."""
    patience = time.monotonic() + 60
    while len(found := rows(folder, table)) < count:
        assert time.monotonic() < patience, f"{len(found)} of {count} rows of {table} are exported"
        time.sleep(0.01)
    return found


def explained(engine: Engine, numbers: Iterable[int]) -> list[Explanation]:
    return [engine.explain(f"u{number}") for number in numbers]


def stories(explanations: Iterable[Explanation]) -> list[object]:
    """What is told of each, but for addresses, which an export does not have as they are."""
    told: list[object] = []
    for each in explanations:
        states = [
            (journey.journey, run.run, run.moves, [(story.key, story.states) for story in run.deliveries])
            for journey in each.journeys
            for run in journey.runs
        ]
        told.append((each.person, states, [journey.refusals for journey in each.journeys], each.notes))
    return told


def test_every_event_and_move_is_exported_once_and_explained_as_before(tmp_path: Path, project: Project) -> None:
    later = Settings(export_every_ms=3_600_000)
    with open_in(tmp_path, project, settings=later) as engine:
        shop_in(engine, range(PEOPLE))
        before = stories(explained(engine, range(PEOPLE)))
        assert done(tmp_path) == []

    with open_in(tmp_path, project) as engine:
        events = exported_in(tmp_path, "events", 3 * PEOPLE)
        moves = exported_in(tmp_path, "moves", 6 * PEOPLE)

        assert stories(explained(engine, range(PEOPLE))) == before
        assert engine.troubles() == []

    assert Counter(row["event"] for row in events) == {"Seen": PEOPLE, "Started": PEOPLE, "Bought": PEOPLE}
    assert {(row["person"], json.loads(row["properties"])["cart"]) for row in events if row["event"] == "Bought"} == {
        (f"u{number}", "c") for number in range(PEOPLE)
    }
    entered = Counter((row["person"], row["journey"]) for row in moves if row["what"] == "entered")
    assert entered == {(f"u{number}", name): 1 for number in range(PEOPLE) for name in ("visits", "cart")}
    assert len({(row["shard"], row["record"], row["n"]) for row in events}) == len(events)


def test_a_closed_store_is_explained_from_its_files_and_its_journal(
    tmp_path: Path, project: Project, shop_folder: Path
) -> None:
    with open_in(tmp_path / "store", project) as engine:
        shop_in(engine, range(3))
        exported_in(tmp_path / "store", "events", 9)
        before = engine.explain("u1")

    told = CliRunner().invoke(
        build(), ["explain", str(shop_folder), "u1", "--store", f"sqlite:///{tmp_path / 'store'}", "--json"]
    )

    assert told.exit_code == 0, told.output
    assert [journey["journey"] for journey in json.loads(told.stdout)["journeys"] if journey["runs"]] == [
        journey.journey for journey in before.journeys if journey.runs
    ]


def test_a_backup_takes_what_is_exported_along_and_exports_the_rest_once(tmp_path: Path, project: Project) -> None:
    with open_in(tmp_path / "store", project) as engine:
        shop_in(engine, range(PEOPLE))
        exported_in(tmp_path / "store", "events", 3 * PEOPLE)
        shop_in(engine, range(PEOPLE, 2 * PEOPLE))
        engine.backup(tmp_path / "backup")
        shop_in(engine, range(2 * PEOPLE, 3 * PEOPLE))
        told = stories(explained(engine, range(2 * PEOPLE)))
    copy_store(tmp_path / "backup", tmp_path / "restored", copy_exports_of)

    with open_in(tmp_path / "restored", project) as engine:
        events = exported_in(tmp_path / "restored", "events", 6 * PEOPLE)
        assert stories(explained(engine, range(2 * PEOPLE))) == told

    assert Counter(row["person"] for row in events) == {f"u{number}": 3 for number in range(2 * PEOPLE)}


def test_a_store_that_is_shared_out_anew_keeps_its_files_and_exports_the_rest_once(
    tmp_path: Path, project: Project
) -> None:
    with open_in(tmp_path / "old", project) as engine:
        shop_in(engine, range(PEOPLE))
        exported_in(tmp_path / "old", "events", 3 * PEOPLE)
    with open_in(tmp_path / "old", project, settings=Settings(export_every_ms=3_600_000)) as engine:
        shop_in(engine, range(PEOPLE, 2 * PEOPLE))
        told = stories(explained(engine, range(2 * PEOPLE)))

    reshard(f"sqlite:///{tmp_path / 'old'}", f"sqlite:///{tmp_path / 'new'}", 3)

    with open_in(tmp_path / "new", project, shards=3) as engine:
        shop_in(engine, [2 * PEOPLE])
        events = exported_in(tmp_path / "new", "events", 6 * PEOPLE + 3)
        assert stories(explained(engine, range(2 * PEOPLE))) == told
    assert Counter(row["person"] for row in events) == {f"u{number}": 3 for number in range(2 * PEOPLE + 1)}
    assert len({(row["shard"], row["record"], row["n"]) for row in events}) == len(events)


def test_a_shard_never_claims_more_of_its_export_than_there_is(tmp_path: Path, project: Project) -> None:
    with open_in(tmp_path, project) as engine:
        shop_in(engine, range(PEOPLE))
        exported_in(tmp_path, "events", 3 * PEOPLE)
    through = recall_exported(tmp_path, "u1").through

    for shard in range(SHARDS):
        store = open_store(f"sqlite:///{tmp_path}", shard)
        known = export_of(own_of(store))
        store.close()
        assert known.through <= through.get(shard, 0), "it may have been closed before it knew of the last files"
