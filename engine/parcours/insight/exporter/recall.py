"""One person's facts, events and inputs from the files: which are there, and from which record on has the journal to
be asked?
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from parcours.core.fact import Fact
from parcours.insight.exporter.done import facts_folder, inputs_folder
from parcours.insight.exporter.erased import ErasedRows, of_person, read_erased
from parcours.insight.exporter.facts import Exported, fact_of
from parcours.insight.exporter.inputs import ExportedInputs
from parcours.insight.exporter.listing import Listing
from parcours.insight.exporter.reading import reading, rows_of
from parcours.insight.exporter.tables import TABLES
from parcours.insight.exporter.without import Without
from parcours.journey.model.insight import KeptTable


def recall_exported(store: Path, person: str) -> Exported:
    """The person's exported facts, from the files below a store's folder; none where nothing is exported.

    Raises StoreBroken.
    """
    return recall_facts(facts_folder(store), person, of_person(read_erased(store), person))


def recall_facts(facts: Path, person: str, erased: Sequence[ErasedRows] = ()) -> Exported:
    """The same from the folder of facts, but for rows from before she was erased. Raises StoreBroken."""
    return reading(facts, lambda listing: _recall(facts, listing, person, Without(erased)))


def _recall(facts: Path, listing: Listing, person: str, without: Without) -> Exported:
    found: list[tuple[tuple[int, int, int], Fact]] = []
    for table in TABLES:
        if table == "events":
            continue
        rows = without.left(rows_of(facts, listing, table, person))
        time = rows.schema.get_field_index("time")
        for row in rows.set_column(time, "time", rows["time"].cast(pa.int64())).to_pylist():
            # A store that is shared out anew numbers its records behind all that there were, whatever the shard is.
            found.append(((row["record"], row["shard"], row["n"]), fact_of(table, row)))
    found.sort(key=lambda pair: pair[0])
    return Exported([fact for _, fact in found], dict(listing.through))


def recall_inputs(store: Path, person: str, through: Mapping[int, int]) -> ExportedInputs:
    """The person's exported events and inputs, from the files below a store's folder. Raises StoreBroken.

    through  by shard, up to which record: what has been exported since is asked of the journal
    """
    facts, inputs = facts_folder(store), inputs_folder(store)
    without = Without(of_person(read_erased(store), person))
    events = reading(facts, lambda listing: _rows(facts, listing, "events", person, through, without))
    lines = reading(inputs, lambda listing: _rows(inputs, listing, "lines", person, through, without))
    return ExportedInputs(events, [(row["time"], row["line"]) for row in lines])


def _rows(
    folder: Path, listing: Listing, table: KeptTable, person: str, through: Mapping[int, int], without: Without
) -> list[dict[str, Any]]:
    rows = without.left(rows_of(folder, listing, table, person))
    time = rows.schema.get_field_index("time")
    told = rows.set_column(time, "time", rows["time"].cast(pa.int64())).to_pylist()
    known = [row for row in told if row["record"] <= through.get(row["shard"], 0)]
    return sorted(known, key=lambda row: (row["record"], row["shard"], row["n"]))
