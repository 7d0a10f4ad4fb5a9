"""The tables into which facts are exported, and that of inputs: their columns, in the order in which files have them.

A release may add columns; it never changes or takes one away, so whoever reads files of several releases puts them
together by the names of columns. `shard`, `record` and `n` come last in every table: together they identify a row, and
within one shard they are its order. `n` counts the kept lines of a record, then its facts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

from parcours.config import DAY_MS
from parcours.instants import EPOCH, to_moment
from parcours.journey.model.insight import FactTable, KeptTable

Kind: TypeAlias = Literal["string", "bytes", "time", "bool", "int16", "int32", "int64", "strings", "counts"]
"""time: milliseconds in UTC; strings: a list of them; counts: whole numbers by text."""

TABLES: Final[tuple[FactTable, ...]] = get_args(FactTable)

NO_FACTS: Final[frozenset[KeptTable]] = frozenset({"events", "campaign_steps", "people"})
"""The tables of which a row is no fact of anybody."""

LOOKED_AT: Final = "looks"
"""The table that keeps the rows of somebody erased, with a hash for her name."""

INPUT_TABLES: Final[tuple[KeptTable, ...]] = ("lines",)
"""What lies in the folder of inputs."""


class Column(NamedTuple):
    name: str
    kind: Kind = "string"
    nullable: bool = False


Value: TypeAlias = str | bytes | int | bool | list[str] | list[tuple[str, int]] | None
Row: TypeAlias = tuple[Value, ...]
"""The values of a row in the order of the table's columns; the first is its time in milliseconds, whatever it is
called.
"""

_FIRST: Final = (Column("time", "time"), Column("person"))
_LAST: Final = (Column("shard", "int16"), Column("record", "int64"), Column("n", "int32"))

PERSON_HAS: Final = (Column("audiences", "strings"), Column("consents", "strings"), Column("places", "strings"))
"""What the table of people has of each, behind a column for each declared trait (people_file.py)."""

COLUMNS: Final[Mapping[KeptTable, tuple[Column, ...]]] = {
    "events": (
        *_FIRST,
        Column("event"),
        Column("declared", "bool"),
        Column("message_id", nullable=True),
        Column("anonymous_id", nullable=True),
        Column("sent_at", "time", nullable=True),
        Column("properties", nullable=True),
        *_LAST,
    ),
    "moves": (
        *_FIRST,
        Column("kind"),
        Column("journey"),
        Column("version", "int32"),
        Column("run", "int32", nullable=True),
        Column("step", nullable=True),
        Column("what"),
        Column("why", nullable=True),
        Column("index", "int16", nullable=True),
        *_LAST,
    ),
    "deliveries": (
        *_FIRST,
        Column("kind"),
        Column("journey"),
        Column("version", "int32"),
        Column("run", "int32"),
        Column("step"),
        Column("visit", "int32"),
        Column("channel"),
        Column("message"),
        Column("class", nullable=True),
        Column("purpose", nullable=True),
        Column("address", nullable=True),
        Column("outcome"),
        Column("gate", nullable=True),
        Column("key"),
        Column("attempt", "int16"),
        Column("reason", nullable=True),
        Column("code", nullable=True),
        Column("link", nullable=True),
        Column("offer_keys", "strings", nullable=True),
        Column("machine", "bool", nullable=True),
        *_LAST,
    ),
    "unmet": (*_FIRST, Column("journey"), Column("version", "int32"), Column("event"), Column("why"), *_LAST),
    "unmatched": (*_FIRST, Column("reaction"), Column("why"), *_LAST),
    "limits": (*_FIRST, Column("setting"), Column("why"), Column("journey", nullable=True), *_LAST),
    "changes": (
        *_FIRST,
        Column("what"),
        Column("name"),
        Column("value", nullable=True),
        Column("by", nullable=True),
        Column("reason", nullable=True),
        Column("dwell", "int64", nullable=True),
        *_LAST,
    ),
    "publications": (
        *_FIRST,
        Column("journey"),
        Column("version", "int32"),
        Column("document"),
        Column("digest"),
        Column("by", nullable=True),
        *_LAST,
    ),
    "looks": (*_FIRST, Column("key"), Column("route"), *_LAST),
    "campaign_steps": (
        *_FIRST,
        Column("begins", "time", nullable=True),
        Column("campaign"),
        Column("version", "int32"),
        Column("run", "int32"),
        Column("step", nullable=True),
        Column("output"),
        Column("size", "int64"),
        Column("inflow", "int64"),
        Column("dropped", "counts"),
        *_LAST,
    ),
    "people": (Column("taken", "time"), Column("person"), *PERSON_HAS, *_LAST),
    "lines": (*_FIRST, Column("line", "bytes"), *_LAST),
}


def day_of(at_ms: int) -> date:
    """The day of a time in UTC."""
    return to_moment(at_ms // DAY_MS * DAY_MS).date()


def begins_ms(day: date) -> int:
    """When a day begins."""
    return (day - EPOCH.date()).days * DAY_MS
