"""Is each line of a source applied once, and are those of a name in their order, wherever the engine is killed?"""

from __future__ import annotations

import logging
import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import msgspec
import pytest
from tests.engine.lives import Lives
from tests.projects import write_documents
from tests.sources.read_until_killed import PLACES, SHARDS, Life

from parcours.core.input_block import decode_inputs
from parcours.store.address import open_store

log = logging.getLogger(__name__)

KILLS = 200 if "PARCOURS_FAULTS_FULL" in os.environ else 20
KILLS_OF_A_STORE = 10
ANY_TIME = 6
"""So many kills at any time come to one at each of the places."""

LONGEST_LIFE_S = 0.6
FILES = 2
LINES = 1_500
VISITORS = 40


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lives]:
    folder = tmp_path_factory.mktemp("sources") / "shop"
    documents = {
        "parcours": {
            "project": "shop",
            "timezone": "UTC",
            "anonymous_history": "used",
            "insight": {"events": "all"},
        },
        "profile": {"traits": {"email": "string"}},
        "events": {"events": {"Seen": {"properties": {"n": "number", "file": "number"}}}},
        "journeys/visits": {"journey": "visits", "entry": {"event": "Seen"}, "steps": [{"id": "done", "end": True}]},
    }
    write_documents(folder, documents)
    with closing(Lives("tests.sources.read_until_killed", str(folder))) as opened:
        yield opened


def test_wherever_it_is_killed_each_line_is_applied_once_and_in_its_order(lives: Lives, tmp_path: Path) -> None:
    chance, kills, stores, at = Random(20_261_130), 0, 0, Counter[str]()
    places = _places(chance)
    while kills < KILLS:
        store, files = tmp_path / f"store-{stores}", tmp_path / f"in-{stores}"
        own = _write_files(files, chance)
        for _ in range(KILLS_OF_A_STORE):
            place, call = next(places), chance.randint(1, 30)
            lasts_s = chance.uniform(0.01, LONGEST_LIFE_S)
            ended, said = lives.live(Life(str(store), f"{files}/*.ndjson", lasts_s, place, call).written())
            assert ended in (0, -signal.SIGKILL, -signal.SIGALRM), f"{ended}: {said[-3:]}"
            at["the end" if not ended else place if ended == -signal.SIGKILL and place else "any time"] += 1
        kills, stores = kills + KILLS_OF_A_STORE, stores + 1

        ended, said = lives.live(Life(str(store), f"{files}/*.ndjson", None, None, 0).written())

        assert (ended, said[-1]["troubles"]) == (0, []), said
        _check(store, own)
    log.info("%s kills in %s stores: %s", kills, stores, dict(sorted(at.items())))
    assert at["any time"] and len(at) > 2


def _places(chance: Random) -> Iterator[str | None]:
    """Where one life after the other is to end; None: at any time."""
    while True:
        some = [*PLACES, *[None] * ANY_TIME]
        chance.shuffle(some)
        yield from some


def _write_files(folder: Path, chance: Random) -> int:
    """Files of visitors, known and unknown, who log in now and then; how many events they hold."""
    folder.mkdir()
    events = 0
    for file in range(FILES):
        lines: list[bytes] = []
        for number in range(LINES):
            visitor = chance.randrange(VISITORS)
            if chance.random() < 0.03:
                who = {"userId": f"u{visitor}", "anonymousId": f"a{visitor}"}
                lines.append(msgspec.json.encode({"type": "identify", **who}))
                continue
            who = {"userId": f"u{visitor}"} if chance.random() < 0.5 else {"anonymousId": f"a{visitor}"}
            properties = {"file": file, "n": number}
            lines.append(msgspec.json.encode({"type": "track", **who, "event": "Seen", "properties": properties}))
            events += 1
        (folder / f"{file}.ndjson").write_bytes(b"\n".join(lines))
    return events


def _check(store: Path, events: int) -> None:
    """No event is missing or there twice, and those of a name are in their order in each shard."""
    applied: Counter[tuple[int, int]] = Counter()
    for shard in range(SHARDS):
        last: dict[tuple[str, int], int] = {}
        with closing(open_store(f"sqlite:///{store}", shard)) as opened:
            assert opened.oldest() == 1, "the journal is whole"
            for record in opened.records():
                if record.inputs:
                    for line in decode_inputs(record.inputs, f"record {record.sequence}").lines:
                        told = msgspec.json.decode(line)
                        name = told.get("userId") or told["anonymousId"]
                        file, number = told["properties"]["file"], told["properties"]["n"]
                        applied[file, number] += 1
                        assert last.get((name, file), -1) < number, f"{name} in file {file}: {number} comes too late"
                        last[name, file] = number
    assert max(applied.values()) == 1, applied.most_common(5)
    assert len(applied) == events
