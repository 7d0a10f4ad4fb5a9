"""Are traits those of the newest row of the table of people, and of what changed since?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import cast

import pytest

from parcours.errors import CallerError
from parcours.insight.asking.profiles import known_traits
from parcours.insight.warehouse.questions import Questions
from parcours.insight.warehouse.told_rows import ToldTraits, Traits
from parcours.journey.disclosure import Disclosure

KINDS = {"city": "string", "tags": "list", "since": "timestamp", "born": "date", "address.zip": "string"}
DISCLOSURE = Disclosure(kinds=KINDS, told_traits=frozenset({"city", "address.zip"}))  # type: ignore[arg-type]


class Told:
    """The two questions for traits, answered from lists."""

    def __init__(self, table: list[Traits], changes: list[ToldTraits]) -> None:
        self._table, self._changes = table, changes

    def traits(self) -> Iterator[Traits]:
        return iter(self._table)

    def told_traits(self) -> Iterator[ToldTraits]:
        return iter(self._changes)


def known(table: list[Traits], changes: list[ToldTraits], *paths: str) -> dict[str, object]:
    questions = cast("Questions", Told(table, changes))
    return dict(known_traits(questions, DISCLOSURE, paths))


def row(person: str, taken: int, **traits: object) -> Traits:
    return Traits(person, taken, {path.replace("_", "."): value for path, value in traits.items()}, [], [])


def test_columns_are_told_as_events_have_traits() -> None:
    since, born = datetime(2026, 1, 1, tzinfo=UTC), date(2000, 2, 29)

    assert known([row("u", 5, city=None, tags='["a"]', since=since, born=born, address_zip="1")], []) == {
        "u": {"tags": ["a"], "since": "2026-01-01T00:00:00.000Z", "born": "2000-02-29", "address": {"zip": "1"}}
    }


def test_what_changed_after_a_row_was_taken_is_newer() -> None:
    table = [row("u", 5, city="Oslo", address_zip="1"), row("w", 5, city="Lille")]
    changes = [
        ToldTraits("u", {"city": (6, '"Rome"'), "address.zip": (6, "null")}),
        ToldTraits("v", {"city": (1, '"Bonn"')}),
        ToldTraits("w", {"city": (5, '"Kiel"')}),  # in the row already
    ]

    assert known(table, changes, "city") == {
        "u": {"city": "Rome", "address": {}},
        "v": {"city": "Bonn"},
        "w": {"city": "Lille"},
    }


def test_without_rows_a_trait_has_to_be_told_in_changes() -> None:
    assert known([], [], "city", "address") == {}
    with pytest.raises(CallerError, match=r"no changes of tags: declare it in profile.yaml with `insight: true`"):
        known([], [], "city", "tags")
    assert known([row("u", 5, city="Oslo")], [], "tags") == {"u": {"city": "Oslo"}}
