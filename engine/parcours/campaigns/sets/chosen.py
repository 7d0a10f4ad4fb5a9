"""Those of a set of whom it turned out later that they are in an output: they are told by name, in any order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from parcours.campaigns.sets.database import Workspace, copy_rows, one_row, opened_database, rows_in
from parcours.campaigns.sets.handed import handed_rows

NAMES: Final = pa.schema([("person", pa.string())])

BATCH_ROWS: Final = 50_000
"""Names that lie in memory at once, on their way into the database."""


def choose_people(
    source: Path, people: Iterable[str], exited: Iterable[str], chosen: Path, rest: Path | None, workspace: Workspace
) -> tuple[int, int, int]:
    """Write the rows of a set whose people are in `people`, those of the others to `rest`, and none of `exited`.

    Returns how many were chosen, how many are the rest, and how many have left; without a file for the rest they have
    left as well. Raises StoreBroken, OSError, and what the iterators raise.
    """
    with opened_database(workspace) as database:
        for name, names in (("exited", exited), ("wanted", people)):
            with handed_rows(NAMES, _batches(names)) as reader:
                database.register("told", reader)
                database.execute(f"CREATE TABLE {name} AS SELECT DISTINCT person FROM told")
                database.unregister("told")
        staying = f"SELECT * FROM {rows_in(source)} AS taken ANTI JOIN exited USING (person)"
        order = "ORDER BY person, row_key"
        (inflow,) = one_row(database, f"SELECT count(*) FROM {rows_in(source)}")
        found = copy_rows(database, f"{staying} SEMI JOIN wanted USING (person) {order}", chosen)
        others = 0
        if rest is not None:
            others = copy_rows(database, f"{staying} ANTI JOIN wanted USING (person) {order}", rest)
    return found, others, inflow - found - others


def _batches(names: Iterable[str]) -> Iterator[Any]:
    left = iter(names)
    while batch := list(islice(left, BATCH_ROWS)):
        yield pa.record_batch([pa.array(batch, pa.string())], schema=NAMES)
