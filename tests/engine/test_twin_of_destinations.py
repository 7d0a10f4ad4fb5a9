"""The simulation of a store's inputs tells destinations what the engine has told them, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.engine.test_destinations import Desk
from tests.projects import write_texts

from parcours import Engine, Project, Settings
from parcours.config import DAY_MS
from parcours.core.fact import Fact
from parcours.core.fact_block import decode_facts
from parcours.core.synced import Synced
from parcours.simulation.simulation import simulate
from parcours.simulation.store_inputs import write_inputs
from parcours.store.address import open_store
from parcours.testing.doubles import Drop, HttpReply

SHARDS = 2

SETTINGS = Settings(
    export_every_ms=300 * DAY_MS, export_lag_max_ms=400 * DAY_MS,
    ambiguous_resend_after_ms=30, retry_delays_ms=(30,), channel_pause_ms=30,
)  # fmt: skip
"""So that every fact can be read as it was told."""


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk() as desk:
        yield desk


@pytest.fixture
def shop(tmp_path: Path, desk: Desk) -> Project:
    write_texts(
        tmp_path / "shop",
        {
            "parcours.yaml": "project: shop\nanonymous_history: used\ninsight: {inputs: true}\n",
            "profile.yaml": "traits: {email: string, city: string}\n",
            "events.yaml": "events: {Bought: {}}\n",
            "audiences.yaml": 'audiences:\n  vip: profile.city == "Paris"\n  buyers: count("Bought", "365d") > 0\n',
            "destinations.yaml": f"""
            destinations:
              hook: {{audience: vip, to: {{webhook: {{url: "{desk.url}"}}}}, key: profile.email, batch: 2}}
              file: {{audience: buyers, to: {{file: out/buyers.ndjson}}}}
            """,
        },
    )
    return Project.load(tmp_path / "shop")


def live(shop: Project, store: str, desk: Desk) -> None:
    """People come and go, while the other side fails in one way after the other."""
    with Engine.open(
        shop, store, shards=SHARDS, runtime="local", settings=SETTINGS, private_hosts=["127.0.0.0/8"]
    ) as engine:
        for number, fault in enumerate((None, Drop(), HttpReply(422, {}), HttpReply(503, {}), HttpReply(500, {}))):
            if fault is not None:
                desk.next(fault)
            who = f"u{number}"
            engine.track(None, "Bought", anonymous_id=f"v{number}").result()
            engine.identify(who, {"city": "Paris", "email": f"{who}@mail.example"}).result()
            engine.identify(who, {"city": "Rome" if number % 2 else "Paris"}).result()
            engine.drain(20)
            engine.identify(who, {"email": f"{who}@new.example"}, anonymous_id=f"v{number}").result()
        engine.drain(20)


def told_of(facts: Iterable[Fact]) -> list[Synced]:
    found = [fact for fact in facts if isinstance(fact, Synced)]
    return sorted(found, key=lambda fact: (fact.at, fact.person, fact.destination, fact.key, fact.outcome))


def test_the_twin_tells_destinations_the_same(shop: Project, desk: Desk, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store'}"
    live(shop, store, desk)
    facts: list[Fact] = []
    for shard in range(SHARDS):
        with closing(open_store(store, shard)) as opened:
            for record in opened.records():
                facts += decode_facts(record.facts, "a record")

    write_inputs(store, tmp_path / "inputs.ndjson")

    lines = (tmp_path / "inputs.ndjson").read_bytes().splitlines()
    lived = told_of(facts)
    assert {fact.outcome for fact in lived} == {"queued", "retried", "sent", "failed"}
    for shards in (1, 2):
        assert told_of(simulate(shop, lines, shards=shards).facts) == lived
