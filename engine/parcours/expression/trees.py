"""Which texts have been read before? Each is read once in a process, and its tree can be handed to another process.

Reading takes the grammar, and to set that up takes a process longer than to compile a small project.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from parcours.expression.nodes import Literal, Node, nodes_of
from parcours.expression.syntax import parse

TEXTS_REMEMBERED: Final = 1_024
"""Texts whose tree is kept: all of a large project's, which says `profile.email` again and again."""

_trees: Final[dict[str, Node]] = {}


def tree_of(text: str) -> Node:
    """The tree of the text. Raises ExpressionError."""
    tree = _trees.get(text)
    if tree is None:
        tree = parse(text)
        take_over({text: tree})
    return tree


def known_trees(texts: Iterable[str]) -> dict[str, Node]:
    """The trees of those texts that have been read, and of what is written within them (the condition of a `count`)."""
    found: dict[str, Node] = {}
    waiting = list(texts)
    while waiting:
        text = waiting.pop()
        tree = _trees.get(text)
        if tree is not None and text not in found:
            found[text] = tree
            waiting += [
                node.value for node in nodes_of(tree) if isinstance(node, Literal) and isinstance(node.value, str)
            ]
    return found


def take_over(trees: Mapping[str, Node]) -> None:
    """Remember what has been read, here or in another process; the texts that came first are forgotten first."""
    _trees.update(trees)
    while len(_trees) > TEXTS_REMEMBERED:
        _trees.pop(next(iter(_trees)), None)
