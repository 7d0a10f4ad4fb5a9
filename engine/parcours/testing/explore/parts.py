"""What does a compiled project turn on? Its constants, lengths of time, instants and reactions, found by looking.

The compiled form is walked as it is, whatever kinds of steps it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Final, TypeVar

from parcours.config import DAY_MS, HOUR_MS, MINUTE_MS
from parcours.core.feedback import OUTCOMES
from parcours.journey import syntax
from parcours.journey.expression import Expression
from parcours.journey.program import Program, Send

T = TypeVar("T")

INSTANTS: Final = frozenset({"at_ms", "starts_ms", "ends_ms"})
"""Fields that name a moment; every other one in milliseconds is a length of time."""

USUAL_MS: Final = (0, MINUTE_MS, HOUR_MS, DAY_MS)


@dataclass(frozen=True, slots=True)
class Parts:
    """
    constants   what a path is compared with, by path such as `event.cart.total`
    lengths_ms  every length of time that the project names, and the usual ones
    instants_ms every moment that it names
    reactions   those to messages that steps listen for, and the usual ones
    addresses   the channel for which a path gives the address
    """

    constants: Mapping[str, tuple[object, ...]]
    lengths_ms: tuple[int, ...]
    instants_ms: tuple[int, ...]
    reactions: tuple[str, ...]
    addresses: Mapping[str, str]


def parts_of(program: Program) -> Parts:
    """Everything that traffic has to come near to in order to take every way."""
    numbers = list(_numbers(program))
    listened = {value for name, value in _fields(program) if name == "reaction" and isinstance(value, str)}
    return Parts(
        constants=_constants(program),
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
        if name.endswith("_ms") and isinstance(value, int) and not isinstance(value, bool):
            yield name, value


def _constants(program: Program) -> dict[str, tuple[object, ...]]:
    found: dict[str, list[object]] = {}
    for expression in _found(program, Expression):
        for node in _nodes(syntax.parse(expression.text)):
            if isinstance(node, syntax.Binary):
                for path, constant in (*_compared(node.left, node.right), *_compared(node.right, node.left)):
                    found.setdefault(path, []).append(constant)
    return {path: tuple(dict.fromkeys(constants)) for path, constants in sorted(found.items())}


def _compared(side: syntax.Node, other: syntax.Node) -> Iterator[tuple[str, object]]:
    if not isinstance(side, syntax.Path):
        return
    path = ".".join(side.names).replace("entry.", "event.", 1)
    for each in other.items if isinstance(other, syntax.ListOf) else (other,):
        if isinstance(each, syntax.Literal) and isinstance(each.value, str | int | float | bool):
            yield path, each.value


def _nodes(node: object) -> Iterator[object]:
    yield node
    if isinstance(node, syntax.Part):
        for field in fields(node):
            value = getattr(node, field.name)
            for child in value if isinstance(value, tuple) else (value,):
                if isinstance(child, syntax.Part):
                    yield from _nodes(child)
