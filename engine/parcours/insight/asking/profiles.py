"""What is known of people's traits: the newest row of the table of people, and the changes that were told since.

A simulation writes no table of people, and a store has one only from the first day on which its exporter ran; changes
are told of traits that are declared with `insight: true`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from heapq import merge
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from parcours.core.time_text import time_text
from parcours.errors import CallerError
from parcours.expression.dotted import split_path
from parcours.insight.warehouse.told_rows import ToldTraits, Traits
from parcours.instants import ceil_ms

if TYPE_CHECKING:
    from parcours.insight.warehouse.questions import Questions
    from parcours.journey.disclosure import Disclosure

_AS_JSON: Final = ("object", "list")
"""Kinds of traits of which the table of people has the JSON."""

_decode: Final = msgspec.json.Decoder().decode


class KnownTraits(NamedTuple):
    """The traits of one person, as conditions see them in `profile`."""

    person: str
    traits: dict[str, Any]


def known_traits(questions: Questions, disclosure: Disclosure, paths: Iterable[str]) -> Iterator[KnownTraits]:
    """The traits of each person of whom any are known, by name.

    paths  those that are needed. Raises CallerError where facts cannot have one of them.
    """
    rows = questions.traits()
    first = next(rows, None)
    if first is None:
        _check_told(disclosure, paths)
    table: Iterator[Traits | ToldTraits] = rows if first is None else chain([first], rows)
    # Of one person the row of the table comes first: it stands first among what is merged.
    together = merge(table, questions.told_traits(), key=lambda each: each.person.encode())
    for person, known in groupby(together, lambda each: each.person):
        yield KnownTraits(person, _together(known, disclosure.kinds))


def _check_told(disclosure: Disclosure, paths: Iterable[str]) -> None:
    """Raises CallerError for a trait whose changes are not told: without a table of people nothing is known of it."""
    told = [split_path(each) for each in disclosure.told_traits]
    for path in paths:
        keys = split_path(path)
        if not any(each[: len(keys)] == keys[: len(each)] for each in told):
            raise CallerError(
                f"these facts have no table of people, and no changes of {path}: declare it in profile.yaml with "
                "`insight: true` and simulate again, or ask a store that exports people"
            )


def _together(known: Iterable[Traits | ToldTraits], kinds: Mapping[str, str]) -> dict[str, Any]:
    """The traits of one person: as the table has them, and then what changed after it was taken."""
    traits, taken = dict[str, Any](), -1
    for each in known:
        if isinstance(each, Traits):
            taken = each.taken
            for path, value in sorted(each.traits.items()):  # an object before what lies in it
                _set(traits, path, _as_told(value, kinds.get(path)))
        else:
            for path, (at, value) in sorted(each.values.items()):
                if at > taken:
                    _set(traits, path, _decode(value))
    return traits


def _as_told(value: object, kind: str | None) -> object:
    """A value of a column as events have it."""
    match value:
        case datetime():
            return time_text(ceil_ms(value))
        case date():
            return value.isoformat()
        case str() if kind in _AS_JSON:
            return _decode(value)
        case _:
            return value


def _set(traits: dict[str, Any], path: str, value: object) -> None:
    *above, last = split_path(path)
    for key in above:
        inner = traits.get(key)
        if not isinstance(inner, dict):
            if value is None:
                return
            inner = traits[key] = {}
        traits = inner
    if value is None:
        traits.pop(last, None)
    else:
        traits[last] = value
