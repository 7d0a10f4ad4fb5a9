"""A person's facts, events and inputs from the files, under each of her names: which are there, and from which record
on has the journal to be asked?
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from parcours.core.fact import Fact
from parcours.insight.exporter.done import facts_folder, inputs_folder
from parcours.insight.exporter.erased import ErasedRows, of_people, read_erased
from parcours.insight.exporter.facts import Exported, fact_of
from parcours.insight.exporter.inputs import ExportedInputs
from parcours.insight.exporter.listing import Listing
from parcours.insight.exporter.reading import reading, rows_of
from parcours.insight.exporter.tables import NO_FACTS, TABLES
from parcours.insight.exporter.without import Without
from parcours.journey.model.insight import KeptTable


def recall_exported(store: Path, *people: str) -> Exported:
    """The exported facts of these people, from the files below a store's folder; none where nothing is exported.

    Raises StoreBroken.
    """
    return recall_facts(facts_folder(store), people, of_people(read_erased(store), people))


def recall_facts(facts: Path, people: Sequence[str], erased: Sequence[ErasedRows] = ()) -> Exported:
    """The same from the folder of facts, but for rows from before one was erased. Raises StoreBroken."""
    return reading(facts, lambda listing: _recall(facts, listing, people, Without(erased)))


def _recall(facts: Path, listing: Listing, people: Sequence[str], without: Without) -> Exported:
    found: list[tuple[tuple[int, int, int], Fact]] = []
    for table in TABLES:
        if table in NO_FACTS:
            continue
        rows = without.left(rows_of(facts, listing, table, people))
        time = rows.schema.get_field_index("time")
        for row in rows.set_column(time, "time", rows["time"].cast(pa.int64())).to_pylist():
            # A store that is shared out anew numbers its records behind all that there were, whatever the shard is.
            found.append(((row["record"], row["shard"], row["n"]), fact_of(table, row)))
    found.sort(key=lambda pair: pair[0])
    return Exported([fact for _, fact in found], dict(listing.through))


def recall_inputs(store: Path, through: Mapping[int, int], *people: str) -> ExportedInputs:
    """The exported events and inputs of these people, from the files below a store's folder. Raises StoreBroken.

    through  by shard, up to which record: what has been exported since is asked of the journal
    """
    facts, inputs = facts_folder(store), inputs_folder(store)
    without = Without(of_people(read_erased(store), people))
    events = reading(facts, lambda listing: _rows(facts, listing, "events", people, through, without))
    lines = reading(inputs, lambda listing: _rows(inputs, listing, "lines", people, through, without))
    return ExportedInputs(events, [(row["time"], row["line"]) for row in lines])


def _rows(
    folder: Path,
    listing: Listing,
    table: KeptTable,
    people: Sequence[str],
    through: Mapping[int, int],
    without: Without,
) -> list[dict[str, Any]]:
    rows = without.left(rows_of(folder, listing, table, people))
    time = rows.schema.get_field_index("time")
    told = rows.set_column(time, "time", rows["time"].cast(pa.int64())).to_pylist()
    known = [row for row in told if row["record"] <= through.get(row["shard"], 0)]
    return sorted(known, key=lambda row: (row["record"], row["shard"], row["n"]))
