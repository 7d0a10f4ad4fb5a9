"""Files that stand for sources in a simulation: each message becomes the line that it becomes while it is served.

A source of files is read from its files. For any other one stands a file of its messages. Lines come behind all others
and in a fixed order, and are put in order of time with them.
"""

from __future__ import annotations

import glob
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Final

from parcours.errors import CallerError
from parcours.journey.model.sources import SourceDocument
from parcours.journey.project import Project
from parcours.source import Line, SourceUnreachable
from parcours.sources.file_kinds import missing_library, unreadable
from parcours.sources.files import FilesSettings, FilesSource, opened
from parcours.sources.lines import CloudTypes, MakeLine, line_of
from parcours.sources.messages import message_of
from parcours.sources.opening import maker_of, source_of
from parcours.wording import nearest, quoted

LINES_AT_ONCE: Final = 1_000

FILES: Final = "files"
"""The kind of source of which a file holds lines, and not messages of a log."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line comes from: a source, a file, and the message's number in it, from 1."""

    source: str
    file: str
    message: int

    def __str__(self) -> str:
        return f"message {self.message:,} of {self.source}, in {self.file}"


@dataclass(frozen=True, slots=True)
class _File:
    """A file, and what its lines mean. `partition` is what they are of; None where each line says that itself."""

    source: str
    path: Path
    partition: str | None
    make: MakeLine
    cloud_types: CloudTypes

    def lines(self) -> Iterator[bytes]:
        """A line for each message; an empty one for a message that says nothing. Raises CallerError."""
        try:
            with closing(opened(self.path)) as lines:
                while not lines.is_over:
                    yield from map(self._line, lines.read(LINES_AT_ONCE))
        except SourceUnreachable as error:
            raise CallerError(f"the source {quoted(self.source)}: {error}") from error
        except unreadable() as error:
            raise CallerError(f"the source {quoted(self.source)}: {self.path} cannot be read: {error}") from error

    def _line(self, line: Line) -> bytes:
        message, partition = message_of(line) if self.partition is None else (line, self.partition)
        return line_of(message, partition, self.make, self.cloud_types) or b""


class SourceFiles:
    """The files that stand for a project's sources."""

    def __init__(self, project: Project, given: Mapping[str, str], environ: Mapping[str, str] | None = None) -> None:
        """
        given    by the name of a source, a file or a pattern of files that stands for it
        environ  where settings find what they refer to: then sources of files that are not given are read as they
                 are configured; None: only those that are given are read
        Raises CallerError for what sources.yaml does not name, and where there is no such file; SettingInvalid.
        """
        documents = project.documents.sources.sources
        for name in given:
            if name not in documents:
                raise CallerError(f"sources.yaml names no source {quoted(name)}{nearest(name, documents)}")
        self._files: list[_File] = []
        self._begin: list[int] = []
        for name, document in documents.items():
            if name in given:
                if (missing := missing_library(Path(given[name]))) is not None:
                    raise CallerError(f"the source {quoted(name)}: {missing}")
                source = FilesSource(FilesSettings(files=_pattern(given[name])))
                if not self._add(name, document, project, source):
                    raise CallerError(f"the source {quoted(name)}: there is no file {given[name]}")
            elif document.kind == FILES and environ is not None:
                opened_source = source_of(name, document, project, environ)
                assert isinstance(opened_source, FilesSource), "that is what the kind says"
                self._add(name, document, project, opened_source)
        self.left_out = tuple(
            name for name, each in documents.items() if name not in given and (environ is None or each.kind != FILES)
        )
        """The sources for which nothing stands."""

    def _add(self, name: str, document: SourceDocument, project: Project, source: FilesSource) -> int:
        """How many files it has."""
        make = maker_of(document, project)
        try:
            found = sorted(source.files().items(), key=itemgetter(1))
        except SourceUnreachable as error:
            raise CallerError(f"the source {quoted(name)}: {error}") from error
        for partition, path in found:
            its_partition = partition if document.kind == FILES else None
            self._files.append(_File(name, path, its_partition, make, project.program.cloud_types))
        return len(found)

    def after(self, lines: Iterable[object]) -> Iterator[object]:
        """These lines, and behind them those of the sources. Raises CallerError where a file cannot be read."""
        number = 0
        for number, line in enumerate(lines, start=1):  # noqa: B007  # the last number is what counts
            yield line
        self._begin = []
        for file in self._files:
            self._begin.append(number)
            for line in file.lines():
                number += 1
                yield line

    def place(self, number: int) -> Place | None:
        """Where a line of this number, from 1, comes from; None for one that comes from no source."""
        which = bisect_right(self._begin, number - 1) - 1
        if which < 0:
            return None
        file = self._files[which]
        return Place(file.source, str(file.path), number - self._begin[which])


def _pattern(given: str) -> str:
    """A name of a file is no pattern, whatever characters it has."""
    return glob.escape(given) if Path(given).is_file() else given
