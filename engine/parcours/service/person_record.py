"""Everything that is held of one person, in all places, as one document: what she may ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from parcours.config import DAY_MS
from parcours.core.fact import Fact
from parcours.core.profile import Profile
from parcours.core.series_entries import SeriesEntries
from parcours.core.time_text import time_text
from parcours.expression.definition_keys import plain
from parcours.insight.whose_facts import together
from parcours.shard.person_requests import Held

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """
    person  the name under which she lives
    names   those that were merged into her
    held    what her shard holds now, and those of her names
    facts   all that is told of her, in the order of happening
    events  rows of the table of events, by column, in that order
    lines   her inputs as they came, as far as they are kept, each with its effective time in ms
    """

    person: str
    names: list[str]
    held: Held
    facts: list[Fact]
    events: list[dict[str, Any]]
    lines: list[tuple[int, bytes]]

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        held: Sequence[Held],
        facts: Iterable[Fact],
        events: Iterable[dict[str, Any]],
        lines: Iterable[tuple[int, bytes]],
    ) -> PersonRecord:
        """All of it under these names, of which the first is that under which she lives, put together."""
        told: dict[str, list[Fact]] = {name: [] for name in (*names[1:], names[0])}
        for fact in facts:
            told[fact.person].append(fact)
        return cls(
            names[0],
            [*names[1:]],
            Held(
                held[0].profile,
                [entry for each in held for entry in each.outbox],
                [place for each in held for place in each.reached],
                [letter for each in held for letter in each.letters],
            ),
            together(told.values()),
            sorted(events, key=lambda row: int(row["time"])),
            sorted(lines, key=lambda line: line[0]),
        )

    @property
    def is_anything(self) -> bool:
        """Whether there is anything."""
        return self.held.is_anything or bool(self.facts or self.events or self.lines)

    def document(self) -> Iterator[bytes]:
        """The document, an object of JSON, piece by piece."""
        yield b'{"person":' + _encode(self.person)
        yield b',"names":' + _encode(self.names)
        yield b',"profile":' + _encode(None if self.held.profile is None else _profile(self.held.profile))
        yield b',"outbox":' + _encode([named(each) for each in self.held.outbox])
        reached = [{"address_hash": found, "last": time_text(day * DAY_MS)[:10]} for found, day in self.held.reached]
        yield b',"reached":' + _encode(reached)
        yield b',"dead_letters":' + _encode([named(each) for each in self.held.letters])
        yield from _list("facts", (fact_told(fact, self.person) for fact in self.facts))
        yield from _list("events", map(_row, self.events))
        yield from _list("lines", ({"at": time_text(at), "line": _line(line)} for at, line in self.lines))
        yield b"}\n"


def fact_told(fact: Fact, owner: str) -> dict[str, Any]:
    """A fact as JSON has it: what it is, when it happened, under which name if not the owner's, and what it says."""
    fields = {name: getattr(fact, name) for name in fact.__struct_fields__ if name not in ("at", "person")}
    under = {} if fact.person == owner else {"under": fact.person}
    return {"fact": fact.__struct_config__.tag, "at": time_text(fact.at), **under, **fields}


def named(value: object) -> Any:
    """The value with the names of its fields, as JSON can write it."""
    if isinstance(value, SeriesEntries):
        return [{"at": value.time(place), "value": value.total(place, place + 1)} for place in range(len(value))]
    if isinstance(value, msgspec.Struct):
        return {name: named(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, dict):
        return {str(key): named(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [named(each) for each in value]
    return _line(value) if isinstance(value, bytes) else value


def _profile(profile: Profile) -> dict[str, Any]:
    """The profile, its ended runs as runs and its histories by the names that authors have given."""
    told = {name: named(getattr(profile, name)) for name in profile.__struct_fields__ if name != "archives"}
    told["audiences"] = {plain(key): inside for key, inside in profile.audiences.items()}
    return told | {"ended_runs": [named(run) for run in profile.past]}


def _row(row: dict[str, Any]) -> dict[str, Any]:
    told = {name: value for name, value in row.items() if name not in ("shard", "record", "n", "person")}
    told["time"] = time_text(row["time"])
    if row["sent_at"] is not None:
        told["sent_at"] = row["sent_at"].isoformat()
    return told | {"properties": None if row["properties"] is None else msgspec.Raw(row["properties"].encode())}


def _line(data: bytes) -> Any:
    """What is JSON stands as it is; anything else as text, as far as it is one."""
    try:
        msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return data.decode(errors="replace")
    return msgspec.Raw(data)


def _list(name: str, values: Iterable[object]) -> Iterator[bytes]:
    """A list of the document, as many pieces as it has values."""
    yield b',"' + name.encode() + b'":['
    for number, value in enumerate(values):
        yield (b"," if number else b"") + _encode(value)
    yield b"]"
