"""Whose are the rows that a campaign reads of a table, for which does its condition hold, and who is made known?

A row is asked about with each person whose it is; of whoever is not known yet, or of nobody, nothing but the row can
say anything.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from parcours.campaigns.sets.database import Database, copy_rows, identifier, opened_database, rows_in
from parcours.campaigns.sets.evaluated import Rows, cells_of, condition_of, text_of, write_given
from parcours.campaigns.sets.links import check_links
from parcours.campaigns.sets.run_tables import rows_to_match
from parcours.campaigns.sets.set_values import Evaluation
from parcours.campaigns.sets.snapshot import Snapshot
from parcours.core.identity import is_no_id, person_asked_for, person_in
from parcours.expression.expression import Scope
from parcours.journey.campaign_columns import ALL_NAMES, matched_namespace
from parcours.journey.campaign_program import Table
from parcours.journey.set_expressions import SetExpression


def read_pairs(
    table: Table,
    snapshot: Snapshot,
    links: Path,
    where: SetExpression | None,
    evaluation: Evaluation,
    created: Callable[[object], str | None] | None,
) -> Path:
    """The file with `person`, `row_number` and `holds` of each row, as `read_rows` takes it.

    created  the name by which whoever is not known is made known, from the value of the table's `person`; None: nobody
    Raises TableRefused for rows of whoever is made known that are not to be several; StoreBroken, and OSError.
    """
    copied = snapshot.file
    whose, pairs = evaluation.folder / "whose.parquet", evaluation.folder / "pairs.parquet"
    with opened_database(evaluation.workspace) as database:
        unlinked = f"SELECT * FROM {rows_in(copied)} AS copied ANTI JOIN {rows_in(links)} AS links USING (row_number)"
        if created is None:
            others = f"SELECT NULL::VARCHAR AS person, row_number FROM ({unlinked})"
        else:
            others = _named(database, table, unlinked, evaluation, created)
            database.execute(f"CREATE TABLE links AS SELECT * FROM ({others}) AS others WHERE person IS NOT NULL")
            check_links(database, snapshot, many=table.many)
        query = f"SELECT person, row_number, true AS known FROM {rows_in(links)}"
        query += f" UNION ALL SELECT person, row_number, false AS known FROM ({others})"
        copy_rows(database, query, whose, lasting=False)
        _ask(database, copied, whose, pairs, where, evaluation)
    return pairs


def name_to_create(table: Table, id_bytes_max: int) -> Callable[[object], str | None]:
    """What makes a name of the value of a table's `person`; None of a value that is no id of anybody's."""
    namespace = matched_namespace(table)
    assert namespace is not None, "nobody is made known by a trait"

    def name(value: object) -> str | None:
        if isinstance(value, bool) or not isinstance(value, str | int):
            return None
        text = str(value).strip() if table.fold else str(value)
        if is_no_id(text) or len(text.encode()) > id_bytes_max:
            return None
        if namespace == ALL_NAMES:
            return person_asked_for(text)
        return person_in(namespace, text, caseless=table.caseless)

    return name


def _named(
    database: Database,
    table: Table,
    unlinked: str,
    evaluation: Evaluation,
    created: Callable[[object], str | None],
) -> str:
    """Rows that are nobody's yet, with the names of the people to be; of names that are equal, folded, the first."""
    path, person = evaluation.folder / "created.parquet", table.person
    assert person is not None, "rows are matched by what they have"

    def name(scope: Scope) -> str | None:
        return created(person.expression.value(scope))

    def folded(scope: Scope) -> str | None:
        named = name(scope)
        return named.casefold() if named is not None and table.fold else named

    given = [text_of("name", name), text_of("folded", folded)]
    write_given(database, rows_to_match(table, f"({unlinked})"), given, evaluation.scopes, path)
    return f"SELECT row_number, min(name) OVER (PARTITION BY folded) AS person FROM {rows_in(path)}"


def _ask(
    database: Database,
    copied: Path,
    whose: Path,
    pairs: Path,
    where: SetExpression | None,
    evaluation: Evaluation,
) -> None:
    """Write for which pairs the condition holds."""
    if where is None:
        copy_rows(database, f"SELECT person, row_number, true AS holds FROM {rows_in(whose)}", pairs, lasting=False)
    elif where.basis == "profile":
        told = evaluation.told_people().condition(where)
        of_nobody = where.expression.holds(evaluation.scopes.of_row({}, None, None))
        holds = f"CASE WHEN known THEN coalesce(told.{identifier(told.column)}, false) ELSE {of_nobody} END"
        query = (
            f"SELECT whose.person, row_number, {holds} AS holds FROM {rows_in(whose)} AS whose"
            f" LEFT JOIN {rows_in(told.file)} AS told ON told.person = whose.person"
        )
        copy_rows(database, query, pairs, lasting=False)
    else:
        write_given(database, _rows(copied, whose, where, evaluation), [condition_of("holds", where)],
                    evaluation.scopes, pairs)  # fmt: skip


def _rows(copied: Path, whose: Path, where: SetExpression, evaluation: Evaluation) -> Rows:
    """Each row with whose it is, and with what was told of her if the condition reads that."""
    tells = where.basis == "both" and evaluation.told_people().tells_more
    selected = ["whose.person", "whose.row_number"]
    selected += ["people.told"] if tells else []
    selected += [f"{cells_of(where.row, 'copied.cells')} AS cells"] if where.row else []
    joined = f"{rows_in(whose)} AS whose JOIN {rows_in(copied)} AS copied USING (row_number)"
    query = f"SELECT {', '.join(selected)} FROM {joined}"
    if tells:
        people = evaluation.told_people().rows
        query += f" LEFT JOIN {people} AS people ON whose.known AND people.person = whose.person"
    return Rows(query, {"person": pa.string(), "row_number": pa.int64()}, cells=bool(where.row), tells=tells)
