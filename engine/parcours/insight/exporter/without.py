"""Rows of exported tables without those of people who were erased.

Their names are not known here, but hashes: the names in the rows are tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from parcours.insight.exporter.erased import ErasedRows
from parcours.insight.exporter.tables import LOOKED_AT
from parcours.shard.erasures import AUDIT, person_hash

COLUMNS: Final = ("person", "shard", "record")
"""By which it is told whose rows they are, and whether they count, with the time, which comes first in a table."""


class Without:
    """Takes the rows of the erased out of tables."""

    def __init__(self, erased: Sequence[ErasedRows]) -> None:
        self._erased = erased

    def finds_any(self, rows: pa.Table) -> bool:
        """Whether there are rows of theirs."""
        return any(pc.any(mask).as_py() for mask, _ in self._masks(rows))

    def renamed(self, rows: pa.Table) -> pa.Table:
        """All rows, with hashes for the names."""
        for mask, each in [*self._masks(rows)]:
            place = rows.schema.get_field_index("person")
            hashed = pa.scalar(f"{AUDIT}{each.person}", pa.string())
            rows = rows.set_column(place, rows.schema.field(place), pc.if_else(mask, hashed, rows["person"]))
        return rows

    def left(self, rows: pa.Table) -> pa.Table:
        """The rows of everybody else."""
        gone = None
        for mask, _ in self._masks(rows):
            gone = mask if gone is None else pc.or_(gone, mask)
        return rows if gone is None else rows.filter(pc.invert(gone))

    def __call__(self, table: str, rows: pa.Table) -> pa.Table:
        """What stays of a table's rows in the files."""
        return self.renamed(rows) if table == LOOKED_AT else self.left(rows)

    def _masks(self, rows: pa.Table) -> Iterator[tuple[Any, ErasedRows]]:
        if not self._erased:
            return
        people = [each for each in pc.unique(rows["person"]).to_pylist() if each]
        for salt in sorted({each.salt for each in self._erased}):
            hashes = {person_hash(bytes.fromhex(salt), each).hex(): each for each in people}
            for each in self._erased:
                if each.salt == salt and (person := hashes.get(each.person)) is not None:
                    before = pc.if_else(
                        pc.equal(rows["shard"], each.shard),
                        pc.less_equal(rows["record"], each.record),
                        pc.less_equal(rows.column(0).cast(pa.int64()), each.at),
                    )
                    yield pc.and_(pc.equal(rows["person"], person), before), each
