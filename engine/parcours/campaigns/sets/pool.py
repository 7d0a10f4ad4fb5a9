"""One set in DuckDB with what an operator asks of it, and the way back to files.

The table `pool` has the number of each row and a column for each value that was asked for. Operators write queries for
the numbers of rows that they choose, and a set is written by finding these in its file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from parcours.campaigns.sets.database import Database, Workspace, opened_database
from parcours.campaigns.sets.drawn_lots import draw_lots
from parcours.campaigns.sets.engine import Asked, AtRandom, OrderKey
from parcours.campaigns.sets.given import Given
from parcours.campaigns.sets.orders import order_by
from parcours.campaigns.sets.set_file import SetFile, number_of, written


class Pool:
    """Of one operator on one set; `person` is among its columns where `with_person` is asked for."""

    def __init__(self, database: Database, source: Path, asked: Iterable[Asked], *, with_person: bool) -> None:
        self.database = database
        self._file = SetFile(database, source)
        self.rows = self._file.rows
        self.given = Given(database, "pool", [*asked])
        for each in dict.fromkeys(asked):
            if isinstance(each, AtRandom):
                draw_lots(database, source, each.seed)
        number = number_of("s")
        keys = {name: self._file.column_of("s", name) for name in ("person", "row_key")} | {"number": number}
        kept = f"{number} AS number" + (f", {keys['person']} AS person" if with_person else "")
        told = self.given.fill(kept, self._file.rows_as("s"), keys)
        assert told == self.rows, "a value is given once for each row"

    def order(self, keys: Sequence[OrderKey]) -> str:
        """What stands behind ORDER BY; rows that are equal in all of it are in the order of the set."""
        return order_by(keys, self.given, "number")

    def write(self, folder: Path, output: str, chosen: str) -> int:
        """Write the rows whose numbers a query gives, and return how many they are."""
        rows = f"{self._file.rows_as('s')} WHERE {number_of('s')} IN ({chosen}) ORDER BY {number_of('s')}"
        return written(self.database, folder, output, self._file.all_of("s"), rows)

    def write_pairs(self, folder: Path, name: str, pairs: str) -> int:
        """Write whom the rows whose numbers a query gives first gave way to, those that it gives second."""
        one, other = "a", "b"
        whose, key = (self._file.column_of(one, column) for column in ("person", "row_key"))
        columns = [f"{whose} AS person", f"{key} AS row_key", f"{self._file.column_of(other, 'person')} AS winner"]
        rows = (
            f"({pairs}) AS pairs(number, other) JOIN {self._file.rows_as(one)} ON {number_of(one)} = pairs.number"
            f" JOIN {self._file.rows_as(other)} ON {number_of(other)} = pairs.other ORDER BY pairs.number"
        )
        return written(self.database, folder, name, columns, rows)


@contextmanager
def opened_pool(
    source: Path, workspace: Workspace, asked: Iterable[Asked], *, with_person: bool = False
) -> Iterator[Pool]:
    """The set, until the block ends."""
    with opened_database(workspace) as database:
        yield Pool(database, source, [*asked], with_person=with_person)
