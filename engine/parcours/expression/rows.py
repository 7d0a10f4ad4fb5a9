"""The root `row`: in the expressions of campaigns, and nowhere else, it is one, and no name that a macro may give.

The parser takes it for a name, since elsewhere it is one. Here what stands below it becomes a path.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from parcours.expression import nodes
from parcours.expression.dotted import joined_path
from parcours.expression.macros import MACROS
from parcours.expression.nodes import ROW


def with_rows(node: nodes.Node) -> nodes.Node:
    """The tree in which `row` is a root, but for where a macro has named its elements so."""
    match node:
        case nodes.Literal() | nodes.Path():
            return node
        case nodes.Identifier():
            return nodes.Path(node.text, node.column, (ROW,)) if node.text == ROW else node
        case nodes.Unary():
            return replace(node, operand=with_rows(node.operand))
        case nodes.BinaryOperation():
            return replace(node, left=with_rows(node.left), right=with_rows(node.right))
        case nodes.Chain():
            return replace(node, operands=tuple(map(with_rows, node.operands)))
        case nodes.Choice():
            return replace(
                node,
                condition=with_rows(node.condition),
                then=with_rows(node.then),
                otherwise=with_rows(node.otherwise),
            )
        case nodes.Index():
            return _below(node, with_rows(node.base), with_rows(node.key))
        case nodes.FunctionCall():
            return _called(node)
        case nodes.ListOf():
            return replace(node, items=tuple(map(with_rows, node.items)))
        case nodes.MapOf():
            return replace(node, pairs=tuple((with_rows(key), with_rows(value)) for key, value in node.pairs))
    assert_never(node)


def _below(node: nodes.Index, base: nodes.Node, key: nodes.Node) -> nodes.Node:
    """A literal key below a path makes a longer path, as the parser has it for other roots."""
    if isinstance(base, nodes.Path) and isinstance(key, nodes.Literal) and isinstance(key.value, str):
        return nodes.Path(node.text, node.column, (*base.names, key.value))
    return replace(node, base=base, key=key)


def _called(node: nodes.FunctionCall) -> nodes.FunctionCall:
    target = None if node.target is None else with_rows(node.target)
    variable = node.arguments[0] if node.target is not None and node.name in MACROS and node.arguments else None
    if isinstance(variable, nodes.Identifier) and variable.text == ROW:
        return replace(node, target=target)
    return replace(node, target=target, arguments=tuple(map(with_rows, node.arguments)))


def indexed_in_rows(node: nodes.Node) -> list[tuple[str, str, int]]:
    """Each `row.LIST[number].KEY` of a tree in which `row` is a root, with the column of its text."""
    found = []
    for each in nodes.nodes_of(node):
        if not (isinstance(each, nodes.Index) and isinstance(each.key, nodes.Literal)):
            continue
        within, key = each.base, each.key.value
        if not isinstance(within, nodes.Index):
            continue
        if isinstance(within.base, nodes.Path) and within.base.names[0] == ROW and isinstance(key, str):
            found.append((joined_path(within.base.names[1:]), key, each.column))
    return found
