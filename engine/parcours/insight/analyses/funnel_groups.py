"""Into which groups does a unit of a funnel, or an event of a metric, fall?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias, TypeVar

import msgspec

from parcours.core.paths import pick_at
from parcours.expression.dotted import split_path
from parcours.insight.analyses.happenings import MISSING_GROUP, Events, Happening, label

GroupsOf: TypeAlias = Callable[[Events, Happening], tuple[str, ...]]
"""The groups of a unit, told from it and from an event: of a funnel the first of its match, of a metric each counted.

One group for a trait or a property, `(missing)` where there is none; any number where groups overlap, as segments do.
"""

T = TypeVar("T")

OTHER: Final = "(other)"
"""What is too rare to be named, together."""

_encode: Final = msgspec.json.Encoder().encode


def group_name(value: object) -> str:
    """What the group of a value is called: of texts and of null the label, of anything else its JSON."""
    return label(value) if value is None or isinstance(value, str) else _encode(value).decode()


def by_property(path: str) -> GroupsOf:
    """Groups by a property of the event, by its dotted path."""
    keys = split_path(path)
    return lambda unit, happening: (group_name(pick_at(happening.decoded(), keys)),)


def by_person(values: Mapping[str, object]) -> GroupsOf:
    """Groups by something that is known of each person, such as a trait; `(missing)` for whom it is not."""
    return lambda unit, happening: (group_name(values.get(unit.person)),)


def in_order(groups: Mapping[str, T]) -> dict[str, T]:
    """By name, those who lack what groups go by last."""
    return {name: groups[name] for name in sorted(groups, key=_last_if_missing)}


def _last_if_missing(name: str) -> tuple[bool, str]:
    return name == MISSING_GROUP, name


def most_frequent(counts: Iterable[tuple[str, int]], most: int | None = None) -> list[tuple[str, int]]:
    """So many of them, or all, with the highest count first, and by name where counts are equal."""
    return sorted(counts, key=lambda each: (-each[1], each[0]))[:most]
