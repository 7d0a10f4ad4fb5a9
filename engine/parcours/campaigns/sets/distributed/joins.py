"""Unions, intersections and differences of sets by Daft; the rules are those of joins.py around this room."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from pathlib import Path

from daft import DataFrame, Expression, col, lit
from daft import functions as of

from parcours.campaigns.sets.distributed.converted import Converted, converted, missing
from parcours.campaigns.sets.distributed.frames import SetFile, first_of, write_set
from parcours.campaigns.sets.distributed.given import beside, compared_values, kinds_of
from parcours.campaigns.sets.distributed.groups import firsts_of_sets
from parcours.campaigns.sets.engine import DOUBLE, MAIN, OF_EVERY_SET, REST, Asked, Counts, Criterion
from parcours.campaigns.sets.united import united_names, united_type
from parcours.errors import SetsRefused


class Joined:
    """Several sets.

    The frame `asked` has the place of its set (from 0), `person` and `row_key` of each row, and what it is compared by:
    k0 and so on. `is_filled` tells whether it has all of that.
    """

    def __init__(self, sources: Sequence[Path], by: Sequence[Sequence[Criterion]], *, durable: bool) -> None:
        assert len(by) == len(sources) and len({len(each) for each in by}) == 1, "each set is asked for the same"
        self._durable = durable
        self._sets = [SetFile(source) for source in sources]
        self.rows = [each.rows for each in self._sets]
        self.noted: dict[str, int] = {}
        self._by_person = all(each == "person" for each in by[0])
        self._load(by)
        self._columns = united_names(name for each in self._sets for name in each.columns)
        self._types = {
            name: united_type(name, [each.types[name] for each in self._sets if name in each.columns])
            for name in self._columns
        }

    def _load(self, by: Sequence[Sequence[Criterion]]) -> None:
        told = [_told(place, one, each) for place, (one, each) in enumerate(zip(self._sets, by, strict=True))]
        valued = [f"c{number}" for number, criterion in enumerate(by[0]) if criterion != "person"]
        asked = reduce(DataFrame.concat, told).collect()
        assert asked.count_rows() == sum(self.rows), "a value is given once for each row"
        kinds = kinds_of(asked, valued)
        fields: list[Expression] = []
        is_filled: Expression = lit(True)
        for number, criterion in enumerate(by[0]):
            if criterion == "person":
                fields.append(col(f"c{number}"))
                continue
            found = compared_values(f"c{number}", kinds[f"c{number}"])
            fields += found.alike
            is_filled = is_filled & found.is_filled
            if found.others:
                self.noted[criterion.column] = self.noted.get(criterion.column, 0) + found.others
        self._key = [f"k{number}" for number in range(len(fields))]
        named = [field.alias(name) for field, name in zip(fields, self._key, strict=True)]
        self._asked = asked.select("place", *OF_EVERY_SET, is_filled.alias("is_filled"), *named)

    def unite(self) -> DataFrame:
        """Equal rows, once each, with the first row in each set; what is filled nowhere equals nothing."""
        nothing: dict[str, int | str] = {"place": -1, "person": "", "row_key": ""}
        alone: dict[str, Expression] = {
            f"alone {name}": of.when(col("is_filled"), lit(no)).otherwise(col(name)) for name, no in nothing.items()
        }
        rows = self._asked.with_columns(alone)
        return firsts_of_sets(rows, [*self._key, *alone], range(len(self._sets)))

    def match(self) -> DataFrame:
        """Those rows of the first set that equal one of every other set."""
        others = range(1, len(self._sets))
        elsewhere = firsts_of_sets(self._elsewhere(), self._key, others)
        for place in others:
            elsewhere = elsewhere.where(col(f"person{place}").not_null())
        return self._first_rows().join(elsewhere, on=[*self._key])

    def match_any(self) -> DataFrame:
        """Those rows of the first set that equal one of any other set."""
        return self._first_rows().join(self._elsewhere(), on=[*self._key], how="semi")

    def _first_rows(self) -> DataFrame:
        named = [col(name).alias(f"{name}0") for name in OF_EVERY_SET]
        return self._asked.where((col("place") == lit(0)) & col("is_filled")).select(*named, *self._key)

    def _elsewhere(self) -> DataFrame:
        return self._asked.where((col("place") > lit(0)) & col("is_filled"))

    def write_union(self, matched: DataFrame, folder: Path) -> int:
        """Write the rows as `main`, in a new order; return how many they are."""
        row_key = first_of([col(f"row_key{place}") for place in range(len(self._sets))])
        if not self._by_person:
            first: Expression = lit("")
            for place in reversed(range(len(self._sets))):
                first = of.when(col(f"person{place}").not_null(), lit(f"{place + 1:04} ")).otherwise(first)
            row_key = first + row_key
        return self._write_matched(matched, row_key, folder)

    def write_intersection(self, matched: DataFrame, folder: Path) -> int:
        """Write the rows as `main`, as the first set has them; return how many they are."""
        return self._write_matched(matched, col("row_key0"), folder)

    def _write_matched(self, matched: DataFrame, row_key: Expression, folder: Path) -> int:
        person = first_of([col(f"person{place}") for place in range(len(self._sets))])
        rows = matched.with_columns({"person": person, "row_key": row_key})
        for place, one in enumerate(self._sets):
            if one.columns:
                rows = rows.join(
                    _renamed(one, place),
                    left_on=[f"{name}{place}" for name in OF_EVERY_SET],
                    right_on=[f"s{place} {name}" for name in OF_EVERY_SET],
                    how="left",
                )
        columns = {f"u{number}": self._first_of(name) for number, name in enumerate(self._columns)}
        return self._write(rows, columns, folder, MAIN)

    def _first_of(self, name: str) -> list[Converted]:
        """The column in each set that has it."""
        return [
            converted(name, col(f"s{place} {one.name_of(name)}"), one.types[name], self._types[name])
            for place, one in enumerate(self._sets)
            if name in one.columns
        ]

    def write_unmatched(self, matched: DataFrame, folder: Path) -> int:
        """Write the rows of the first set that are not matched as `rest`, with the columns of all sets."""
        first = self._sets[0]
        rows = first.frame().join(_of_first(matched), on=[*OF_EVERY_SET], how="anti")
        columns = {
            f"u{number}": [
                converted(name, col(first.name_of(name)), first.types[name], self._types[name])
                if name in first.columns
                else Converted(missing(self._types[name]))
            ]
            for number, name in enumerate(self._columns)
        }
        return self._write(rows, columns, folder, REST)

    def write_first(self, matched: DataFrame, folder: Path, output: str, *, is_matched: bool) -> int:
        """Write the rows of the first set that are matched, or are not, as they are."""
        chosen = _of_first(matched)
        if not is_matched:
            chosen = self._sets[0].keys().join(chosen, on=[*OF_EVERY_SET], how="anti")
        return self._sets[0].write(chosen, folder, output, durable=self._durable)

    def _write(self, rows: DataFrame, columns: dict[str, list[Converted]], folder: Path, output: str) -> int:
        """Write columns, of each the first value that there is. Raises SetsRefused for one that cannot be held."""
        made = rows.select(
            *OF_EVERY_SET,
            *(first_of([each.values for each in found]).alias(name) for name, found in columns.items()),
        )
        _check_fit(rows, [*columns.values()])
        named = dict(zip(self._columns, columns, strict=True))
        return write_set(made, named, self._types, folder, output, durable=self._durable)


def _told(place: int, one: SetFile, criteria: Sequence[Criterion]) -> DataFrame:
    """The rows of a set with what is asked of them: c0 and so on."""
    values: dict[Asked, str] = {
        each: f"v{number}" for number, each in enumerate(dict.fromkeys(criteria)) if each != "person"
    }
    named = [
        (col("person") if each == "person" else col(values[each])).alias(f"c{number}")
        for number, each in enumerate(criteria)
    ]
    return beside(one.keys(), values).select(lit(place).alias("place"), *OF_EVERY_SET, *named)


def _renamed(one: SetFile, place: int) -> DataFrame:
    """The rows of a set, with names that no other has."""
    names = (*OF_EVERY_SET, *map(one.name_of, one.columns))
    return one.frame().select(*(col(name).alias(f"s{place} {name}") for name in names))


def _of_first(matched: DataFrame) -> DataFrame:
    return matched.select(*(col(f"{name}0").alias(name) for name in OF_EVERY_SET))


def _check_fit(rows: DataFrame, columns: Sequence[Sequence[Converted]]) -> None:
    """Raises SetsRefused for a value that goes into a file and cannot be held there: none before it is in its place."""
    for found in columns:
        is_asked: Expression = lit(True)
        for each in found:
            for unfit in each.unfit:
                lost = rows.where(is_asked & unfit.is_unfit).select(unfit.value.alias("value")).limit(1).to_pylist()
                if lost:
                    raise SetsRefused(f"{unfit.words}{lost[0]['value']}")
            is_asked = is_asked & each.values.is_null()


def united(sources: Sequence[Path], by: Sequence[Sequence[Criterion]], folder: Path, *, durable: bool) -> Counts:
    """Write each row of the sets once. Raises SetsRefused."""
    joined = Joined(sources, by, durable=durable)
    matched = joined.unite().collect()
    rows = joined.write_union(matched, folder)
    inflow = sum(joined.rows)
    return Counts(inflow, {MAIN: rows}, {DOUBLE: inflow - rows}, joined.noted)


def intersected(sources: Sequence[Path], by: Sequence[Sequence[Criterion]], folder: Path, *, durable: bool) -> Counts:
    """Write the rows of the first set that are in all others as well, and its rest. Raises SetsRefused."""
    joined = Joined(sources, by, durable=durable)
    matched = joined.match().collect()
    outputs = {MAIN: joined.write_intersection(matched, folder), REST: joined.write_unmatched(matched, folder)}
    return Counts(joined.rows[0], outputs, noted=joined.noted)


def excluded(sources: Sequence[Path], by: Sequence[Sequence[Criterion]], folder: Path, *, durable: bool) -> Counts:
    """Write the rows of the first set that are in none of the others, and its rest."""
    joined = Joined(sources, by, durable=durable)
    matched = joined.match_any().collect()
    outputs = {
        MAIN: joined.write_first(matched, folder, MAIN, is_matched=False),
        REST: joined.write_first(matched, folder, REST, is_matched=True),
    }
    return Counts(joined.rows[0], outputs, noted=joined.noted)
