"""The check of given properties and traits against what the project declares of them; what does not fit is a warning.

The engine takes any value, live too: nothing reads what is not declared, and a value of another kind compares as false.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from parcours.expression.dotted import joined_path
from parcours.expression.kinds import in_words
from parcours.expression.names import kind_at, united
from parcours.expression.values import MISSING, to_date, to_timestamp
from parcours.journey.compile.declarations import declarations_of
from parcours.journey.project import Project
from parcours.journey.read.finding import Margin, shown
from parcours.wording import nearest, quoted


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


FITS: Final[Mapping[str, Callable[[object], bool]]] = {
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "integer": lambda value: _is_number(value) and float(value).is_integer(),  # type: ignore[arg-type]
    "boolean": lambda value: isinstance(value, bool),
    "timestamp": lambda value: to_timestamp(value) is not MISSING,
    "date": lambda value: to_date(value) is not MISSING,
    "object": lambda value: isinstance(value, Mapping),
    "list": lambda value: isinstance(value, list | tuple),
}
"""For each kind that documents declare, whether a value is of it. Null is nothing, and fits everywhere."""


class Declared:
    """The declared events and traits of a project."""

    def __init__(self, project: Project) -> None:
        events = project.documents.events.events
        self._types: dict[str, list[str]] = {}
        for name, event in events.items():
            for each in {name, event.of} - {None}:
                self._types.setdefault(str(each), []).append(name)
        self._properties = declarations_of(project.documents).events
        zones = dict.fromkeys(project.program.zone_traits, "any")  # read though profile.yaml need not declare them
        self._traits = {**zones, **project.program.trait_kinds}

    @property
    def events(self) -> Mapping[str, object]:
        """The names that an event may have: those of types, and those that rule-based types are of."""
        return self._types

    def check_properties(self, event: str, properties: Mapping[str, object], margin: Margin) -> None:
        """Warn of properties that no type of the event declares, and of values of another kind."""
        if event in self._types:
            declared = united(self._properties[name] for name in self._types[event])
            _check(properties, declared, "property", margin)

    def check_traits(self, traits: Mapping[str, object], margin: Margin) -> None:
        """Warn of traits that profile.yaml does not declare, and of values of another kind."""
        _check(traits, self._traits, "trait", margin)


def _check(
    values: Mapping[str, object], declared: Mapping[str, str], what: str, margin: Margin, above: str = ""
) -> None:
    for name, value in values.items():
        path = above + joined_path([name])
        kind = kind_at(declared, path)
        if kind is None:
            margin.warn(f"{what} {quoted(path)} is not declared{nearest(path, declared)}: nothing reads it", name)
        elif value is not None and kind in FITS and not FITS[kind](value):
            margin.warn(
                f"{what} {quoted(path)} is {in_words(kind)} by its declaration, and {shown(value)} is none", name
            )
        elif isinstance(value, Mapping):
            _check(value, declared, what, margin.below(name), f"{path}.")
