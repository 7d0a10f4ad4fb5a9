"""Whose people are in a segment: those who are named, or everybody but these."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SegmentPeople:
    """
    people   those who are in it, or those who are not
    all_but  whether it is everybody but these
    """

    people: Collection[str]
    all_but: bool = False

    def __contains__(self, person: object) -> bool:
        return (person in self.people) is not self.all_but
