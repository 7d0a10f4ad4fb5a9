"""The syntax tree of an expression: each node is one construct that an author wrote, with its text and column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

ROOTS: Final = ("event", "entry", "profile", "run")

ROW: Final = "row"
CONTEXT: Final = "context"
OFFER: Final = "offer"
OFFERS: Final = "offers"

MESSAGE: Final = "message"
"""The root of what sources read, whose parts are named without it (names.py)."""

OWN_ROOTS: Final = (ROW, CONTEXT, OFFER, OFFERS)
"""Roots that only some expressions have (roots.py)."""


@dataclass(frozen=True, slots=True)
class Part:
    """The base of all nodes: source text, and the column at which it begins."""

    text: str
    column: int


@dataclass(frozen=True, slots=True)
class Literal(Part):
    """A literal; null is MISSING."""

    value: object


@dataclass(frozen=True, slots=True)
class Path(Part):
    """A root and the keys below it: `event.cart.total`."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Identifier(Part):
    """An identifier that is no root: `now`, or a macro's variable."""


@dataclass(frozen=True, slots=True)
class Unary(Part):
    sign: str
    operand: Node


@dataclass(frozen=True, slots=True)
class BinaryOperation(Part):
    sign: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Chain(Part):
    """Two or more operands, all joined by `&&` or all by `||`."""

    sign: str
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice(Part):
    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Index(Part):
    base: Node
    key: Node


@dataclass(frozen=True, slots=True)
class FunctionCall(Part):
    """A call of a function, method or macro; `target` is the operand before the dot, if there is one."""

    name: str
    target: Node | None
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ListOf(Part):
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class MapOf(Part):
    pairs: tuple[tuple[Node, Node], ...]


Node: TypeAlias = (
    Literal | Path | Identifier | Unary | BinaryOperation | Chain | Choice | Index | FunctionCall | ListOf | MapOf
)  # fmt: skip


def nodes_of(tree: Node) -> Iterator[Node]:
    """The node itself and all below it."""
    yield tree
    for child in children(tree):
        yield from nodes_of(child)


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below this one, in the order in which they are written."""
    match node:
        case Literal() | Path() | Identifier():
            return ()
        case Unary():
            return (node.operand,)
        case BinaryOperation():
            return (node.left, node.right)
        case Chain():
            return node.operands
        case Choice():
            return (node.condition, node.then, node.otherwise)
        case Index():
            return (node.base, node.key)
        case FunctionCall():
            return node.arguments if node.target is None else (node.target, *node.arguments)
        case ListOf():
            return node.items
        case MapOf():
            return tuple(each for pair in node.pairs for each in pair)
    assert_never(node)
