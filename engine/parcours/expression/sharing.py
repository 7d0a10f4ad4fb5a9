"""The parts that conditions have in common: of one event each is looked at once, whichever journeys ask for it.

Journeys that begin with the same event often ask the same of it, besides what each asks alone. A chain of `&&` or `||`
that reads nothing but the event has the same value, and the same reasons, for all of them. Whoever has several
conditions looked at for one event gives their scope a place for these (`Scope.found`); elsewhere nothing is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, TypeAlias, TypeVar

from parcours.expression.dotted import joined_path
from parcours.expression.functions import FUNCTIONS, METHODS
from parcours.expression.nodes import Chain, FunctionCall, Identifier, Node, Path, nodes_of
from parcours.expression.operand import Operand
from parcours.expression.values import Scope

PartKey: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]
"""The text of a part, and the kind of each path in it."""

PURE: Final = frozenset({*FUNCTIONS, *METHODS, "has", "default"})
"""The calls that read nothing but their arguments."""

T = TypeVar("T")


def shared(operand: Operand, node: Chain, paths: Mapping[str, Operand], known: dict[PartKey, Operand]) -> Operand:
    """The operand of a chain, or the one that always has the same value.

    The first one keeps nothing, for there may be no second.

    paths  those that the expression reads
    known  of this compilation the operands that may be shared
    """
    if not _reads_event_alone(node):
        return operand
    read = sorted({joined_path(each.names) for each in nodes_of(node) if isinstance(each, Path)})
    key = node.text, tuple((path, paths[path].kind) for path in read)
    if key in known:
        return known[key]
    assert operand.why is not None, "a chain has parts"
    known[key] = replace(operand, evaluate=_once(operand.evaluate), why=_once(operand.why))
    return operand


def _reads_event_alone(tree: Node) -> bool:
    return all(
        each.names[0] == "event"
        if isinstance(each, Path)
        else each.name in PURE
        if isinstance(each, FunctionCall)
        else not isinstance(each, Identifier)
        for each in nodes_of(tree)
    )


def _once(evaluate: Callable[[Scope], T]) -> Callable[[Scope], T]:
    def find(scope: Scope) -> T:
        found = scope.found
        if found is None:
            return evaluate(scope)
        if evaluate not in found:
            found[evaluate] = evaluate(scope)
        value: T = found[evaluate]
        return value

    return find
