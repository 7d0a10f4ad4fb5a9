"""How do a person's rows become a list, if the lists of all people do not fit into memory? So many people at a time.

DuckDB sorts what is larger than memory, but holds all lists that one query makes. The objects are sorted once, by whose
they are and their place, so that what is asked for next lies together.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from parcours.campaigns.sets.database import Database

OBJECTS: Final = 100_000
"""In memory at once; one person's are never taken apart."""

_PEOPLE: Final = 256
"""How many neighbours are counted together, which keeps the counts of ten million people few."""


def make_lists(database: Database, name: str, objects: str) -> None:
    """Make a table with the list of each person, as `value` by `first`.

    objects  the query for `first` (a number for each person), `place` within the list, and `value`
    """
    database.execute(f"CREATE TABLE objects AS SELECT * FROM ({objects}) ORDER BY first, place")
    database.execute(f"CREATE TABLE {name} AS {_lists('false')}")
    for begin, end in _parts(database):
        database.execute(f"INSERT INTO {name} {_lists(f'first >= {begin} AND first < {end}')}")
    database.execute("DROP TABLE objects")


def _lists(which: str) -> str:
    return f"SELECT first, list(value ORDER BY place) AS value FROM objects WHERE {which} GROUP BY first"


def _parts(database: Database) -> Iterator[tuple[int, int]]:
    """Ranges of people who have so many objects together."""
    counted = database.execute(
        f"SELECT first // {_PEOPLE} AS people, count(*) FROM objects GROUP BY people ORDER BY people"
    ).fetchall()
    begin = held = 0
    for people, objects in counted:
        if held and held + objects > OBJECTS:
            yield begin, people * _PEOPLE
            begin, held = people * _PEOPLE, 0
        held += objects
    if counted:
        yield begin, (counted[-1][0] + 1) * _PEOPLE
