"""Is each row in the files once, and none missing, wherever a shard and its exporter are killed?"""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from random import Random

import pyarrow as pa
import pytest
from tests.engine.conftest import write_shop
from tests.engine.export_until_killed import PEOPLE, PLACES, SHARDS
from tests.engine.lives import Life, Lives

from parcours.insight.exporter.done import facts_folder
from parcours.insight.exporter.listing import Listing
from parcours.insight.exporter.reading import reading, rows_of
from parcours.insight.exporter.rows import Telling
from parcours.insight.exporter.rows import rows_of as rows_told
from parcours.insight.exporter.schemas import table_of
from parcours.insight.exporter.tables import TABLES, Row
from parcours.journey.model.insight import FactTable
from parcours.journey.project import Project
from parcours.shard.messages import ExportRecord
from parcours.store.address import open_store

log = logging.getLogger(__name__)

KILLS = 300 if "PARCOURS_FAULTS_FULL" in os.environ else 15
KILLS_OF_A_STORE = 15 if "PARCOURS_FAULTS_FULL" in os.environ else 8

ANY_TIME = 6
"""So many kills at any time come to one at each of the places."""

LONGEST_LIFE_S = 0.9
LAST_LINES = 60
JOURNALLED: list[FactTable] = [table for table in TABLES if table not in ("people", "campaign_steps")]
"""The tables whose rows lie in journals."""

ORDER = [("shard", "ascending"), ("record", "ascending"), ("n", "ascending")]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shop(tmp_path_factory.mktemp("exports") / "shop", {})


@pytest.fixture(scope="module")
def lives(shop: Path) -> Iterator[Lives]:
    with closing(Lives("tests.engine.export_until_killed", str(shop))) as opened:
        yield opened


def test_wherever_it_is_killed_each_row_is_there_once(lives: Lives, shop: Path, tmp_path: Path) -> None:
    chance, kills, stores, at = Random(20_261_129), 0, 0, Counter[str]()
    places = _places(chance)
    while kills < KILLS:
        store, taken, own = tmp_path / f"store-{stores}", 0, 0
        while own < KILLS_OF_A_STORE:
            place, call = next(places), chance.randint(1, 5)
            lasts_s = chance.uniform(0.01, LONGEST_LIFE_S) if place is None else LONGEST_LIFE_S
            taken, own = lives.killed(Life(str(store), taken, None, lasts_s, place, call), at), own + 1
        kills, stores = kills + own, stores + 1

        ended, said = lives.live(Life.last(store, taken, LAST_LINES).written())

        assert (ended, said[-1]) == (0, {"troubles": []})
        taken += LAST_LINES
        found, told = _checked(store, taken), _told(store, shop)
        for table, rows in told.items():
            assert found[table].sort_by(ORDER).equals(rows.sort_by(ORDER)), table
    log.info("%s kills in %s stores: %s", kills, stores, dict(sorted(at.items())))
    assert at["any time"] and len(at) > 1


def _places(chance: Random) -> Iterator[str | None]:
    """Where one life after the other is to end; None: at any time."""
    while True:
        some = [*PLACES, *[None] * ANY_TIME]
        chance.shuffle(some)
        yield from some


def _checked(store: Path, taken: int) -> Mapping[FactTable, pa.Table]:
    """The rows of the files by table, none of which is there twice, and none of so many lines is missing."""
    facts = facts_folder(store)
    listing, found = reading(facts, lambda each: (each, {table: rows_of(facts, each, table) for table in JOURNALLED}))
    _check_ranges(listing)
    for table, rows in found.items():
        named = Counter(zip(*(rows[name].to_pylist() for name in ("shard", "record", "n")), strict=True))
        assert all(times == 1 for times in named.values()), (table, named.most_common(3))
    seen = Counter(found["events"]["message_id"].to_pylist())
    events = {f"m{number}": 1 for number in range(PEOPLE, taken)}
    assert seen == events, ([*(events.keys() - seen.keys())][:5], seen.most_common(3))
    return found


def _check_ranges(listing: Listing) -> None:
    """Those of a shard follow one another, and no record is in two or in none."""
    for shard in range(SHARDS):
        ranges = sorted((each.first, each.last) for each in listing.ranges if each.shard == shard)
        after = [first - 1 for first, _ in ranges]
        assert after == [0, *(last for _, last in ranges[:-1])], ranges


def _told(store: Path, shop: Path) -> Mapping[FactTable, pa.Table]:
    """The rows of all that journals tell, which are whole: nothing of so little is trimmed."""
    program, rows = Project.load(shop).program, {table: list[Row]() for table in JOURNALLED}
    for shard in range(SHARDS):
        with closing(open_store(f"sqlite:///{store}", shard)) as opened:
            assert opened.oldest() == 1
            for record in opened.records():
                kept = ExportRecord(record.sequence, record.stamp_ms, record.facts, record.inputs)
                for table, row in rows_told(kept, Telling.of(shard, program, None)):
                    assert table != "lines", "the project keeps no inputs"
                    rows[table].append(row)
    return {table: table_of(table, told) for table, told in rows.items()}
