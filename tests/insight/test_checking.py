"""Does a check find what is wrong with exported files, and say what to do about it?"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from parcours.config import DAY_MS, HOUR_MS, Settings
from parcours.core.fact import Moved
from parcours.core.fact_block import encode_facts
from parcours.core.input_block import KeptInputs, encode_inputs
from parcours.insight.exporter import checking
from parcours.insight.exporter.checking import ExportsFound, Standing, check_exports, check_inputs, exported_shards
from parcours.insight.exporter.done import inputs_folder
from parcours.insight.exporter.opening import open_upkeep
from parcours.insight.exporter.range_files import ParquetRange
from parcours.insight.exporter.rows import Telling
from parcours.insight.exporter.tables import INPUT_TABLES
from parcours.insight.exporter.upkeep import Upkeep
from parcours.journey.model.insight import InsightDocument
from parcours.shard.export_state import ExportEntry
from parcours.shard.messages import ExportRange, ExportRecord, ExportSlice

DAY = 20_000
FIRST, SECOND, THIRD = (f"0-{first:012}-{first + 9:012}" for first in (1, 11, 21))
MOVES = "facts/moves/day=2024-10-04"


def export(store: Path, first: int, *, shard: int = 0, day: int = DAY) -> None:
    """Export the range of ten records that begins with this one."""
    files = ParquetRange(store, Telling(shard, frozenset()), ExportRange(first, first + 9))
    facts = encode_facts([Moved(day * DAY_MS, "sarah", "cart", 1, first, "wait", "reached")] * 5)
    files.add(ExportSlice([ExportRecord(first, day * DAY_MS, facts), ExportRecord(first + 9, day * DAY_MS, facts)]))
    files.finish()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    for first in (1, 11, 21):
        export(tmp_path, first)
    return tmp_path


def check(store: Path, exported: int = 30, *, entry: ExportEntry | None = None, tells: bool = False) -> ExportsFound:
    return check_exports(store, 0, Standing(entry or ExportEntry(exported), lambda first, last: tells))


def test_what_is_as_it_was_written_is_in_order(store: Path) -> None:
    found = check(store)

    assert (found.files, found.through, found.wrong, found.remarks) == (3, 30, [], [])
    assert found.size_bytes == sum(path.stat().st_size for path in store.glob("facts/moves/*/*"))


def test_nothing_exported_is_in_order(tmp_path: Path) -> None:
    assert check(tmp_path, 0) == ExportsFound()


def test_days_that_were_compacted_and_cut_are_in_order(store: Path) -> None:
    export(store, 31, day=DAY + 2)
    upkeep, insight = open_upkeep(store, Settings()), InsightDocument.model_validate({"facts_for": "5d"})
    now_ms = (DAY + 4) * DAY_MS
    for later in (0, 2 * HOUR_MS, 3 * DAY_MS, 4 * DAY_MS):
        while upkeep.step(insight, now_ms + later):
            assert check(store, 40).wrong == []
        assert check(store, 40).wrong == []


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def scramble(path: Path) -> None:
    """Other bytes, in the same number."""
    path.write_bytes(b"PAR1" + bytes(path.stat().st_size - 4))


def exchange(path: Path) -> None:
    """The file of the range before, of the same size."""
    shutil.copy(path.with_name(f"{FIRST}.parquet"), path)


@pytest.mark.parametrize(
    "harm, words",
    [
        (Path.unlink, f"is named by {SECOND}.json, and cannot be read (No such file or directory)"),
        (truncate, f"bytes, and * as {SECOND}.json says"),
        (scramble, "cannot be read ("),
        (exchange, f"has records 1 to 10, which are not those of {SECOND}.json"),
    ],
)
def test_a_file_that_is_not_as_it_was_written_is_named(store: Path, harm: Callable[[Path], None], words: str) -> None:
    path = store / MOVES / f"{SECOND}.parquet"

    harm(path)

    (wrong,) = check(store).wrong
    assert wrong.startswith(f"{path} ") and wrong.endswith(": put it back from a backup")
    assert all(part in wrong for part in words.split("*"))


def test_a_file_with_other_rows_than_is_said_is_named(store: Path) -> None:
    document = store / f"facts/_done/{SECOND}.json"
    document.write_text(document.read_text().replace('"rows":10', '"rows":11'))

    (wrong,) = check(store).wrong

    assert f"{SECOND}.parquet has 10 rows, and 11 as {SECOND}.json says: put it back" in wrong


def test_without_arrow_files_are_there_or_not(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "ARROW", "a_library_that_there_is_not")
    scramble(store / MOVES / f"{FIRST}.parquet")
    truncate(store / MOVES / f"{SECOND}.parquet")
    (store / MOVES / f"{THIRD}.parquet").unlink()

    first, second = check(store).wrong

    assert SECOND in first and "bytes" in first
    assert THIRD in second and "cannot be read" in second


def test_a_file_of_another_table_is_found_out(store: Path) -> None:
    document = store / f"facts/_done/{FIRST}.json"
    document.write_text(document.read_text().replace('"table":"moves"', '"table":"changes"'))
    path = store / MOVES / f"{FIRST}.parquet"

    assert check(store).wrong == []  # it has all columns that every table has, and none of another kind

    table = pq.read_table(path)
    pq.write_table(table.drop_columns(["person"]), path)
    size = path.stat().st_size
    document.write_text(document.read_text().replace('"bytes":', f'"bytes":{size},"was":', 1))
    assert check(store).wrong == [
        f"{path} is no file of the table changes: it lacks the column person: put it back from a backup"
    ]


def test_a_document_that_cannot_be_read_is_told_and_the_rest_is_looked_at(store: Path) -> None:
    (store / f"facts/_done/{SECOND}.json").write_text("{")
    truncate(store / MOVES / f"{THIRD}.parquet")

    wrong = check(store).wrong

    assert wrong[0].startswith(f"{store / 'facts/_done'}/{SECOND}.json cannot be read: ")
    assert "put it back from a backup, for nobody can read what is exported until then" in wrong[0]
    assert any(THIRD in sentence for sentence in wrong)


def test_a_document_under_another_name_is_told(store: Path) -> None:
    (store / f"facts/_done/{THIRD}.json").rename(store / f"facts/_done/{THIRD[:-1]}9.json")

    wrong = check(store, 20).wrong

    assert f"holds the document {THIRD}: give it its name back" in wrong[0]


def test_ranges_that_overlap_are_told(store: Path) -> None:
    export(store, 16)

    wrong = check(store).wrong

    assert len(wrong) == 2
    assert f"{SECOND}.json and 0-000000000016-000000000025.json both have records 16 to 20" in wrong[0]
    assert "delete the document that is none of this store's" in wrong[0]


def test_a_document_that_is_missing_is_found_by_the_files_that_it_left(store: Path) -> None:
    (store / f"facts/_done/{SECOND}.json").unlink()

    assert check(store).wrong == [
        "records 11 to 20 are in no document, though there are files of theirs: put it back from a backup, the document"
    ]


def test_a_document_that_is_missing_is_found_by_what_the_journal_tells(store: Path) -> None:
    (store / f"facts/_done/{SECOND}.json").unlink()
    (store / MOVES / f"{SECOND}.parquet").unlink()

    assert check(store, tells=True).wrong == [
        "records 11 to 20 are in no document, though they tell something: put it back from a backup, and their files"
    ]
    assert (check(store).wrong, check(store).remarks) == (
        [],
        ["records 11 to 20 are in no document: nothing was told, or it was kept for long enough"],
    )


def test_the_export_ends_where_the_shard_says(store: Path) -> None:
    (behind,) = check(store, 40).wrong
    (ahead,) = check(store, 20).wrong

    assert "the shard has exported all through record 40, and the documents end at 30: put back" in behind
    assert "the documents go on to record 30, and the shard has exported all through 20" in ahead
    assert check(store, entry=ExportEntry(20, ExportRange(21, 30))).wrong == []  # it was about to be told


def test_a_store_that_was_shared_out_anew_counts_on_from_where_the_others_were(store: Path) -> None:
    assert check(store, entry=ExportEntry(0, None, 35)).wrong == []

    export(store, 36)

    assert check(store, entry=ExportEntry(10, None, 35), tells=True) == ExportsFound(
        4, sum(path.stat().st_size for path in store.glob("facts/moves/*/*")), 45
    )


def test_what_no_document_names_is_no_fault(store: Path) -> None:
    (store / MOVES / "0-000000000031-000000000040.parquet").write_bytes(b"left by a crash")
    (store / f"{MOVES}/{FIRST}.parquet.12ab.unfinished").write_bytes(b"")
    (store / f"{MOVES}/1-000000000001-000000000002.parquet").write_bytes(b"another shard's")

    found = check(store)

    assert found.wrong == []
    assert found.remarks == [
        "2 files are named by no document and count nowhere: the exporter sweeps up what a crash left"
    ]


def test_shards_that_a_store_had_before_are_found(store: Path) -> None:
    export(store, 1, shard=6)

    assert exported_shards(store) == {0, 6}
    assert check_exports(store, 6, None).wrong == []


LINES = "inputs/lines/day=2024-10-04"


def keep(store: Path, first: int) -> None:
    """Export the inputs of the range of ten records that begins with this one."""
    files = ParquetRange(store, Telling(0, frozenset()), ExportRange(first, first + 9))
    kept = KeptInputs([b'{"type":"track","event":"Seen","userId":"sarah"}'] * 5, others=[*range(5)], whole=True)
    files.add(ExportSlice([ExportRecord(first, DAY * DAY_MS, b"", encode_inputs(kept))]))
    files.finish()


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """A store with inputs in the first range and the third."""
    for first in (1, 21):
        keep(tmp_path, first)
    return tmp_path


def check_kept(store: Path, exported: int = 40, *, entry: ExportEntry | None = None) -> ExportsFound:
    return check_inputs(store, 0, Standing(entry or ExportEntry(exported), lambda first, last: True))


def test_ranges_without_inputs_have_no_document_there(inputs: Path) -> None:
    found = check_kept(inputs)

    assert (found.files, found.through, found.wrong, found.remarks) == (2, 30, [], [])
    assert found.size_bytes == sum(path.stat().st_size for path in inputs.glob("inputs/lines/*/*"))
    assert check_exports(inputs, 0, None).files == 0
    assert exported_shards(inputs) == {0}


@pytest.mark.parametrize("harm, words", [(Path.unlink, "cannot be read"), (truncate, "bytes, and"), (scramble, "read")])
def test_a_file_of_inputs_that_is_not_as_it_was_written_is_named(
    inputs: Path, harm: Callable[[Path], None], words: str
) -> None:
    path = inputs / LINES / f"{THIRD}.parquet"

    harm(path)

    (wrong,) = check_kept(inputs).wrong
    assert wrong.startswith(f"{path} ") and words in wrong and wrong.endswith(": put it back from a backup")


def test_ranges_of_inputs_that_overlap_are_told(inputs: Path) -> None:
    keep(inputs, 16)

    (wrong,) = check_kept(inputs).wrong

    assert f"0-000000000016-000000000025.json and {THIRD}.json both have records 21 to 25" in wrong


@pytest.mark.parametrize("lost", [FIRST, THIRD])
def test_a_document_of_inputs_that_is_missing_is_found_by_the_files_that_it_left(inputs: Path, lost: str) -> None:
    (inputs / f"inputs/_done/{lost}.json").unlink()

    (wrong,) = check_kept(inputs).wrong

    assert wrong.endswith(" in no document, though there are files of theirs: put it back from a backup, the document")
    assert wrong.startswith("records 1 to 10 are" if lost == FIRST else "records 21 to 30 are")


def test_inputs_of_a_range_that_was_under_way_are_no_fault(inputs: Path) -> None:
    under_way = ExportEntry(20, ExportRange(21, 30))

    assert check_kept(inputs, entry=under_way).wrong == []

    (inputs / f"inputs/_done/{THIRD}.json").unlink()
    assert check_kept(inputs, entry=under_way).wrong == []


def test_inputs_that_the_shard_knows_nothing_of_are_told(inputs: Path) -> None:
    (wrong,) = check_kept(inputs, 20).wrong

    assert "the documents go on to record 30, and the shard has exported all through 20" in wrong


def test_inputs_of_days_that_were_compacted_and_cut_are_in_order(inputs: Path) -> None:
    keep(inputs, 31)
    insight = InsightDocument.model_validate({"inputs": True, "facts_for": "5d"})
    upkeep, now_ms = Upkeep(inputs, Settings(), of=inputs_folder, tables=INPUT_TABLES), (DAY + 4) * DAY_MS
    for later in (0, 2 * HOUR_MS, 3 * DAY_MS, 4 * DAY_MS):
        while upkeep.step(insight, now_ms + later):
            assert check_kept(inputs).wrong == []
        assert check_kept(inputs).wrong == []
    assert check_kept(inputs).files == 0
