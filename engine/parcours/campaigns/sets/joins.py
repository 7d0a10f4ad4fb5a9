"""Unions, intersections and differences of sets: which rows are equal, which of them stays, and with what columns?

equal     rows of one person, or with the same values of all that is named; a value that is missing or an empty text
          is equal to none. Of which kind a value has to be is decided by all sets together
stays     of a union, the row of the set that is named first, and of equal rows there the first in the set's order:
          by person, a person has one row afterwards. An intersection or difference leaves all rows of its first
          set that equal one elsewhere, or none
columns   those of all sets. A row lacks what its set does not have, and what is missing; it is then that of the
          first equal row of the next set that has it there, and none of another row of its own set
row key   by person, that of the row that stays. A union by values may have the same row of a person twice, from two
          sets: there the key is the place of the set, from 0001, a blank, and the key in it
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import duckdb
import pyarrow.parquet as pq

from parcours.campaigns.sets.compared import compared_column
from parcours.campaigns.sets.converted import converted, missing
from parcours.campaigns.sets.database import Database, identifier, one_row
from parcours.campaigns.sets.engine import DOUBLE, MAIN, OF_EVERY_SET, REST, Counts, Criterion
from parcours.campaigns.sets.given import beside
from parcours.campaigns.sets.set_file import SetFile, number_of, written
from parcours.campaigns.sets.united import united_names, united_type
from parcours.errors import SetsRefused


class Joined:
    """Several sets in one database.

    The table `asked` has the place of its set (from 0) and the number of each row, and what it is compared by.
    """

    def __init__(self, database: Database, sources: Sequence[Path], by: Sequence[Sequence[Criterion]]) -> None:
        assert len(by) == len(sources) and len({len(each) for each in by}) == 1, "each set is asked for the same"
        self._database = database
        self._sets = [SetFile(database, source) for source in sources]
        self._kinds = [{field.name: field.type for field in pq.read_schema(source)} for source in sources]
        self.rows = [each.rows for each in self._sets]
        self.noted: dict[str, int] = {}
        self._load(by)
        self._by_person = all(each == "person" for each in by[0])
        self._key, self._filled = self._compared(by[0])
        self._columns = united_names(name for each in self._sets for name in each.columns)
        self._types = {
            name: united_type(name, [each[name] for each in self._kinds if name in each]) for name in self._columns
        }

    def _load(self, by: Sequence[Sequence[Criterion]]) -> None:
        for place, (one, criteria) in enumerate(zip(self._sets, by, strict=True)):
            keys = {name: one.column_of("s", name) for name in OF_EVERY_SET}
            columns, joins = beside([each for each in criteria if each != "person"], keys)
            given = iter(columns)
            told = [keys["person"] if each == "person" else next(given) for each in criteria]
            named = ", ".join(f"{column} AS c{number}" for number, column in enumerate(told))
            query = f"SELECT {place} AS place, {number_of('s')} AS number, {named} FROM {one.rows_as('s')}{joins}"
            self._database.execute(f"{'INSERT INTO asked' if place else 'CREATE TABLE asked AS'} {query}")
        (told_rows,) = one_row(self._database, "SELECT count(*) FROM asked")
        assert told_rows == sum(self.rows), "a value is given once for each row"

    def _compared(self, criteria: Sequence[Criterion]) -> tuple[list[str], str]:
        """The columns by which rows are compared, and when a row has all of them."""
        key, filled = list[str](), list[str]()
        for number, criterion in enumerate(criteria):
            if criterion == "person":
                key.append(f"c{number}")
                continue
            found = compared_column(self._database, "asked", f"c{number}", is_value=True)
            key += found.fields
            filled.append(found.is_filled)
            if found.others:
                self.noted[criterion.column] = self.noted.get(criterion.column, 0) + found.others
        return key, " AND ".join(filled) or "true"

    def unite(self) -> None:
        """Make the table `united` with the number that each row has in each set: n0 to the last, null for none."""
        whole = [f"CASE WHEN {self._filled} THEN NULL ELSE {each} END" for each in ("place", "number")]
        alone = [] if self._filled == "true" else whole
        self._database.execute(
            f"CREATE TABLE united AS SELECT {self._firsts(range(len(self._sets)))} FROM asked"
            f" GROUP BY {', '.join((*self._key, *alone))}"
        )

    def match(self) -> None:
        """Make the table `united` of those rows of the first set that equal one of every other set."""
        others = range(1, len(self._sets))
        found = ", ".join(f"n{place}" for place in others)
        found_all = " AND ".join(f"n{place} IS NOT NULL" for place in others)
        elsewhere = f"SELECT {self._named_key()}, {self._firsts(others)} FROM asked WHERE place > 0 AND {self._filled}"
        self._database.execute(
            f"CREATE TABLE united AS SELECT n0, {found} FROM ({self._first_rows()})"
            f" JOIN ({elsewhere} GROUP BY {', '.join(self._key)}) USING ({self._key_names()}) WHERE {found_all}"
        )

    def match_any(self) -> None:
        """Make the table `united` of those rows of the first set that equal one of any other set."""
        elsewhere = f"SELECT {self._named_key()} FROM asked WHERE place > 0 AND {self._filled}"
        self._database.execute(
            f"CREATE TABLE united AS SELECT n0 FROM ({self._first_rows()}) SEMI JOIN ({elsewhere})"
            f" USING ({self._key_names()})"
        )

    def _first_rows(self) -> str:
        return f"SELECT number AS n0, {self._named_key()} FROM asked WHERE place = 0 AND {self._filled}"

    def _named_key(self) -> str:
        return ", ".join(f"{each} AS k{number}" for number, each in enumerate(self._key))

    def _key_names(self) -> str:
        return ", ".join(f"k{number}" for number in range(len(self._key)))

    def _firsts(self, places: Sequence[int]) -> str:
        return ", ".join(f"min(number) FILTER (place = {place}) AS n{place}" for place in places)

    def write_union(self, folder: Path) -> int:
        """Write the rows of `united` as `main`, in a new order; return how many they are."""
        if self._by_person:
            return self._write_united(folder, self._first_of("row_key"), "person, row_key")
        cases = "".join(f" WHEN n{place} IS NOT NULL THEN '{place + 1:04} '" for place in range(len(self._sets)))
        return self._write_united(folder, f"(CASE{cases} END || {self._first_of('row_key')})", "person, row_key")

    def write_intersection(self, folder: Path) -> int:
        """Write the rows of `united` as `main`, in the order of the first set; return how many they are."""
        return self._write_united(folder, self._first_of("row_key"), "n0")

    def _write_united(self, folder: Path, row_key: str, order: str) -> int:
        joins = "".join(
            f" LEFT JOIN {one.rows_as(f's{place}')} ON {number_of(f's{place}')} = united.n{place}"
            for place, one in enumerate(self._sets)
        )
        columns = [f"{self._first_of('person')} AS person", f"{row_key} AS row_key"]
        columns += [f"{self._first_of(name)} AS {identifier(name)}" for name in self._columns]
        return self._written(folder, MAIN, columns, f"united{joins} ORDER BY {order}")

    def write_unmatched(self, folder: Path) -> int:
        """Write the rows of the first set that are not in `united` as `rest`, with the columns of all sets."""
        first, *_ = self._sets
        columns = [f"{first.column_of('s', name)} AS {name}" for name in OF_EVERY_SET]
        for name, kind in self._types.items():
            column = self._converted(0, "s", name) if name in first.columns else missing(kind)
            columns.append(f"{column} AS {identifier(name)}")
        return self._written(folder, REST, columns, self._of_first("NOT IN"))

    def write_first(self, folder: Path, output: str, which: Literal["IN", "NOT IN"]) -> int:
        """Write the rows of the first set that are in `united`, or are not, as they are."""
        return self._written(folder, output, self._sets[0].all_of("s"), self._of_first(which))

    def _of_first(self, which: Literal["IN", "NOT IN"]) -> str:
        number = number_of("s")
        return f"{self._sets[0].rows_as('s')} WHERE {number} {which} (SELECT n0 FROM united) ORDER BY {number}"

    def _first_of(self, name: str) -> str:
        """The column of the first row that has it."""
        having = [
            self._converted(place, f"s{place}", name)
            for place, one in enumerate(self._sets)
            if name in (*OF_EVERY_SET, *one.columns)
        ]
        return f"coalesce({', '.join(having)})"

    def _converted(self, place: int, alias: str, name: str) -> str:
        column, kind = self._sets[place].column_of(alias, name), self._kinds[place][name]
        return converted(name, column, kind, self._types.get(name, kind))

    def _written(self, folder: Path, output: str, columns: Sequence[str], rows: str) -> int:
        try:
            return written(self._database, folder, output, columns, rows)
        except duckdb.InvalidInputException as error:
            raise SetsRefused(str(error).removeprefix("Invalid Input Error: ")) from error


def united(database: Database, sources: Sequence[Path], by: Sequence[Sequence[Criterion]], folder: Path) -> Counts:
    """Write each row of the sets once. Raises SetsRefused."""
    joined = Joined(database, sources, by)
    joined.unite()
    rows = joined.write_union(folder)
    inflow = sum(joined.rows)
    return Counts(inflow, {MAIN: rows}, {DOUBLE: inflow - rows}, joined.noted)


def intersected(database: Database, sources: Sequence[Path], by: Sequence[Sequence[Criterion]], folder: Path) -> Counts:
    """Write the rows of the first set that are in all others as well, and its rest. Raises SetsRefused."""
    joined = Joined(database, sources, by)
    joined.match()
    outputs = {MAIN: joined.write_intersection(folder), REST: joined.write_unmatched(folder)}
    return Counts(joined.rows[0], outputs, noted=joined.noted)


def excluded(database: Database, sources: Sequence[Path], by: Sequence[Sequence[Criterion]], folder: Path) -> Counts:
    """Write the rows of the first set that are in none of the others, and its rest."""
    joined = Joined(database, sources, by)
    joined.match_any()
    outputs = {MAIN: joined.write_first(folder, MAIN, "NOT IN"), REST: joined.write_first(folder, REST, "IN")}
    return Counts(joined.rows[0], outputs, noted=joined.noted)
