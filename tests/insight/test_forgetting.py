"""Do files without somebody erased tell the same of everybody else, wherever writing them anew is interrupted?"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.insight.failing_disk import FailingDisk
from tests.insight.test_upkeep import DAY, NOW, documents, export, told, upkeep

from parcours.config import DAY_MS, HOUR_MS
from parcours.core.fact import Fact, Looked, Moved
from parcours.core.fact_block import encode_facts
from parcours.errors import StoreBroken
from parcours.insight.exporter.disk import Disk
from parcours.insight.exporter.done import facts_folder, range_name
from parcours.insight.exporter.forgetting import Forgetting
from parcours.insight.exporter.range_files import ParquetRange
from parcours.insight.exporter.rows import Telling
from parcours.journey.model.insight import FactTable
from parcours.shard.erasures import AUDIT, Erased, Erasure, person_hash
from parcours.shard.messages import ExportRange, ExportRecord, ExportSlice

SALT = b"salt of the shard"
EVE = "eve"
ERASURE = Erasure("0001-a", SALT, person_hash(SALT, EVE), NOW, 45)
"""Through record 45: what comes later is of somebody new."""

LOOKS: FactTable = "looks"


def export_of(store: Path, number: int, *people: str, looks: bool = False) -> None:
    """Export a range of ten records in which these people alone move, and perhaps somebody looks at them."""
    at = DAY * DAY_MS + number
    facts: list[Fact] = [Moved(at, person, "cart", 1, 1, "a", "reached") for person in people]
    facts += [Looked(at, person, "ada", "GET /people/{id}") for person in people if looks]
    files = ParquetRange(store, Telling(0, frozenset()), ExportRange(10 * number + 1, 10 * number + 10))
    files.add(ExportSlice([ExportRecord(10 * number + 1, DAY * DAY_MS, encode_facts(facts))]))
    files.finish()


def ranges(store: Path) -> None:
    for number in range(6):
        export(store, number)


def compacted(store: Path) -> None:
    """Compacted days, the newest range among them, and ranges for the same days that are not."""
    ranges(store)
    upkeep(store, NOW - HOUR_MS)
    for number in range(6, 8):
        export(store, number)


def all_compacted(store: Path) -> None:
    """The newest range counts no more, but its document says how far the export goes."""
    ranges(store)
    upkeep(store, NOW)


def hers_alone(store: Path) -> None:
    """Days of which nothing is left without her."""
    for number in range(4):
        export_of(store, number, EVE)


def hers_alone_compacted(store: Path) -> None:
    hers_alone(store)
    upkeep(store, NOW)


def looked_at(store: Path) -> None:
    for number in range(4):
        export_of(store, number, EVE, "bob", looks=True)


PREPARED = (ranges, compacted, all_compacted, hers_alone, hers_alone_compacted, looked_at)


def is_hers(row: tuple[Any, ...]) -> bool:
    """Whether a row has to go."""
    return bool(row[4] == EVE and row[1] <= ERASURE.record)


def left(store: Path) -> list[str]:
    """The files, whether they count or not, in which there is a row of hers that has to go."""
    return [
        str(path)
        for path in (store / "facts").glob("*/day=*/*.parquet")
        for row in pq.read_table(path, columns=["record", "person"]).to_pylist()
        if row["person"] == EVE and row["record"] <= ERASURE.record
    ]


def erase(store: Path, disk: Disk | None = None, *others: Erasure, begins_ms: int = NOW) -> list[str]:
    """What is done of it after three hours, in each of which the files are kept in order."""
    forgetting, done = Forgetting(store, disk), list[str]()
    for now_ms in range(begins_ms, begins_ms + 3 * HOUR_MS, HOUR_MS):
        upkeep(store, now_ms, disk=disk)
        done = forgetting.step(0, Erased([*others] or [ERASURE], 0, 1_000), now_ms)
    upkeep(store, now_ms + HOUR_MS, disk=disk)
    return done


@pytest.mark.parametrize("prepare", PREPARED, ids=lambda each: each.__name__)
def test_nothing_of_her_is_left_and_of_everybody_else_everything(
    prepare: Callable[[Path], None], tmp_path: Path
) -> None:
    prepare(tmp_path)
    before = told(tmp_path)
    assert left(tmp_path)

    assert erase(tmp_path) == [ERASURE.id]

    assert left(tmp_path) == []
    assert told(tmp_path) == [row for row in before if not is_hers(row)]
    hashed = {row[4] for row in told(tmp_path, LOOKS) if row[4].startswith(AUDIT)}
    assert hashed == ({f"{AUDIT}{ERASURE.person.hex()}"} if told(tmp_path, LOOKS) else set())


@pytest.mark.parametrize("prepare", PREPARED, ids=lambda each: each.__name__)
def test_she_does_not_come_back_while_the_replaced_files_wait_to_be_deleted(
    prepare: Callable[[Path], None], tmp_path: Path
) -> None:
    prepare(tmp_path)
    forgetting = Forgetting(tmp_path)
    kept = [row for row in told(tmp_path) if not is_hers(row)]
    forget = partial(forgetting.step, 0, Erased([ERASURE], 0, 1_000))

    assert forget(NOW) == [], "readers may have the old files in hand"
    for minute in range(4):
        now_ms = NOW + minute * 60_000
        upkeep(tmp_path, now_ms)
        assert told(tmp_path) == kept
        forget(now_ms)
        assert told(tmp_path) == kept


def test_it_is_not_done_while_something_half_written_lies_there(tmp_path: Path) -> None:
    hers_alone(tmp_path)
    day = facts_folder(tmp_path) / "moves" / "day=2024-10-04"
    begun, later = (day / f"{range_name(0, first, first + 9)}.parquet" for first in (41, 51))
    Disk().begin(begun)
    disk = Disk()
    disk.begin(later)
    assert erase(tmp_path) == [], "it may be hers, and its range is not exported"

    export_of(tmp_path, 4, "bob")

    assert erase(tmp_path) == [ERASURE.id]
    assert disk.unfinished(later).exists(), "this is being written, of records that she is not in"


@pytest.mark.parametrize("prepare", PREPARED, ids=lambda each: each.__name__)
def test_one_after_the_other_may_be_erased(prepare: Callable[[Path], None], tmp_path: Path) -> None:
    prepare(tmp_path)
    kept = [row for row in told(tmp_path) if not is_hers(row)]
    bob = Erasure("0001-b", SALT, person_hash(SALT, "bob"), NOW, 1_000)
    assert erase(tmp_path) == [ERASURE.id]

    assert erase(tmp_path, None, bob, begins_ms=NOW + DAY_MS) == [bob.id]

    assert told(tmp_path) == [row for row in kept if row[4] != "bob"]
    export_of(tmp_path, 9, "cleo")
    upkeep(tmp_path, NOW + 3 * DAY_MS)
    upkeep(tmp_path, NOW + 4 * DAY_MS)
    assert [row for row in told(tmp_path) if row[1] <= 90] == [row for row in kept if row[4] != "bob"]
    assert len(documents(tmp_path)) <= 3, "what has done its duty goes"


@pytest.mark.parametrize("prepare", [compacted, hers_alone, looked_at], ids=lambda each: each.__name__)
def test_it_may_be_interrupted_after_any_step(prepare: Callable[[Path], None], tmp_path: Path) -> None:
    first = tmp_path / "first"
    prepare(first)
    before = told(first)
    kept = [row for row in before if not is_hers(row)]
    disk = FailingDisk(10_000)
    whole = shutil.copytree(first, tmp_path / "whole")
    erase(whole, disk)
    assert disk.done > 10

    for works_for in range(disk.done):
        store = shutil.copytree(first, tmp_path / "store")
        with pytest.raises(StoreBroken, match="No space left on device"):
            erase(store, FailingDisk(works_for))
        assert [row for row in told(store) if not is_hers(row)] == kept, works_for

        assert erase(store) == [ERASURE.id], works_for
        assert left(store) == [] and told(store) == kept, works_for
        assert list(facts_folder(store).glob("*/day=*/*[!t]")) == [], "nor is anything half written left"
        shutil.rmtree(store)
