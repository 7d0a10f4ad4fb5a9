"""Is the simulation of a store's inputs its twin, where campaigns have taken people along and saved audiences?"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.engine.campaign_behaviour import until
from tests.engine.test_store_inputs import as_exported
from tests.simulation.campaign_shop import campaign, project_in

from parcours import Engine, Settings
from parcours.config import DAY_MS
from parcours.core.fact import Fact
from parcours.core.fact_block import decode_facts
from parcours.journey.project import Project
from parcours.simulation.simulation import simulate
from parcours.simulation.store_inputs import write_inputs
from parcours.store.address import open_store

SHARDS = 3
PEOPLE = 12
IN_JOURNALS = Settings(export_every_ms=300 * DAY_MS, export_lag_max_ms=400 * DAY_MS, campaign_lead_ms=50)
"""So that every fact can be read as it was told."""

STEPS: list[dict[str, Any]] = [
    {"id": "wishes", "read": {"table": "wishes", "unknown": "create"}},
    {"id": "wishing", "dedupe": {"by": ["person"]}},
    {
        "id": "half",
        "split": {"parts": {"a": "70%", "b": "30%"}},
        "experiment": {"goal": {"event": "Bought", "within": "1d"}, "control": "b"},
    },
    {"id": "kept", "from": "wishing", "save": "best"},
    {"id": "marked", "update": {"city": "'Oslo'"}},
    {"id": "mail", "send": "news", "channels": ["email"], "rate": "100/s"},
    {"id": "later", "wait": "300ms"},
    {"id": "again", "send": "news", "channels": ["email", "sms"]},
]
COLUMNS = {"who": "string", "wish": "string"}
TABLES = {
    "tables": {"wishes": {"file": "wishes.csv", "person": "row.who", "match": "userId", "columns": COLUMNS}},
}
JOURNEY = {
    "journey": "best",
    "entry": {"audience": "best", "change": "entered"},
    "steps": [{"id": "hello", "send": "news", "channels": ["email"]}],
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / "wishes.csv").write_text("\n".join(["who,wish", *(f"u{number},Ball" for number in range(PEOPLE + 3))]))
    settings = {
        "project": "shop",
        "policies": {"consent": {"default": "opt_out"}},
        "insight": {"inputs": True},
    }
    exits = [{"event": "Bought"}]
    return project_in(shop, campaign(*STEPS, exit=exits), tables=TABLES, journeys_best=JOURNEY, parcours=settings)


def live(project: Project, store: str) -> None:
    with Engine.open(
        project, store, shards=SHARDS, runtime="local", records=["email", "sms"], settings=IN_JOURNALS
    ) as engine:
        for number in range(PEOPLE):
            engine.identify(f"u{number}", {"email": f"u{number}@mail.example", "score": number})
        engine.drain(30)
        engine.run_campaign("push")
        until(lambda: "mail" in engine.campaign("push").runs[0].steps)
        engine.track("u1", "Bought", {"total": 3}).result()
        until(lambda: engine.campaign("push").runs[0].state == "done")
        engine.drain(30)


def by_person(facts: list[Fact]) -> dict[str, list[Fact]]:
    """Those about somebody, in the order of happening."""
    found: dict[str, list[Fact]] = {}
    for fact in facts:
        if fact.person:
            found.setdefault(fact.person, []).append(as_exported(fact))
    return dict(sorted(found.items()))


def facts_in(store: str) -> list[Fact]:
    found: list[Fact] = []
    for shard in range(SHARDS):
        with closing(open_store(store, shard)) as opened:
            for record in opened.records():
                found += decode_facts(record.facts, "a record")
    return found


def test_whom_a_campaign_took_along_lives_through_the_same_in_the_twin(project: Project, tmp_path: Path) -> None:
    store, out = f"sqlite:///{tmp_path / 'store'}", tmp_path / "inputs.ndjson"
    live(project, store)

    write_inputs(store, out)

    lived, lines = by_person(facts_in(store)), out.read_bytes().splitlines()
    assert len(lived) == PEOPLE + 3
    for shards in (1, 3):
        assert by_person(twin_of(project, lines, shards)) == lived


def twin_of(project: Project, lines: list[bytes], shards: int) -> list[Fact]:
    rejected: list[tuple[int, str]] = []
    found = simulate(project, lines, shards=shards, rejected=lambda number, why: rejected.append((number, why)))
    assert rejected == []
    return [*found.facts]
