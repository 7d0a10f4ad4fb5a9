"""Columns from the rows of tables that are linked to the people of a set: the first of them, or a value about them all.

A person has the same columns in each of her rows. Her rows in a table are those of the links that meet the condition;
they come in the order that is asked for, then in that of the table.

Sums of whole numbers and decimals are exact, and so are those that a mean divides: it is the double next to the sum,
divided by the number of values. Doubles are added one after the other in the order of the table's rows, since any other
order may give another sum. One that is no number is missing, and -0.0 is 0.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import assert_never

import duckdb

from parcours.campaigns.sets.database import Database, identifier, rows_in
from parcours.campaigns.sets.engine import MAIN, REST, Aggregated, Asked, Counts, Enrichment, Taken, asked_by
from parcours.campaigns.sets.given import Given
from parcours.campaigns.sets.object_lists import make_lists
from parcours.campaigns.sets.orders import order_by
from parcours.campaigns.sets.set_file import SetFile, number_of, written
from parcours.errors import TableRefused
from parcours.wording import quoted


def enriched(database: Database, source: Path, enrichments: Sequence[Enrichment], folder: Path) -> Counts:
    """Write a set with these columns, those who lack a required row apart. Raises TableRefused."""
    of_set = SetFile(database, source)
    database.execute(
        f"CREATE TABLE people AS SELECT {of_set.column_of('s', 'person')} AS person, min({number_of('s')}) AS first"
        f" FROM {of_set.rows_as('s')} GROUP BY ALL"
    )
    noted: dict[str, int] = {}
    for place, enrichment in enumerate(enrichments):
        for column, count in _load(database, enrichment, f"column{place}").items():
            noted[column] = noted.get(column, 0) + count
    columns = of_set.all_of("s")
    rows = f"{of_set.rows_as('s')} JOIN people ON people.person = {of_set.column_of('s', 'person')}"
    for place, enrichment in enumerate(enrichments):
        columns.append(f"{_told(enrichment, f'column{place}.value')} AS {identifier(enrichment.name)}")
        rows += f" LEFT JOIN column{place} USING (first)"
    required = [f"column{place}.first IS NOT NULL" for place, each in enumerate(enrichments) if each.required]
    has_all = " AND ".join(required) or "true"
    outputs = {
        output: written(database, folder, output, columns, f"{rows} WHERE {which} ORDER BY {number_of('s')}")
        for output, which in ((MAIN, has_all), (REST, f"NOT ({has_all})"))
    }
    return Counts(of_set.rows, outputs, noted=noted)


def _load(database: Database, enrichment: Enrichment, name: str) -> dict[str, int]:
    """Make a table with the `value` of each person with rows, by her `first` row in the set; return what is noted."""
    gives, where = enrichment.gives, enrichment.where
    asked: list[Asked] = [*asked_by(gives.order)] if isinstance(gives, Taken) else [gives.value] if gives.value else []
    pairs = Given(database, "pairs", asked if where is None else [*asked, where])
    pairs.fill(
        "people.first, links.row_number",
        f"{rows_in(enrichment.links)} AS links JOIN people USING (person)",
        {"person": "links.person", "row_number": "links.row_number"},
        table=enrichment.table,
        only=where,
    )
    match gives:
        case Taken():
            _take(database, name, gives, pairs, enrichment.table)
        case Aggregated():
            _aggregate(database, name, gives, pairs, enrichment.name)
        case _:
            assert_never(gives)
    database.execute("DROP TABLE pairs")
    return pairs.noted


def _told(enrichment: Enrichment, value: str) -> str:
    """The value of a column, for people without rows as well."""
    match enrichment.gives:
        case Taken(single=False):
            return f"coalesce({value}, [])"
        case Aggregated(function="count"):
            return f"coalesce({value}, 0)"
        case _:
            return value


def _take(database: Database, name: str, taken: Taken, pairs: Given, table: Path) -> None:
    place = f"row_number() OVER (PARTITION BY first ORDER BY {order_by(taken.order, pairs, 'row_number')})"
    firsts = f"SELECT first, row_number, {place} AS place FROM pairs QUALIFY place <= {int(taken.rows)}"
    fields = ", ".join(f"{identifier(column)} := cells.{identifier(column)}" for column in taken.columns)
    cells = f"({firsts}) JOIN {rows_in(table)} USING (row_number)"
    objects = f"SELECT first, place, struct_pack({fields}) AS value FROM {cells}"
    if taken.single:
        database.execute(f"CREATE TABLE {name} AS {objects}")
    else:
        make_lists(database, name, objects)


def _aggregate(database: Database, name: str, aggregated: Aggregated, pairs: Given, column_name: str) -> None:
    value = "count(*)" if aggregated.value is None else _value(database, aggregated, pairs.plain(aggregated.value))
    try:
        database.execute(f"CREATE TABLE {name} AS SELECT first, {value} AS value FROM pairs GROUP BY first")
    except (duckdb.OutOfRangeException, duckdb.ConversionException) as error:
        raise TableRefused(f"the sum for {quoted(column_name)} is larger than its kind of column holds") from error


def _value(database: Database, aggregated: Aggregated, column: str) -> str:
    (kind,) = database.sql(f"SELECT {column} FROM pairs").types
    if kind.id == "double":
        column = f"CASE WHEN {column} = 0 THEN 0 WHEN NOT isnan({column}) THEN {column} END"
    total = f"sum({column} ORDER BY row_number)" if kind.id == "double" else f"sum({column})"
    match aggregated.function:
        case "sum":
            return f"CAST({total} AS BIGINT)" if kind.id == "bigint" else total
        case "avg":
            return f"CAST(CAST({total} AS VARCHAR) AS DOUBLE) / count({column})"
        case "count" | "min" | "max":
            return f"{aggregated.function}({column})"
    assert_never(aggregated.function)
