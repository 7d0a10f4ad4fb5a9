"""Is the simulation of a store's inputs its twin, where people became one while they lived in different shards?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.engine.test_store_inputs import DOCUMENTS, LOST, Shop, as_exported

from parcours.config import DAY_MS, HOUR_MS, MINUTE_MS, Settings
from parcours.core.fact import Fact, LimitReached, Merged, NotMerged
from parcours.core.fact_block import decode_facts
from parcours.core.identity import SlotMap
from parcours.service.engine import Engine
from parcours.simulation.simulation import simulate
from parcours.simulation.store_inputs import write_inputs
from parcours.store.address import open_store
from parcours.testing.doubles import TwilioServer

SHARDS = 3
PEOPLE = 12
IN_JOURNALS = Settings(export_every_ms=300 * DAY_MS, export_lag_max_ms=400 * DAY_MS)
"""So that every fact can be read as it was told."""


@pytest.fixture(params=["used", "unused"])
def shop(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Shop]:
    with TwilioServer(refuses=lambda number: 21211 if number == LOST else None) as provider:
        shop = Shop(tmp_path, provider, {"inputs": True})
        shop.settings["anonymous_history"] = request.param
        shop.documents = {**DOCUMENTS, "profile": {**DOCUMENTS["profile"], "identities": {"loyalty": {}}}}
        yield shop


def hand_in(engine: Engine, *calls: dict[str, Any]) -> None:
    lines = [json.dumps(call).encode() for call in calls]
    assert engine.ingest(b"\n".join(lines)).result(30).rejected == ()


def visit(engine: Engine, number: int) -> None:
    """Somebody without a user id starts a cart; of two in three it is known where she lives."""
    who = {"anonymousId": f"a{number}"}
    traits = {"phone": f"+3361234560{number % 10}", **({"city": "Oslo"} if number % 3 else {})}
    hand_in(
        engine,
        {"type": "identify", **who, "traits": traits},
        {"type": "track", **who, "event": "Started", "properties": {"cart": "c"}},
        {"type": "track", **who, "event": "Started", "properties": {"cart": f"c{number % 2}"}},
    )


def log_in(engine: Engine, number: int) -> None:
    """She does something more and logs in, and nobody waits for that before more is told, under both of her names."""
    user = f"u{number}"
    hand_in(
        engine,
        {"type": "track", "anonymousId": f"a{number}", "event": "Started", "properties": {"cart": "c2"}},
        {"type": "identify", "anonymousId": f"a{number}", "traits": {"city": "Rome"}},
    )
    external = {"externalIds": [{"type": "loyalty", "id": f"card{number}"}, {"type": "unknown", "id": 1}]}
    traits, phone = {"email": f"{user}@mail.example"}, {"phone": f"+336123456{number:02}"}
    hand_in(
        engine,
        {"type": "identify", "userId": user, "anonymousId": f"a{number}", "traits": traits, "context": external},
        {"type": "track", "anonymousId": f"a{number}", "event": "Bought" if number % 4 == 0 else "Seen"},
        {"type": "track", "userId": user, "event": "Started", "properties": {"cart": "c1"}},
        {"type": "alias", "userId": user, "previousId": f"old{number}"},
        {"type": "identify", "userId": user, "anonymousId": f"a{number}", "traits": phone},
    )


def live(shop: Shop) -> None:
    """A few days in which visitors become users: before their messages are due, while they leave, and after it."""
    with shop.open(SHARDS, settings=IN_JOURNALS) as engine:
        for number in range(PEOPLE):
            visit(engine, number)
        engine.track("u1", "Started", {"cart": "c1"}).result(30)
        shop.pass_time(engine, HOUR_MS)
        for number in range(0, PEOPLE, 3):
            log_in(engine, number)
        shop.pass_time(engine, 2 * HOUR_MS)
        for number in range(1, PEOPLE, 3):
            log_in(engine, number)
        shop.pass_time(engine, DAY_MS, 2 * HOUR_MS)
        for message in shop.provider.messages[:4]:
            engine.feedback("sms", shop.provider.status_callback(message, "delivered")).result(30)
        shop.pass_time(engine, 2 * DAY_MS, 3 * HOUR_MS)
        for number in range(2, PEOPLE, 3):
            log_in(engine, number)
        shop.pass_time(engine, DAY_MS, 90 * MINUTE_MS)
        for number in range(PEOPLE):
            hand_in(engine, {"type": "identify", "userId": f"u{(number + 1) % PEOPLE}", "anonymousId": f"a{number}"})
        shop.pass_time(engine, HOUR_MS)
        for number in range(PEOPLE):
            visit(engine, number)
        shop.pass_time(engine, DAY_MS, 3 * HOUR_MS)


def facts_of(shop: Shop) -> list[Fact]:
    found: list[Fact] = []
    for shard in range(SHARDS):
        with closing(open_store(shop.store, shard)) as store:
            for record in store.records():
                found += decode_facts(record.facts, "a record")
    return found


def told(facts: list[Fact]) -> dict[str, list[Fact]]:
    """By person, without what is of machines, and without who was not merged: what is exported tries none of it again.

    A merge is told without the call that it came by, which is another one in the twin. What happens to somebody at one
    instant may be told by two shards, whose facts have no order.
    """
    by_person: dict[str, list[Fact]] = {}
    for fact in facts:
        if fact.person and not isinstance(fact, NotMerged | LimitReached):
            shown = Merged(fact.at, fact.person, fact.name, "merge", fact.runs) if isinstance(fact, Merged) else fact
            by_person.setdefault(fact.person, []).append(as_exported(shown))
    return {person: sorted(own, key=lambda fact: (fact.at, repr(fact))) for person, own in sorted(by_person.items())}


def test_people_who_became_one_live_through_the_same_in_the_twin(shop: Shop, tmp_path: Path) -> None:
    apart = [n for n in range(PEOPLE) if SlotMap(SHARDS).shard(f"u{n}") != SlotMap(SHARDS).shard(f"@anonymous/a{n}")]
    assert 3 <= len(apart) < PEOPLE, "some merges are within a shard, and some between two"
    live(shop)
    out = tmp_path / "inputs.ndjson"

    write_inputs(shop.store, out)

    lived, lines = told(facts_of(shop)), out.read_bytes().splitlines()
    merged = [fact for own in lived.values() for fact in own if isinstance(fact, Merged)]
    assert len(merged) == 3 * PEOPLE  # a visitor, a card and an old id each
    later = {fact.person for own in lived.values() for fact in own if fact.at > merged[-1].at + 2 * DAY_MS}
    assert {f"@anonymous/a{number}" for number in range(PEOPLE)} <= later, "whose devices are shared by then"
    for shards in (1, 3):
        twin = twin_of(shop, lines, shards)
        for person, own in lived.items():
            assert twin[person] == own, person
        assert twin.keys() == lived.keys()


def twin_of(shop: Shop, lines: list[bytes], shards: int) -> dict[str, list[Fact]]:
    rejected: list[tuple[int, str]] = []
    facts = simulate(
        shop.project(), lines, shards=shards, rejected=lambda number, why: rejected.append((number, why))
    ).facts
    assert rejected == []
    return told([*facts])
