"""How names and texts are written in SQL, and which name something gets where its own is taken.

DuckDB tells names by their letters, whether upper or lower case.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from itertools import count
from typing import Final

from parcours.core.time_text import time_text

KNOWN_PART: Final = "known_part"
"""The function in SQL that leaves of a reason what may be told to everybody, as `known_words.known_part`."""

KNOWN_CODE: Final = "known_code"
"""The same of a code."""


def identifier(name: str) -> str:
    """A name in SQL, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text in SQL, whatever it holds."""
    return "'" + text.replace("'", "''") + "'"


def instant(at_ms: int) -> str:
    """An instant in SQL."""
    return f"{literal(time_text(at_ms))}::timestamptz"


def within(column: str, from_ms: int | None, to_ms: int | None) -> str:
    """A condition in SQL: the instant is in the window. What has none is in the open window only."""
    since = [] if from_ms is None else [f"{column} >= {instant(from_ms)}"]
    until = [] if to_ms is None else [f"{column} < {instant(to_ms)}"]
    return " and ".join([*since, *until]) or "true"


def segment(number: int) -> str:
    """A condition in SQL: the person is in the segment of this number, of those that the warehouse knows."""
    listed = f"person in (select person from hidden.segment_{number})"
    return f"({listed}) <> (select all_but from hidden.segments where number = {number})"


def free_name(name: str, taken: AbstractSet[str], prefix: str = "") -> str:
    """The name if it is free, else with what is to stand before it, else numbered from 2 on.

    taken  names in lower case
    """
    for each in (name, f"{prefix}{name}"):
        if each.lower() not in taken:
            return each
    return next(each for number in count(2) if (each := f"{prefix}{name}_{number}").lower() not in taken)
