"""Does a destination of facts have every fact, and those of a person in order, wherever the engine was killed?"""

from __future__ import annotations

import json
import logging
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from tests.engine.facts_until_killed import PLACES, SHARDS
from tests.engine.lives import Life, Lives
from tests.logs import add_stream, stream_messages, topic_messages
from tests.projects import write_texts

from parcours import Project
from parcours.insight.exporter.rows import Telling, rows_of
from parcours.shard.messages import ExportRecord
from parcours.store.address import open_store
from parcours.testing.doubles import Kafka, NatsServer

log = logging.getLogger(__name__)

FULL = "PARCOURS_FAULTS_FULL" in os.environ
KILLS = 200 if FULL else 16
KILLS_OF_A_STORE = 8

LONGEST_LIFE_S = 0.8
LAST_LINES = 40
PARTITIONS = 2
TABLES = ("moves", "deliveries", "changes", "events")

Fact = tuple[str, bytes]
"""Its id, and its body."""


@pytest.fixture(scope="module")
def kafka() -> Iterator[Kafka]:
    with Kafka() as kafka:
        yield kafka


@pytest.fixture(scope="module")
def server() -> Iterator[NatsServer]:
    with NatsServer() as server:
        yield server


@pytest.fixture
def lives(tmp_path: Path, kafka: Kafka, server: NatsServer) -> Iterator[Lives]:
    write_texts(
        tmp_path / "shop",
        {
            "parcours.yaml": "project: shop\nanonymous_history: used\npolicies: {consent: {default: opt_out}}\n",
            "profile.yaml": "traits: {email: string, city: string}\n",
            "events.yaml": "events: {Bought: {}}\n",
            "audiences.yaml": 'audiences:\n  vip: profile.city == "Paris"\n',
            "messages/thanks.yaml": "message: thanks\nclass: transactional\nemail: {subject: Thank you, text: Bye}\n",
            "journeys/thank.yaml": (
                "journey: thank\nentry: {event: Bought}\nreentry: {after: 1s}\n"
                "steps:\n  - {id: thanks, send: thanks}\n  - {id: over, end: true}\n"
            ),
            "destinations.yaml": f"""
            destinations:
              topic:
                facts: [{", ".join(TABLES)}]
                to: {{kafka: {{servers: "{kafka.servers}", topic: facts}}}}
                columns: [value, anonymous_id, properties]
                batch: 7
              stream:
                facts: [moves, deliveries, changes]
                to: {{nats: {{url: "{server.url}", subject: facts}}}}
                columns: [value]
                batch: 7
            """,
        },
    )
    with closing(Lives("tests.engine.facts_until_killed", str(tmp_path / "shop"))) as opened:
        yield opened


def test_wherever_it_is_killed_every_fact_arrives_and_those_of_a_person_in_order(
    lives: Lives, tmp_path: Path, kafka: Kafka, server: NatsServer
) -> None:
    chance, kills, stores, at, again = Random(20_261_201), 0, 0, Counter[str](), 0
    while kills < KILLS:
        store, taken = tmp_path / f"store-{stores}", 0
        kafka.create("facts", PARTITIONS)
        add_stream(server, "FACTS", "facts", duplicate_window=0.1)
        for _ in range(KILLS_OF_A_STORE):
            place = chance.choice([*PLACES, None])
            lasts_s = chance.uniform(0.01, LONGEST_LIFE_S) if place is None else LONGEST_LIFE_S
            taken = lives.killed(Life(str(store), taken, None, lasts_s, place, chance.randint(1, 9)), at)
        kills, stores = kills + KILLS_OF_A_STORE, stores + 1

        ended, said = lives.live(Life.last(store, taken, LAST_LINES).written())

        assert (ended, said[-1]) == (0, {"troubles": []})
        told = told_by_journals(store, Project.load(tmp_path / "shop"))
        for name, held, tables in (("topic", in_kafka(kafka), TABLES), ("stream", in_nats(server), TABLES[:3])):
            again += len(held) - len(each_once(held))
            check_facts(
                each_once(held), [(f"shop/{name}/{key}", person) for key, table, person in told if table in tables]
            )
        kafka.delete("facts")
        server.do(lambda client: client.jetstream().delete_stream("FACTS"))
    log.info("%s kills in %s stores, %s facts came again: %s", kills, stores, again, dict(sorted(at.items())))
    assert len(at) > 4


def told_by_journals(store: Path, project: Project) -> list[tuple[str, str, str]]:
    """(shard/record/n, table, person) of everything that journals tell, which are whole."""
    rows: list[tuple[str, str, str]] = []
    for shard in range(SHARDS):
        with closing(open_store(f"sqlite:///{store}", shard)) as opened:
            assert opened.oldest() == 1
            for record in opened.records():
                kept = ExportRecord(record.sequence, record.stamp_ms, record.facts, record.inputs)
                for table, row in rows_of(kept, Telling.of(shard, project.program, None)):
                    rows.append(("/".join(map(str, row[-3:])), table, str(row[1])))
    return rows


def in_kafka(kafka: Kafka) -> list[Fact]:
    found = []
    for message in topic_messages(kafka, "facts", PARTITIONS):
        key = dict(message.headers() or ())["id"]
        assert isinstance(key, bytes)
        found.append((key.decode(), message.value() or b""))
    return found


def in_nats(server: NatsServer) -> list[Fact]:
    return [(headers["Nats-Msg-Id"], value) for value, headers in stream_messages(server, "FACTS")]


def each_once(held: Sequence[Fact]) -> Mapping[str, bytes]:
    """The facts where each came first; whatever comes again is the same to the byte."""
    first: dict[str, bytes] = {}
    for key, body in held:
        assert first.setdefault(key, body) == body, key
    return first


def check_facts(held: Mapping[str, bytes], told: Sequence[tuple[str, str]]) -> None:
    """All that was told is there and nothing else, in order of each person."""
    assert held.keys() == {key for key, _ in told}, sorted(held.keys() ^ {key for key, _ in told})[:5]
    there, expected = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    for key, body in held.items():
        there[json.loads(body)["person"]].append(key)
    for key, person in told:
        expected[person].append(key)
    assert {who: keys for who, keys in there.items() if who} == {who: keys for who, keys in expected.items() if who}
