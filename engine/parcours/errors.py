"""Everything that can go wrong, split by who has to act.

    ParcoursError
    ├── AuthorError              the author of a project: something in its documents
    │   ├── ProjectInvalid       carries every finding of the checker
    │   ├── PublishRefused       carries every reason why a project cannot be published
    │   ├── TableRefused         the rows of a table are not what tables.yaml says
    │   ├── SetsRefused          sets of a campaign do not fit together
    │   └── AnalysisRefused      what an analysis asks cannot be answered from this data
    ├── OperatorError            whoever runs it: settings, machine, store, provider
    │   ├── SettingInvalid
    │   ├── ExtraMissing         an optional dependency is not installed
    │   ├── ChannelUnknown       no installed distribution offers the channel
    │   ├── DestinationUnknown   no installed distribution offers the destination
    │   ├── SnapshotFailed       a destination could not be told of all members at once
    │   ├── StoreBroken          the store cannot be read or written
    │   ├── FiguresDiffer        facts do not add up: some are missing, or are there twice
    │   ├── StoreBusy            another process holds the store
    │   └── BackupFailed         a copy of the store cannot be made; the store itself goes on
    ├── CallerError              whoever calls the Python API or the command line
    │   ├── EventsUnsorted
    │   ├── LedgerOutdated       what is published has changed since the caller looked
    │   ├── RewindOutdated       another one, or a publication, has come since the caller looked
    │   ├── RequestChanged       a request for decisions asks for something else than it did before
    │   ├── RequestForgotten     it was answered before, and nobody knows any more how
    │   └── EngineClosed
    └── NobodyYet                wait and try again; the engine does so by itself
        ├── ShardUnavailable
        │   └── ShardStopped     it met an input that cannot be applied
        ├── ErasureWaits         somebody cannot be erased yet
        └── Overloaded

A broken promise of our own code is an `assert`, never one of these. Every class takes exactly the
arguments that it hands to `Exception`, so each survives pickling between processes.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final


class ParcoursError(Exception):
    """Something went wrong in Parcours."""

    def __init__(self, *args: object) -> None:
        super().__init__(*(args or (self.__doc__,)))


class AuthorError(ParcoursError):
    """A document of the project has to be changed."""


class ProjectInvalid(AuthorError):
    """The project has errors.

    The first argument is the whole report, one finding a line; `findings` holds them apart.
    """

    @property
    def findings(self) -> tuple[str, ...]:
        return tuple(str(self.args[0]).splitlines())


class PublishRefused(AuthorError):
    """The project cannot be published, and nothing has changed.

    The first argument is the whole report, one reason a line; `reasons` holds them apart.
    """

    @property
    def reasons(self) -> tuple[str, ...]:
        return tuple(str(self.args[0]).splitlines())


class TableRefused(AuthorError):
    """The rows of a table are not what tables.yaml says of them."""


class SetsRefused(AuthorError):
    """Sets of a campaign do not fit together."""


class AnalysisRefused(AuthorError):
    """What an analysis asks cannot be answered from this data."""


class OperatorError(ParcoursError):
    """The settings, the machine or a provider has to be looked at."""


class SettingInvalid(OperatorError):
    """A setting has a value that cannot be used."""


class ExtraMissing(OperatorError):
    """A part of Parcours needs a library that is not installed."""

    @classmethod
    def of(cls, part: str, extra: str) -> ExtraMissing:
        return cls(f"{part} needs the extra [{extra}]: pip install 'parcours[{extra}]'")


class ChannelUnknown(OperatorError):
    """No installed distribution offers this channel."""


class DestinationUnknown(OperatorError):
    """No installed distribution offers this destination."""


class SnapshotFailed(OperatorError):
    """A destination could not be told of all members at once."""


class StoreBroken(OperatorError):
    """The store cannot be read or written."""


class FiguresDiffer(OperatorError):
    """Facts do not add up: some are missing, or are there twice.

    The first argument is the whole report, one difference a line.
    """


class StoreBusy(OperatorError):
    """Another process holds the store."""


class InputsMissing(OperatorError):
    """Not all inputs of the store have been kept."""


class BackupFailed(OperatorError):
    """The backup could not be made; the store itself goes on."""


class CallerError(ParcoursError):
    """The call cannot be carried out as made."""


class EventsUnsorted(CallerError):
    """The recorded events are not in the order of their timestamps."""


class LedgerOutdated(CallerError):
    """What is published has changed since the caller looked."""


class RewindOutdated(CallerError):
    """Something else has been rewound or published since the dry answer: ask for another one, and see."""


class RequestChanged(CallerError):
    """A request for decisions asks for something else than it did before."""


class RequestForgotten(CallerError):
    """A request for decisions was answered before, and what was given is not remembered any more."""


class EngineClosed(CallerError):
    """The engine has been closed."""


class NobodyYet(ParcoursError):
    """Nobody has to act: it is tried again."""


class ShardUnavailable(NobodyYet):
    """The shard does not answer at the moment."""


class ShardStopped(ShardUnavailable):
    """The shard has stopped at an input that cannot be applied, and opens again without it."""


class ErasureWaits(NobodyYet):
    """The person cannot be erased yet: a destination has still to be told that she has left, or she is being merged;
    ask again.
    """


class Overloaded(NobodyYet):
    """More is handed in than the shards can take; try again in a moment.

    The second argument, `waiting_lines`, is how many lines are before those that were turned away.
    """

    def __str__(self) -> str:
        return str(self.args[0])

    @property
    def waiting_lines(self) -> int:
        return self.args[1] if len(self.args) > 1 else 0


DISK_ERRORS: Final = frozenset({errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC, errno.EROFS})
"""What goes wrong with a file that is open already: the system does not say with which."""


@contextmanager
def naming(path: Path | str) -> Iterator[None]:
    """An error of the disk that names no file is about this one."""
    try:
        yield
    except OSError as error:
        if error.filename is not None or error.errno not in DISK_ERRORS:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error
