"""Facts as tables: one answer or several over what is known at one moment, exported or not.

A warehouse is opened for an answer and closed after it, so whoever is erased is in none that begins later. Files that
count no more stay for an hour; whoever finds that one has gone begins again with what is there then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import duckdb
import pyarrow as pa

from parcours.config import Settings
from parcours.errors import CallerError, StoreBroken
from parcours.insight.exporter.reading import ATTEMPTS
from parcours.insight.segment_people import SegmentPeople
from parcours.insight.warehouse.answer import Answer, Rows
from parcours.insight.warehouse.database import Database, open_database
from parcours.insight.warehouse.names import literal
from parcours.insight.warehouse.segment_tables import create_segments
from parcours.insight.warehouse.snapshot import Snapshot, Tail, read_snapshot
from parcours.insight.warehouse.statements import check_statement, first_line
from parcours.insight.warehouse.viewed import Viewed
from parcours.journey.model.insight import KeptTable

ROWS_AT_ONCE: Final = 10_000
"""Rows of an answer in memory at once."""

BATCH_ROWS: Final = 50_000
"""The same in columns, which take less."""

INTERRUPTED: Final = "The query was interrupted."

IN_DUCKDBS_WORDS: Final = "INTERRUPT"
"""How these begin where a query was interrupted."""

T = TypeVar("T")

UNREADABLE: Final = (duckdb.IOException, duckdb.OutOfMemoryException, duckdb.SerializationException)
"""What DuckDB raises for files, or for want of room; a query that is wrong raises something else."""

DAMAGED: Final = (duckdb.InvalidInputException, duckdb.DataError)
"""What it raises for files that are none of Parquet, and for a wrong query as well."""


class Warehouse:
    """DuckDB over a folder of facts; used by one thread, and closed by `close` or at the end of a `with`.

    facts   the folder: of a store, or of a simulation
    viewed  how it is looked at
    tail    what may not be exported yet, asked for before
    Raises StoreBroken where files cannot be read.
    """

    def __init__(self, facts: Path, viewed: Viewed, settings: Settings, tail: Tail | None = None) -> None:
        self._facts, self._viewed, self._settings, self._tail = facts, viewed, settings, tail
        self._spill = TemporaryDirectory(prefix="parcours-facts-")
        self._snapshot: Snapshot | None = None
        self._database: Database | None = None
        self._cursor: duckdb.DuckDBPyConnection | None = None
        self._segments: Sequence[SegmentPeople] = ()
        self._is_interrupted = False
        try:
            self.asking(lambda database: None)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back memory and disk. Answers end."""
        self._leave()
        self._spill.cleanup()

    def interrupt(self) -> None:
        """Let the newest query fail, from another thread, and all that would come after it, as interrupted.

        One that is about to begin does not hear of it: whoever wants an end interrupts until there is one.
        """
        self._is_interrupted = True
        if self._cursor is not None:
            self._cursor.interrupt()

    def go_on(self) -> None:
        """Raises CallerError once it has been interrupted."""
        if self._is_interrupted:
            raise CallerError(INTERRUPTED)

    @property
    def viewed(self) -> Viewed:
        """How facts are looked at."""
        return self._viewed

    @property
    def as_of_ms(self) -> int | None:
        """The instant up to which everything is known, that of the shard of which it is the earliest."""
        return self._known().as_of_ms

    @property
    def cut_before_ms(self) -> Mapping[KeptTable, int]:
        """By table, before which instant rows are missing because they were kept for long enough."""
        return self._known().cut_before_ms

    def rows_of_files(self) -> tuple[Mapping[KeptTable, int], Mapping[KeptTable, int]]:
        """By table, how many rows are said to be in its files, and how many are. Raises StoreBroken."""

        def ask(database: Database) -> tuple[Mapping[KeptTable, int], Mapping[KeptTable, int]]:
            known, there = self._known(), {}
            for table, files in known.files.items():
                paths = ", ".join(literal(str(path)) for path in files)
                query = f"select sum(num_rows)::bigint from parquet_file_metadata([{paths}])"
                ((there[table],),) = self._cursor_of(database).execute(query).fetchall()
            return known.rows, there

        return self.asking(ask, ours=True)

    def know_segments(self, segments: Sequence[SegmentPeople]) -> None:
        """Have these be the segments that `names.segment` asks for, by their numbers from 0, in place of others."""
        self._segments = segments
        self.asking(lambda database: create_segments(database.connection, segments))

    def sql(self, query: str) -> Answer:
        """What a query over the views gives.

        Raises CallerError for anything else, and for a mistake in it; StoreBroken.
        """

        def ask(database: Database) -> tuple[Sequence[str], Rows]:
            check_statement(database.connection, query, database.views)
            asked = self._cursor_of(database).execute(query)
            return [each[0] for each in asked.description], _taken(asked)

        with _in_callers_words():
            columns, rows = self.asking(ask)
        return Answer(columns, self._in_words(rows), self.as_of_ms)

    def rows(self, query: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a query of ours, some in memory at once. It has to name an order: then all files have been read
        before the first row is there, and it does not matter whether they go meanwhile.
        """
        found = self.asking(lambda database: _taken(self._cursor_of(database).execute(query)), ours=True)
        for some in self._in_words(found):
            yield from some

    def batches(self, query: str) -> Iterator[pa.RecordBatch]:
        """The same in columns: for a great many rows, of which not every one becomes an object."""
        found = self.asking(
            lambda database: self._cursor_of(database).sql(query).to_arrow_reader(BATCH_ROWS), ours=True
        )
        try:
            for batch in found:
                self.go_on()
                yield batch
        except OSError as error:  # whatever DuckDB raises between batches
            if str(error).startswith(IN_DUCKDBS_WORDS):
                raise CallerError(INTERRUPTED) from error
            raise self._broken(error) from error

    def _cursor_of(self, database: Database) -> duckdb.DuckDBPyConnection:
        """Raises CallerError once it has been interrupted."""
        self.go_on()
        self._cursor = database.connection.cursor()
        return self._cursor

    def _in_words(self, rows: Rows) -> Rows:
        """The rows; what fails between them is no answer any more, and cannot begin again."""
        try:
            with _in_callers_words():
                for some in rows:
                    self.go_on()
                    yield some
        except duckdb.Error as error:
            raise self._broken(error) from error

    def _broken(self, error: Exception) -> StoreBroken:
        return StoreBroken(f"facts in {self._facts} cannot be read: {first_line(error)}")

    def asking(self, ask: Callable[[Database], T], *, ours: bool = False) -> T:
        """What `ask` makes of the database; it is called again, with what is there then, where a file has gone.

        ours  whether nobody else has written the query, so that what is wrong must be the files
        Raises StoreBroken, and duckdb.Error for what is wrong with a query.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return ask(self._opened())
            except (duckdb.Error, FileNotFoundError) as error:  # a file that has gone may be called a forbidden one
                is_gone = isinstance(error, FileNotFoundError) or self._known().gone() is not None
                if is_gone and attempt < ATTEMPTS:
                    self._leave()
                elif is_gone or _is_of_files(error, ours=ours or self._database is None):
                    raise self._broken(error) from error
                else:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _opened(self) -> Database:
        if self._database is None:
            self._snapshot = read_snapshot(self._facts, self._tail)
            self._database = open_database(self._snapshot, self._viewed, self._settings, Path(self._spill.name))
            create_segments(self._database.connection, self._segments)
        return self._database

    def _known(self) -> Snapshot:
        assert self._snapshot is not None, "it is read when the warehouse is opened"
        return self._snapshot

    def _leave(self) -> None:
        if self._database is not None:
            self._database.connection.close()
            self._database = None


def _taken(asked: duckdb.DuckDBPyConnection) -> Rows:
    """The rows, the first of them taken already: what cannot be read fails here."""
    first = asked.fetchmany(ROWS_AT_ONCE)

    def rest() -> Rows:
        some = first
        while some:
            yield some
            some = asked.fetchmany(ROWS_AT_ONCE)

    return rest()


def _is_of_files(error: Exception, *, ours: bool) -> bool:
    """Whether files are to blame. For pages that are no Parquet inside DuckDB has no error of its own."""
    return isinstance(error, UNREADABLE) or type(error) is duckdb.Error or (ours and isinstance(error, DAMAGED))


@contextmanager
def _in_callers_words() -> Iterator[None]:
    """Raises CallerError for what DuckDB finds wrong with a query; a file that cannot be read is no mistake in it."""
    try:
        yield
    except duckdb.Error as error:
        if _is_of_files(error, ours=False):
            raise
        raise CallerError(f"The query fails: {first_line(error)}") from error
