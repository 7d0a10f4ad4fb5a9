"""Do files that are compacted, cut and swept tell what they told before, wherever that is interrupted?"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.insight.failing_disk import FailingDisk

from parcours.config import DAY_MS, HOUR_MS, Settings
from parcours.core.fact import Fact, LimitReached, Moved
from parcours.core.fact_block import encode_facts
from parcours.errors import StoreBroken
from parcours.insight.exporter import compaction, parquet_file
from parcours.insight.exporter.disk import Disk
from parcours.insight.exporter.done import facts_folder
from parcours.insight.exporter.listing import Listing, read_listing
from parcours.insight.exporter.range_files import ParquetRange
from parcours.insight.exporter.reading import reading, rows_of
from parcours.insight.exporter.rows import Telling
from parcours.insight.exporter.upkeep import Upkeep
from parcours.journey.model.insight import FactTable, InsightDocument
from parcours.shard.messages import ExportRange, ExportRecord, ExportSlice

DAY = 20_000
NOW = (DAY + 3) * DAY_MS
LATER = NOW + HOUR_MS
SETTINGS = Settings()
EVER = InsightDocument.model_validate({"facts_for": {"all": "ever"}})
PEOPLE = ("ann", "bob", "cleo", "dan", "eve")


def export(store: Path, number: int, days: int = 2, shard: int = 0) -> None:
    """Export the range of this number, ten records of facts of so many days before `DAY`, the last one included."""
    chance = random.Random(number)
    records = []
    for sequence in range(10 * number + 1, 10 * number + 11):
        facts: list[Fact] = []
        for _ in range(5):
            at = (DAY - chance.randrange(days)) * DAY_MS + chance.randrange(DAY_MS)
            facts.append(Moved(at, chance.choice(PEOPLE), "cart", 1, sequence, "a", "reached"))
        facts.append(LimitReached(facts[0].at, facts[0].person, "open_runs_max", "an entry"))
        records.append(ExportRecord(sequence, DAY * DAY_MS, encode_facts(facts)))
    files = ParquetRange(store, Telling(shard, frozenset()), ExportRange(10 * number + 1, 10 * number + 10))
    files.add(ExportSlice(records))
    files.finish()


def told(store: Path, table: FactTable = "moves") -> list[tuple[Any, ...]]:
    """All rows that count, in their order."""
    facts = facts_folder(store)
    rows = rows_of(facts, read_listing(facts), table).to_pylist()
    return sorted((row["shard"], row["record"], row["n"], row["time"], row["person"]) for row in rows)


def upkeep(
    store: Path,
    now_ms: int,
    insight: InsightDocument = EVER,
    disk: Disk | None = None,
    settings: Settings = SETTINGS,
) -> None:
    keeper = Upkeep(store, settings, disk=disk)
    while keeper.step(insight, now_ms):
        pass


def files_of(store: Path, table: str = "moves") -> list[str]:
    return sorted(path.relative_to(store / "facts").as_posix() for path in (store / "facts" / table).glob("*/*"))


def documents(store: Path) -> list[str]:
    return sorted(path.name for path in (store / "facts" / "_done").iterdir())


def test_a_day_that_is_over_becomes_one_file_sorted_by_person_and_time(tmp_path: Path) -> None:
    for number in range(4):
        export(tmp_path, number)
    before = told(tmp_path), told(tmp_path, "limits")

    upkeep(tmp_path, NOW)
    upkeep(tmp_path, LATER)

    assert (told(tmp_path), told(tmp_path, "limits")) == before
    assert files_of(tmp_path) == [
        "moves/day=2024-10-03/0-000000000001-000000000030.20241003.parquet",
        "moves/day=2024-10-03/0-000000000031-000000000040.parquet",  # the newest range
        "moves/day=2024-10-04/0-000000000001-000000000030.20241004.parquet",
        "moves/day=2024-10-04/0-000000000031-000000000040.parquet",
    ]
    rows = pq.ParquetFile(tmp_path / "facts" / files_of(tmp_path)[0]).read().to_pylist()
    order = [(row["person"], row["time"], row["record"], row["n"]) for row in rows]
    assert len({row["person"] for row in rows}) == 5 and order == sorted(order)
    assert documents(tmp_path) == [
        "0-000000000001-000000000030.20241003.json", "0-000000000001-000000000030.20241004.json",
        "0-000000000031-000000000040.json",
    ]  # fmt: skip


def test_a_day_waits_until_it_has_been_over_for_as_long_as_is_set(tmp_path: Path) -> None:
    export(tmp_path, 0, days=1)
    export(tmp_path, 1, days=1)

    upkeep(tmp_path, NOW - 1)
    assert len(documents(tmp_path)) == 2

    upkeep(tmp_path, NOW)
    assert len(documents(tmp_path)) == 3


def test_replaced_files_stay_for_readers_who_have_begun_with_them(tmp_path: Path) -> None:
    export(tmp_path, 0)
    export(tmp_path, 1)
    before = files_of(tmp_path)

    upkeep(tmp_path, NOW)
    upkeep(tmp_path, LATER - 1)
    assert set(files_of(tmp_path)) > set(before)

    upkeep(tmp_path, LATER)
    assert not set(files_of(tmp_path)) & {name for name in before if "000000000010" in name}


def test_rows_that_come_late_for_a_compacted_day_are_there_at_once_and_join_it(tmp_path: Path) -> None:
    for number in range(3):
        export(tmp_path, number)
    upkeep(tmp_path, NOW)
    for number in range(3, 6):
        export(tmp_path, number)
    before = told(tmp_path)
    assert len(before) == 6 * 50

    upkeep(tmp_path, NOW + 1)
    assert told(tmp_path) == before
    upkeep(tmp_path, LATER + 1)

    assert told(tmp_path) == before
    assert [name.rpartition("/")[2] for name in files_of(tmp_path)][:2] == [
        "0-000000000001-000000000050.20241003.parquet", "0-000000000051-000000000060.parquet",
    ]  # fmt: skip


def test_files_of_a_day_that_is_not_over_become_one_when_there_are_many(tmp_path: Path) -> None:
    today, settings = DAY * DAY_MS, Settings(compact_files=3)
    for number in range(9):
        export(tmp_path, number, days=1)
        upkeep(tmp_path, today, settings=settings)
    before = told(tmp_path)
    listing = read_listing(tmp_path / "facts")
    assert sorted(file.name.rpartition("/")[2] for _, file in listing.files() if file.table == "moves") == [
        "0-000000000001-000000000040.20241004.parquet", "0-000000000041-000000000080.20241004.parquet",
        "0-000000000081-000000000090.parquet",
    ]  # fmt: skip
    assert len(before) == 9 * 50

    upkeep(tmp_path, NOW, settings=settings)
    upkeep(tmp_path, LATER, settings=settings)

    assert told(tmp_path) == before
    assert [name.rpartition("/")[2] for name in files_of(tmp_path)] == [
        "0-000000000001-000000000080.20241004.parquet", "0-000000000081-000000000090.parquet",
    ]  # fmt: skip
    assert documents(tmp_path) == ["0-000000000001-000000000080.20241004.json", "0-000000000081-000000000090.json"]


def test_people_of_a_large_day_are_sorted_in_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        export(tmp_path, number)
    shutil.copytree(tmp_path / "facts", tmp_path / "turns" / "facts")
    upkeep(tmp_path, NOW)
    monkeypatch.setattr(compaction, "SORTED_BYTES", 1_000)
    monkeypatch.setattr(compaction, "SAMPLES", 5)

    upkeep(tmp_path / "turns", NOW)

    assert told(tmp_path / "turns") == told(tmp_path)
    for name in files_of(tmp_path):
        assert (tmp_path / "turns" / "facts" / name).read_bytes() == (tmp_path / "facts" / name).read_bytes()


def test_row_groups_of_a_sorted_file_say_whose_rows_they_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_file, "GROUP_ROWS", 20)
    for number in range(4):
        export(tmp_path, number, days=1)

    upkeep(tmp_path, NOW)

    (sorted_file,) = (name for name in files_of(tmp_path) if "20241004" in name)
    metadata = pq.ParquetFile(tmp_path / "facts" / sorted_file).metadata
    bounds = [metadata.row_group(number).column(1).statistics for number in range(metadata.num_row_groups)]
    assert len(bounds) > 5 and all(one.max <= two.min for one, two in pairwise(bounds))


def test_each_table_is_kept_in_whole_days_for_as_long_as_the_project_says(tmp_path: Path) -> None:
    for number in range(4):
        export(tmp_path, number, days=5)
    before, limits = told(tmp_path), told(tmp_path, "limits")
    insight = InsightDocument.model_validate({"facts_for": {"all": "ever", "moves": "5d"}})

    upkeep(tmp_path, NOW, insight)  # 5 days before NOW the day DAY - 2 begins

    kept = [row for row in before if row[3].timestamp() * 1_000 >= (DAY - 2) * DAY_MS]
    assert told(tmp_path) == kept and 0 < len(kept) < len(before)
    assert told(tmp_path, "limits") == limits
    assert read_listing(tmp_path / "facts").cut_before_ms() == {"moves": (DAY - 2) * DAY_MS}
    upkeep(tmp_path, LATER, insight)
    assert told(tmp_path) == kept
    assert not [name for name in files_of(tmp_path) if name < "moves/day=2024-10-02"]
    assert {each.name for each in (tmp_path / "facts" / "moves").iterdir()} == {
        "day=2024-10-02", "day=2024-10-03", "day=2024-10-04",
    }  # fmt: skip


def test_what_was_cut_stays_so_when_the_project_keeps_facts_for_longer(tmp_path: Path) -> None:
    export(tmp_path, 0, days=5)
    upkeep(tmp_path, NOW, InsightDocument.model_validate({"facts_for": "5d"}))
    kept = told(tmp_path)

    upkeep(tmp_path, NOW + 1, EVER)

    assert told(tmp_path) == kept


def test_when_all_has_gone_it_is_still_known_how_far_the_export_is(tmp_path: Path) -> None:
    for number in range(3):
        export(tmp_path, number)
    insight = InsightDocument.model_validate({"facts_for": "1d"})

    upkeep(tmp_path, NOW, insight)
    upkeep(tmp_path, LATER, insight)

    assert (told(tmp_path), files_of(tmp_path)) == ([], [])
    assert documents(tmp_path) == ["0-000000000021-000000000030.json", "0.cut.json"]
    assert read_listing(tmp_path / "facts").through == {0: 30}


def test_files_that_a_crash_left_behind_go_but_not_those_of_a_range_that_is_being_written(tmp_path: Path) -> None:
    export(tmp_path, 0)
    export(tmp_path, 1)
    day = tmp_path / "facts/moves/day=2024-10-04"
    left = ["0-000000000001-000000000009.20241004.parquet", "0-000000000001-000000000009.20241004.parquet.unfinished"]
    begun = ["0-000000000021-000000000030.parquet", "0-000000000021-000000000031.parquet.unfinished"]
    others = ["1-000000000001-000000000002.parquet"]
    for name in (*left, *begun, *others):
        (day / name).write_bytes(b"half")
    unfinished = tmp_path / "facts/_done/0-000000000001-000000000009.20241004.json.unfinished"
    unfinished.write_bytes(b"{")

    upkeep(tmp_path, DAY * DAY_MS)

    assert {each.name for each in day.iterdir()} >= {*begun, *others}
    assert not {each.name for each in day.iterdir()} & {*left}
    assert not unfinished.exists()


def test_a_reader_whose_file_has_gone_reads_the_list_again_and_then_says_which_is_missing(tmp_path: Path) -> None:
    for number in range(3):
        export(tmp_path, number)
    before = told(tmp_path)
    facts = facts_folder(tmp_path)
    asked = 0

    def read(listing: Listing) -> int:
        nonlocal asked
        asked += 1
        if asked == 1:
            upkeep(tmp_path, NOW)
            upkeep(tmp_path, LATER)
        return int(rows_of(facts, listing, "moves").num_rows)

    assert (reading(facts, read), asked) == (len(before), 2)
    (facts / files_of(tmp_path)[0]).unlink()
    with pytest.raises(StoreBroken, match=r"a file of the done list is missing: .*moves/day=2024-10-03"):
        reading(facts, read)


def compact_again(store: Path) -> InsightDocument:
    """Three ranges, compacted, and three more for the same days."""
    for number in range(3):
        export(store, number)
    upkeep(store, NOW - HOUR_MS)
    for number in range(3, 6):
        export(store, number)
    return EVER


def keep_less(store: Path) -> InsightDocument:
    """Compacted days, of which one is kept for long enough, and new ranges for it."""
    compact_again(store)
    return InsightDocument.model_validate({"facts_for": "3d"})


def many_today(store: Path) -> InsightDocument:
    """Many files of a day that is not over."""
    for number in range(6):
        export(store, number, days=1)
    return EVER


def hours(store: Path, begins_ms: int, insight: InsightDocument, disk: Disk, settings: Settings) -> None:
    """Upkeep in three hours one after the other."""
    for now_ms in range(begins_ms, begins_ms + 3 * HOUR_MS, HOUR_MS):
        upkeep(store, now_ms, insight, disk, settings)


@pytest.mark.parametrize(
    "prepare, begins_ms, settings",
    [
        (compact_again, NOW, SETTINGS),
        (keep_less, NOW, SETTINGS),
        (many_today, DAY * DAY_MS, Settings(compact_files=2)),
    ],
)
def test_upkeep_that_is_interrupted_anywhere_changes_nothing_for_readers_and_is_done_again(
    prepare: Callable[[Path], InsightDocument], begins_ms: int, settings: Settings, tmp_path: Path
) -> None:
    first = tmp_path / "first"
    insight = prepare(first)
    all_rows = told(first), told(first, "limits")
    kept = [[row for row in rows if insight is EVER or row[3].timestamp() * 1_000 >= DAY * DAY_MS] for rows in all_rows]
    disk = FailingDisk(10_000)
    whole = shutil.copytree(first, tmp_path / "whole")
    hours(whole, begins_ms, insight, disk, settings)
    assert disk.done > 20

    for works_for in range(disk.done):
        store = shutil.copytree(first, tmp_path / "store")
        with pytest.raises(StoreBroken, match="No space left on device"):
            hours(store, begins_ms, insight, FailingDisk(works_for), settings)
        seen = [told(store), told(store, "limits")]
        assert seen in (kept, list(all_rows)), works_for

        hours(store, begins_ms + 2 * HOUR_MS, insight, Disk(), settings)
        assert [told(store), told(store, "limits")] == kept
        assert [files_of(store), documents(store)] == [files_of(whole), documents(whole)], works_for
        shutil.rmtree(store)
