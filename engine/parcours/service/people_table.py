"""Everybody as of one instant: the table of people, taken from all shards while they go on.

Of each person it tells the declared traits that are not personal, and the names of her audiences, consents and places.
A scan is announced for it (routing/passing_scans.py), and ends with the last row, or when nobody takes any more.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

import msgspec

from parcours.clock import Clock
from parcours.core.columns import read_told
from parcours.errors import CallerError
from parcours.expression.dotted import split_path
from parcours.journey.program import Program
from parcours.routing.passing_scans import PassingScans
from parcours.routing.ports import ShardPort
from parcours.routing.scans import ScanGone, collect
from parcours.shard.scans import PeopleAsked

TAKEN_WITHIN_S: Final = 3_600.0
"""Whoever takes longer for all rows is cut off: shards keep the columns of everybody who changes meanwhile."""


class PersonRow(msgspec.Struct, frozen=True):
    """One person as of `taken`, in ms.

    traits    those that she has, by their declared paths
    consents  that she has given: a channel, or "channel/purpose"
    places    that she is in, as she was told to have entered them; never her position
    """

    taken: int
    person: str
    traits: dict[str, object]
    audiences: list[str]
    consents: list[str]
    places: list[str] = []


def told_paths(program: Program) -> tuple[str, ...]:
    """The declared traits of which the table tells, sorted."""
    declared = [path for paths in program.disclosure.traits.values() for path in paths]
    return tuple(sorted(path for path in declared if not program.disclosure.is_personal(split_path(path))))


class PeopleTable:
    """Lives on the loop of its host. One scan is made at a time; whoever asks meanwhile waits until it is over, or the
    time for it is.

    undisturbed   keeps what is published from changing, and numbers attempts to make all shards stand still
    slice_people  how many people a shard looks at in one call
    """

    def __init__(
        self,
        ports: Sequence[ShardPort],
        undisturbed: Callable[[], AbstractAsyncContextManager[int]],
        clock: Clock,
        slice_people: int,
    ) -> None:
        self._ports = ports
        self._scans = PassingScans("people", ports, undisturbed, clock)
        self._slice_people = slice_people
        self._program: Program | None = None

    def renew(self, program: Program) -> None:
        """This program holds from now on."""
        self._program = program

    async def rows(self) -> AsyncGenerator[list[PersonRow]]:
        """Everybody, in slices and in no order. Raises CallerError for who takes too long, ShardUnavailable."""
        paths: tuple[str, ...] = ()

        def asked() -> Sequence[PeopleAsked]:
            nonlocal paths
            assert self._program is not None, "renew comes first"
            paths = told_paths(self._program)
            return [PeopleAsked(tuple(tuple(split_path(path)) for path in paths))]

        try:
            async with self._scans.there(asked, TAKEN_WITHIN_S) as (taken, (scan,)):
                for port in self._ports:
                    async for rows in collect(port, scan.name, self._slice_people):
                        yield [_row(taken, person, paths, row) for person, row in rows]
        except ScanGone:
            raise CallerError(f"the table of people has to be taken within {TAKEN_WITHIN_S:g} s") from None

    async def stop(self) -> None:
        """What shards have not forgotten yet they forget when they are opened again."""
        await self._scans.stop()


def _row(taken: int, person: str, paths: Sequence[str], row: bytes) -> PersonRow:
    told = read_told(row)
    traits = {path: value for path, value in zip(paths, told.traits, strict=True) if value is not None}
    return PersonRow(taken, person, traits, told.audiences, told.consents, told.places)
