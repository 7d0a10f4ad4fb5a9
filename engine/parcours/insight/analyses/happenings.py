"""The events of one unit, as every analysis takes them: of whom, when, what, and what was in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

T = TypeVar("T")

_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode


class Happening(NamedTuple):
    """An event that happened, as the table of events has it.

    at          its time in milliseconds
    event       its name
    properties  JSON text of an object; None for what was no object
    """

    at: int
    event: str
    properties: str | None = None

    def decoded(self) -> dict[str, Any]:
        """Its properties; empty where there are none that can be read."""
        return {} if self.properties is None else _decode(self.properties)


class Events(NamedTuple):
    """What one unit did, in order: by time, and at one instant in the order of happening.

    person  the name of today of whose events they are
    unit    the number of the visit or run among hers, from 1; 0 where the unit is the person
    """

    person: str
    unit: int
    happenings: Sequence[Happening]


def beside(people: Iterable[tuple[str, T]], events: Iterable[Events]) -> Iterator[tuple[str, T, Sequence[Happening]]]:
    """Each of these people with what is known of her, and with her events, if there are any.

    people, events  both by the names of people, in the order of bytes, and each person once
    """
    told = iter(events)
    newest = next(told, None)
    for person, known in people:
        while newest is not None and newest.person.encode() < person.encode():
            newest = next(told, None)
        yield person, known, newest.happenings if newest is not None and newest.person == person else ()


MISSING_GROUP: Final = "(missing)"
"""What the group is called of those who lack what groups go by."""

EMPTY_GROUP: Final = "(empty)"
"""What the group is called of those who have an empty text there, which is another thing and would not be seen."""


def label(text: str | None) -> str:
    """What a text is called among groups, nodes and keys, so that it can be told from others and be seen.

    Itself; `(missing)` where there is none, `(empty)` for an empty one, and of blanks alone as JSON.
    """
    if text is None:
        return MISSING_GROUP
    if not text:
        return EMPTY_GROUP
    return msgspec.json.encode(text).decode() if text.isspace() else text
