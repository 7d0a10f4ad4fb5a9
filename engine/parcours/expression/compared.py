"""With which literal texts does an expression compare its names, and which of them does it need to be one of these?

So it is known of `event.place == "studio" && profile.loyal` that it names the studio, and that it holds nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator

from parcours.expression.dotted import joined_path
from parcours.expression.nodes import BinaryOperation, Chain, ListOf, Literal, Node, Path, nodes_of

Texts = frozenset[str]


def texts_compared(tree: Node) -> dict[str, Texts]:
    """By dotted name, the texts with which it is compared anywhere: by `==`, `!=` and `in`."""
    found: dict[str, Texts] = {}
    for node in nodes_of(tree):
        for name, texts in _comparison(node, ("==", "!=", "in")):
            found[name] = found.get(name, frozenset()) | texts
    return found


def texts_confined(tree: Node) -> dict[str, Texts]:
    """By dotted name, the texts of which it has to be one: anything else makes the expression false."""
    parts = tree.operands if isinstance(tree, Chain) and tree.sign == "&&" else (tree,)
    found: dict[str, Texts] = {}
    for part in parts:
        for name, texts in _comparison(part, ("==", "in")):
            found[name] = found[name] & texts if name in found else texts
    return found


def _comparison(node: Node, signs: tuple[str, ...]) -> Iterator[tuple[str, Texts]]:
    if not isinstance(node, BinaryOperation) or node.sign not in signs:
        return
    sides = [(node.left, node.right)] if node.sign == "in" else [(node.left, node.right), (node.right, node.left)]
    for name, other in sides:
        if isinstance(name, Path) and (texts := _texts(other)) is not None:
            yield joined_path(name.names), texts


def _texts(node: Node) -> Texts | None:
    """What a literal text says, or a list of them; None for everything else."""
    items = node.items if isinstance(node, ListOf) else (node,)
    texts = [item.value for item in items if isinstance(item, Literal) and isinstance(item.value, str)]
    return frozenset(texts) if texts and len(texts) == len(items) else None
