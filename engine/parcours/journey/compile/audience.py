"""The check that an audience's changes by time are known in advance, which restricts how it may use `now`.

`now` may be compared with a timestamp plus or minus a duration: the comparison's change times are then known. They are
not for any other use, such as `now.getHours() > 9`.
"""

from __future__ import annotations

from typing import Final

from parcours.expression import nodes
from parcours.expression.syntax import ExpressionError
from parcours.expression.trees import Trees

_ORDERINGS: Final = frozenset({"<", "<=", ">", ">=", "==", "!="})


def now_misuse(text: str, trees: Trees) -> str | None:
    """The complaint about any use of `now` but a comparison with a timestamp; None if there is none."""
    try:
        tree = trees.of(text)
    except ExpressionError:
        return None
    if _plain(tree):
        return None
    return "in an audience 'now' may only be compared with a timestamp plus or minus a duration"


def _plain(node: nodes.Node) -> bool:
    if not _names_now(node):
        return True
    if isinstance(node, nodes.BinaryOperation) and node.sign in _ORDERINGS:
        sides = (node.left, node.right)
        return sum(map(_names_now, sides)) == 1 and all(_moved(side) or not _names_now(side) for side in sides)
    if isinstance(node, nodes.Chain):
        return all(map(_plain, node.operands))
    return isinstance(node, nodes.Unary) and node.sign == "!" and _plain(node.operand)


def _moved(node: nodes.Node) -> bool:
    """Whether it is `now`, plus or minus something without `now`."""
    if isinstance(node, nodes.BinaryOperation) and node.sign in ("+", "-"):
        return _moved(node.left) and not _names_now(node.right)
    return isinstance(node, nodes.Identifier) and node.text == "now"


def _names_now(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Identifier):
        return node.text == "now"
    return any(map(_names_now, nodes.children(node)))
