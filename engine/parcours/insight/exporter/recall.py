"""One person's facts from the files: which are there, and from which record on has the journal to be asked?"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.dataset as ds

from parcours.core.fact import Fact
from parcours.errors import StoreBroken
from parcours.insight.exporter.done import exported_through, facts_folder, read_done
from parcours.insight.exporter.facts import Exported, fact_of
from parcours.insight.exporter.schemas import SCHEMAS
from parcours.insight.exporter.tables import TABLES
from parcours.journey.model.insight import FactTable

ATTEMPTS: Final = 3
"""How often the done list is read again where a file has gone since: once is enough, unless the machine slept."""


def recall_exported(store: Path, person: str) -> Exported:
    """The person's exported facts, from the files below a store's folder; none where nothing is exported.

    Raises StoreBroken.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return _recall(facts_folder(store), person)
        except FileNotFoundError:
            continue
    return _recall(facts_folder(store), person)


def _recall(facts: Path, person: str) -> Exported:
    dones = read_done(facts)
    found: list[tuple[tuple[int, int, int], Fact]] = []
    for table in TABLES:
        if table == "events":
            continue
        paths = [facts / each.name for done in dones for each in done.files if each.table == table]
        for row in _rows_of(table, paths, person):
            # A store that is shared out anew numbers its records behind all that there were, whatever the shard is.
            found.append(((row["record"], row["shard"], row["n"]), fact_of(table, row)))
    found.sort(key=lambda pair: pair[0])
    return Exported([fact for _, fact in found], exported_through(dones))


def _rows_of(table: FactTable, paths: Iterable[Path], person: str) -> Iterable[dict[str, Any]]:
    names = [str(path) for path in paths]
    if not names:
        return
    try:
        files = ds.dataset(names, schema=SCHEMAS[table], format="parquet")
        rows = files.to_table(filter=ds.field("person") == person, use_threads=False)
    except pa.ArrowException as error:
        raise StoreBroken(f"the table {table} of {Path(names[0]).parents[2]} cannot be read: {error}") from error
    time = rows.schema.get_field_index("time")
    yield from rows.set_column(time, "time", rows["time"].cast(pa.int64())).to_pylist()
