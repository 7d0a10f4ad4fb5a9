"""The inputs of a store as its exported files have them, one by one, and what is missing of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from parcours.errors import StoreBroken
from parcours.insight.exporter.done import facts_folder, inputs_folder
from parcours.insight.exporter.erased import read_erased
from parcours.insight.exporter.inputs import ExportedLines, KeptLine
from parcours.insight.exporter.listing import Listing, read_listing
from parcours.insight.exporter.without import Without

ROWS_AT_ONCE = 10_000
"""Lines in memory at once."""

COLUMNS = ["time", "record", "shard", "n", "line", "person"]


def exported_lines(store: Path) -> ExportedLines:
    """The inputs of all shards, without those of people who were erased. Nobody may change files meanwhile.

    Raises StoreBroken. A range is done once its facts are: its inputs alone may come again.
    """
    without = Without(read_erased(store))
    through = read_listing(facts_folder(store)).through
    listing = read_listing(inputs_folder(store))
    cut_ms = listing.cut_before_ms().get("lines", 0)
    return ExportedLines(_lines(inputs_folder(store), listing, through, without), through, cut_ms)


def _lines(folder: Path, listing: Listing, through: Mapping[int, int], without: Without) -> Iterator[KeptLine]:
    for document, named in listing.files():
        if document.last > through.get(document.shard, 0):
            continue
        path = folder / named.name
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(ROWS_AT_ONCE, columns=COLUMNS):
                    rows = without.left(pa.Table.from_batches([batch])).select(COLUMNS)
                    columns = rows.set_column(0, "time", rows["time"].cast(pa.int64())).columns
                    yield from map(KeptLine, *(column.to_pylist() for column in columns))
        except (OSError, pa.ArrowException) as error:
            raise StoreBroken(f"{path}: inputs of the done list cannot be read: {error}") from error
