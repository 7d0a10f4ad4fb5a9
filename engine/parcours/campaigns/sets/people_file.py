"""What shards told of people for a stage of a run: one Parquet file, in the order of names as UTF-8 bytes.

    person   VARCHAR
    a0, ...  BOOLEAN   whether she is in each audience
    c0, ...  BOOLEAN   whether each expression holds, of those that may be conditions
    v0, ...  VALUE     what each expression gave (values.py)
    m0, ...  VARCHAR   the trait at each path by which rows of tables are hers, as they are compared (matching.py)
    names    VARCHAR[] her other names
    told     BLOB      what the shard told of her but for values and names, for what is evaluated here (told_scope.py)

The same people give the same bytes, whoever was told of first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from parcours.campaigns.sets.database import COPY_OPTIONS, Workspace, identifier, literal, opened_database, rows_in
from parcours.campaigns.sets.engine import Values
from parcours.campaigns.sets.matching import match_text
from parcours.campaigns.sets.row_groups import RowGroups, opened_row_groups
from parcours.campaigns.sets.valued import condition_column, valued_column
from parcours.campaigns.sets.values import VALUE
from parcours.campaigns.sets.whole_file import whole_file
from parcours.core.columns import PersonColumns, read_columns
from parcours.journey.campaign_columns import ALL_NAMES, ShardColumns
from parcours.journey.set_expressions import SetExpression
from parcours.store.exports import UNFINISHED
from parcours.store.private_files import make_folder

BATCH_ROWS: Final = 20_000
"""People who lie in memory at once, on their way into the file."""

_encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class PeopleFile:
    """
    asked       what shards were asked for
    matched     those of its paths by which rows of tables are linked to people
    tells_more  whether `told` is wanted
    """

    path: Path
    asked: ShardColumns
    matched: tuple[tuple[str, ...], ...]
    tells_more: bool

    @property
    def rows(self) -> str:
        """Its rows, as a table in SQL."""
        return rows_in(self.path)

    @property
    def tells_names(self) -> bool:
        """Whether it tells all other names of everybody."""
        return ALL_NAMES in self.asked.namespaces

    def inside(self, audience: str) -> str:
        """The column that says who is in an audience."""
        return f"a{self.asked.audiences.index(audience)}"

    def condition(self, expression: SetExpression) -> Values:
        return Values(self.path, f"c{self._number(expression)}", by_row=False)

    def value(self, expression: SetExpression) -> Values:
        return Values(self.path, f"v{self._number(expression)}", by_row=False)

    def match(self, path: tuple[str, ...]) -> str:
        """The column with the text by which a trait is compared."""
        return f"m{self.matched.index(path)}"

    def _number(self, expression: SetExpression) -> int:
        return next(number for number, each in enumerate(self.asked.expressions) if each.text == expression.text)


class PeopleWriter:
    """Takes what shards tell, slice by slice: everybody once, with her encoded `PersonColumns`."""

    def __init__(self, people: PeopleFile, groups: RowGroups, schema: Any) -> None:
        self._people = people
        self._groups = groups
        self._schema = schema
        self._held: list[tuple[str, bytes]] = []

    def add(self, rows: Iterable[tuple[str, bytes]]) -> None:
        """The next ones, in any order. Raises OSError, and what `rows` raises."""
        for row in rows:
            self._held.append(row)
            if len(self._held) == BATCH_ROWS:
                self.write()

    def write(self) -> None:
        """Write what is held."""
        if self._held:
            self._groups.add(pa.table([*_arrays(self._held, self._people)], schema=self._schema))
            self._held = []


@contextmanager
def collected_people(people: PeopleFile, workspace: Workspace) -> Iterator[PeopleWriter]:
    """Write the file of what is told within the block, whole or not at all: an error leaves nothing.

    What is told lies on disk until all of it is there. Raises StoreBroken, OSError.
    """
    folder, schema = people.path.parent, pa.schema(_fields(people))
    make_folder(folder, durable=workspace.durable)
    with NamedTemporaryFile(dir=folder, prefix=f"{people.path.name}.", suffix=UNFINISHED) as told:
        with opened_row_groups(Path(told.name), schema, lasting=False) as groups:
            writer = PeopleWriter(people, groups, schema)
            yield writer
            writer.write()
        columns = ", ".join(identifier(name) for name in schema.names)
        with opened_database(workspace) as database, whole_file(people.path, durable=workspace.durable) as unfinished:
            ordered = f"SELECT {columns} FROM {rows_in(Path(told.name))} ORDER BY person"
            database.execute(f"COPY ({ordered}) TO {literal(str(unfinished))} ({COPY_OPTIONS})")
            assert _are_different(unfinished), "shards tell of everybody once"


def _fields(people: PeopleFile) -> list[Any]:
    asked = people.asked
    expressions = [*enumerate(asked.expressions)]
    return [
        pa.field("person", pa.string()),
        *(pa.field(f"a{number}", pa.bool_()) for number in range(len(asked.audiences))),
        *(pa.field(f"c{number}", pa.bool_()) for number, each in expressions if _may_be_condition(each)),
        *(pa.field(f"v{number}", VALUE) for number, _ in expressions),
        *(pa.field(f"m{number}", pa.string()) for number in range(len(people.matched))),
        *([pa.field("names", pa.list_(pa.string()))] if asked.namespaces else []),
        *([pa.field("told", pa.binary())] if people.tells_more else []),
    ]


def _may_be_condition(expression: SetExpression) -> bool:
    return expression.expression.kind in ("boolean", "any")


def _arrays(rows: Sequence[tuple[str, bytes]], people: PeopleFile) -> Iterator[Any]:
    """The columns of the file."""
    asked, told = people.asked, [read_columns(row) for _, row in rows]
    yield pa.array([person for person, _ in rows], pa.string())
    for number in range(len(asked.audiences)):
        yield pa.array([each.inside[number] for each in told], pa.bool_())
    values = [[each.values[number] for each in told] for number in range(len(asked.expressions))]
    for expression, column in zip(asked.expressions, values, strict=True):
        if _may_be_condition(expression):
            yield condition_column(column)
    yield from map(valued_column, values)
    for place in map(asked.paths.index, people.matched):
        yield pa.array([match_text(each.traits[place]) for each in told], pa.string())
    if asked.namespaces:
        yield pa.array([each.names for each in told], pa.list_(pa.string()))
    if people.tells_more:
        kept = (PersonColumns(each.inside, [], each.traits, each.histories, each.consents) for each in told)
        yield pa.array([_encode(each) for each in kept], pa.binary())


def _are_different(path: Path) -> bool:
    """Whether each name, of a file that is in their order, stands there once."""
    last: str | None = None
    with pq.ParquetFile(path) as parquet:
        for batch in parquet.iter_batches(columns=["person"]):
            names = batch.column("person")
            if len(names) and names[0].as_py() == last:
                return False
            if pc.any(pc.equal(names[1:], names[:-1])).as_py():
                return False
            last = names[-1].as_py() if len(names) else last
    return True
