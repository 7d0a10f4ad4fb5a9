"""A question about everybody as of an instant, whose answer is made of what shards tell of each: who is in an audience,
or who would get which offer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from parcours.journey.program import Program
from parcours.shard.scans import Asked

T_co = TypeVar("T_co", covariant=True)


class PeopleCount(Protocol[T_co]):
    """What has been told so far."""

    def add(self, rows: Iterable[tuple[str, bytes]]) -> None:
        """Names of further people and what is told of them, in any order."""

    def shown(self, program: Program, at: int) -> T_co:
        """The answer as of an instant in ms, at which `program` was published."""


class PeopleQuestion(Protocol[T_co]):
    """A value that can be sent to another process."""

    @property
    def name(self) -> str:
        """What it is about."""

    @property
    def person(self) -> str | None:
        """About whom alone it is, by a name of hers; None: about everybody."""

    def asked(self, program: Program, owner: str | None = None) -> Asked:
        """What shards are asked for; `owner` is the name under which the person lives.

        Raises CallerError for what the program does not have.
        """

    def count(self) -> PeopleCount[T_co]:
        """Nothing so far."""
