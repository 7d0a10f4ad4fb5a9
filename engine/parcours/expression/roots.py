"""Roots that only some expressions have: `row` in campaigns, `context` and `offer` where offers are chosen, `offers` at
the steps of a journey that has chosen some, and the parts of a message that a source has read.

The parser takes them for names that a macro may give, since elsewhere they are. Here what stands below them becomes a
path.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, TypeAlias, assert_never

from parcours.expression import nodes
from parcours.expression.dotted import joined_path
from parcours.expression.macros import MACROS
from parcours.expression.nodes import ROW

Roots: TypeAlias = Mapping[str, tuple[str, ...]]
"""Names that are roots, each with the path that it begins."""

ROW_ALONE: Final[Roots] = {ROW: (ROW,)}


def with_roots(node: nodes.Node, roots: Roots) -> nodes.Node:
    """The tree in which these names are roots, but for where a macro has named its elements so."""
    if not roots:
        return node

    def within(part: nodes.Node) -> nodes.Node:
        return with_roots(part, roots)

    match node:
        case nodes.Literal() | nodes.Path():
            return node
        case nodes.Identifier():
            return nodes.Path(node.text, node.column, roots[node.text]) if node.text in roots else node
        case nodes.Unary():
            return replace(node, operand=within(node.operand))
        case nodes.BinaryOperation():
            return replace(node, left=within(node.left), right=within(node.right))
        case nodes.Chain():
            return replace(node, operands=tuple(map(within, node.operands)))
        case nodes.Choice():
            return replace(
                node,
                condition=within(node.condition),
                then=within(node.then),
                otherwise=within(node.otherwise),
            )
        case nodes.Index():
            return _below(node, within(node.base), within(node.key))
        case nodes.FunctionCall():
            return _called(node, roots)
        case nodes.ListOf():
            return replace(node, items=tuple(map(within, node.items)))
        case nodes.MapOf():
            return replace(node, pairs=tuple((within(key), within(value)) for key, value in node.pairs))
    assert_never(node)


def _below(node: nodes.Index, base: nodes.Node, key: nodes.Node) -> nodes.Node:
    """A literal key below a path makes a longer path, as the parser has it for other roots."""
    if isinstance(base, nodes.Path) and isinstance(key, nodes.Literal) and isinstance(key.value, str):
        return nodes.Path(node.text, node.column, (*base.names, key.value))
    return replace(node, base=base, key=key)


def _called(node: nodes.FunctionCall, roots: Roots) -> nodes.FunctionCall:
    target = None if node.target is None else with_roots(node.target, roots)
    variable = node.arguments[0] if node.target is not None and node.name in MACROS and node.arguments else None
    if isinstance(variable, nodes.Identifier):
        roots = {root: path for root, path in roots.items() if root != variable.text}
    return replace(node, target=target, arguments=tuple(with_roots(each, roots) for each in node.arguments))


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
