"""Acknowledgements of calls: what became of their lines, as a promise to await or to ask for its result."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from parcours.arguments import check_timeout
from parcours.errors import NobodyYet, ShardUnavailable
from parcours.routing.calls import Lines
from parcours.routing.taken import Taken


@dataclass(frozen=True, slots=True)
class Ingested:
    """
    accepted    lines that are on disk and applied exactly once, and those of events that nothing listens to
    duplicate   lines recognised by their message id
    rejected    (place in the call, from 0; reason) of each line that cannot be used; blank lines of NDJSON count
    undeclared  how many of the accepted have an event name that the project does not declare
    """

    accepted: int
    duplicate: int
    rejected: tuple[tuple[int, str], ...]
    undeclared: int

    @classmethod
    def of(cls, taken: Taken, handed_in: Lines) -> Ingested:
        """The outcome by the places of the call, with what could not become a line."""
        rejected = [(handed_in.places[line], reason) for line, reason in taken.rejected]
        return cls(taken.accepted, taken.duplicate, tuple(sorted([*rejected, *handed_in.refused])), taken.undeclared)


@dataclass(frozen=True, slots=True)
class LinesTaken:
    """What became of lines that were handed in as they are, by their places, from 0.

    accepted   how many are on disk and applied exactly once, or are of events that nothing listens to
    alone      how many of those no shard has been asked for
    repeated   the places of those that were recognised by their message id, in no order
    rejected   (place, reason) of each that cannot be used
    failure    why not all of them have been answered, None if they have; the others may be applied all the same
    committed  the places of those that are on disk or need not be, where not all have been answered
    """

    accepted: int
    repeated: Sequence[int]
    rejected: Sequence[tuple[int, str]]
    failure: NobodyYet | None = None
    committed: Sequence[int] = ()
    alone: int = 0

    @classmethod
    async def within(cls, wait_s: float | None, taken: Taken) -> LinesTaken:
        """What is known after so long, None: once all lines are answered. Raises what goes wrong for good."""
        await asyncio.wait([taken.done], timeout=wait_s)
        failure: BaseException | None = None
        if not taken.done.done():
            taken.done.add_done_callback(_heard)
            failure = ShardUnavailable(f"not answered by all shards within {wait_s:g} s")
        elif (failure := taken.done.exception()) is not None and not isinstance(failure, NobodyYet):
            raise failure
        committed = () if failure is None else taken.committed()
        return cls(taken.accepted, taken.repeated, taken.rejected, failure, committed, taken.alone)


def _heard(answer: asyncio.Future[Taken]) -> None:
    """Nobody waits for it any more: an error in it is nobody's."""
    if not answer.cancelled():
        answer.exception()


class Acknowledgement:
    """The outcome of one call of `ingest`, once every line of it is durable, a duplicate, or rejected."""

    def __init__(self, future: Future[Ingested]) -> None:
        self._future = future

    def result(self, timeout_s: float | None = None) -> Ingested:
        """Wait for the outcome. Raises TimeoutError after `timeout_s` seconds; the lines go on all the same."""
        check_timeout("timeout_s", timeout_s)
        return self._future.result(timeout_s)

    def done(self) -> bool:
        return self._future.done()

    def __await__(self) -> Generator[object, None, Ingested]:
        return asyncio.wrap_future(self._future).__await__()
