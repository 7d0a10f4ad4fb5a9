"""The parts of a compiled project that its behaviour depends on: constants, durations, instants and reactions.

The compiled form is walked generically, whatever kinds of steps it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Final, TypeAlias, TypeVar

from parcours.config import DAY_MS, HOUR_MS, MINUTE_MS
from parcours.core.delivery.feedback import OUTCOMES
from parcours.expression import nodes
from parcours.expression.change_times import MIRRORED
from parcours.expression.dotted import joined_path
from parcours.expression.expression import Expression
from parcours.expression.syntax import parse
from parcours.journey.program import Program, Send

T = TypeVar("T")

INSTANTS: Final = frozenset({"at_ms", "starts_ms", "ends_ms"})
"""Fields that are instants; all others in milliseconds are durations."""

UNFELT: Final = frozenset({"insight"})
"""Durations by which nothing happens to anybody."""

BEYOND: Final[Mapping[str, tuple[int, ...]]] = {"<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (0, 1), "!=": (-1, 1)}
"""Offsets to a number by which it is less, more or another; for every other sign it is the number itself."""

PLACES_NEAR: Final = 5
"""So many places, the first of them, are come to by a crossing."""

USUAL_MS: Final = (0, MINUTE_MS, HOUR_MS, DAY_MS)


@dataclass(frozen=True, slots=True)
class Parts:
    """What traffic is generated from.

    constants   what a path is compared with, by path such as `event.cart.total`
    meeting     values with which such a comparison holds
    lengths_ms  every duration in the project, and the usual ones
    instants_ms every instant in it
    reactions   those to messages that steps listen for, and the usual ones
    addresses   the channel for which a path gives the address
    quiet_minutes  the minutes of the day at which quiet hours begin or end
    """

    constants: Mapping[str, tuple[object, ...]]
    meeting: Mapping[str, tuple[object, ...]]
    lengths_ms: tuple[int, ...]
    instants_ms: tuple[int, ...]
    reactions: tuple[str, ...]
    addresses: Mapping[str, str]
    quiet_minutes: tuple[int, ...]


def parts_of(program: Program) -> Parts:
    """Everything that traffic has to come near in order to take every way."""
    numbers = list(_numbers(program))
    compared = [*_comparisons(program), *_places_told(program)]
    listened = {value for name, value in _fields(program) if name == "reaction" and isinstance(value, str)}
    return Parts(
        constants=_by_path((path, constant) for path, _, constant in compared),
        meeting=_by_path((path, value) for path, sign, constant in compared for value in _meeting(sign, constant)),
        lengths_ms=tuple(
            sorted({*USUAL_MS, *(value for name, value in numbers if name not in INSTANTS and value > 0)})
        ),
        instants_ms=tuple(sorted({value for name, value in numbers if name in INSTANTS})),
        reactions=tuple(sorted((listened & OUTCOMES.keys() - {"answered"}) | {"opened", "clicked"})),
        addresses={
            path.replace("entry.", "event.", 1): channel
            for send in _found(program, Send)
            for channel, address in send.to.items()
            for path in address.paths
        },
        quiet_minutes=tuple(
            sorted(
                {minute for hours in program.policies.quiet_hours for minute in (hours.from_minute, hours.until_minute)}
            )
        ),
    )


def _children(value: object) -> Iterator[object]:
    if isinstance(value, Expression):
        return
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield getattr(value, field.name)
    elif isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, tuple | list):
        yield from value


def _found(value: object, kind: type[T]) -> Iterator[T]:
    if isinstance(value, kind):
        yield value
    for child in _children(value):
        yield from _found(child, kind)


def _fields(value: object) -> Iterator[tuple[str, object]]:
    """Every field of every part, with its name."""
    if is_dataclass(value) and not isinstance(value, type | Expression):
        for field in fields(value):
            yield field.name, getattr(value, field.name)
    for child in _children(value):
        yield from _fields(child)


def _numbers(program: Program) -> Iterator[tuple[str, int]]:
    for name, value in _fields(program):
        if name.endswith("_ms") and name not in UNFELT and isinstance(value, int) and not isinstance(value, bool):
            yield name, value


Comparison: TypeAlias = tuple[str, str, object]
"""A path, the sign, and the constant on its other side."""


def _comparisons(program: Program) -> Iterator[Comparison]:
    for expression in _found(program, Expression):
        for node in nodes.nodes_of(parse(expression.text)):
            if isinstance(node, nodes.BinaryOperation):
                yield from _compared(node.left, node.sign, node.right)
                yield from _compared(node.right, MIRRORED.get(node.sign, node.sign), node.left)


def _places_told(program: Program) -> Iterator[Comparison]:
    """What the events that tell of places have to say for somebody to come into one of the first, or to leave it."""
    near = tuple(program.places.by_name.values())[:PLACES_NEAR]
    for event in program.events.values() if near else ():
        if event.location is not None:
            box = near[0].shape.box(0.0)
            middle = (box.south + box.north) / 2, (box.west + box.east) / 2
            yield from _told_by(event.location.latitude, middle[:1])
            yield from _told_by(event.location.longitude, middle[1:])
            yield from _told_by(event.location.accuracy, (near[0].rules.accuracy_max_m,))
        if event.crossing is not None:
            yield from _told_by(event.crossing.place, [place.name for place in near])
            yield from _told_by(event.crossing.way, ("enter", "exit"))


def _told_by(expression: Expression | None, values: Iterable[object]) -> Iterator[Comparison]:
    """The values for the path that the expression is; none where it is more than that."""
    if expression is not None and isinstance(path := parse(expression.text), nodes.Path):
        yield from ((joined_path(path.names), "==", value) for value in values)


def _compared(side: nodes.Node, sign: str, other: nodes.Node) -> Iterator[Comparison]:
    if not isinstance(side, nodes.Path):
        return
    path = joined_path(side.names).replace("entry.", "event.", 1)
    for each in other.items if isinstance(other, nodes.ListOf) else (other,):
        if isinstance(each, nodes.Literal) and isinstance(each.value, str | int | float | bool):
            yield path, sign, each.value


def _meeting(sign: str, constant: object) -> Iterator[object]:
    """Values for which the comparison holds; none for a boolean, which traffic draws at random anyway."""
    if isinstance(constant, str):
        if sign in ("==", "in", "<=", ">="):
            yield constant
    elif isinstance(constant, int | float) and not isinstance(constant, bool):
        yield from (constant + step for step in BEYOND.get(sign, (0,)))


def _by_path(found: Iterable[tuple[str, object]]) -> dict[str, tuple[object, ...]]:
    whole: dict[str, list[object]] = {}
    for path, value in found:
        whole.setdefault(path, []).append(value)
    return {path: tuple(dict.fromkeys(values)) for path, values in sorted(whole.items())}
