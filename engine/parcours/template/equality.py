"""Where the Liquid library's expressions differ from Shopify's: what equals `blank`, and how long a range may be.

The library's parser makes the expressions, so they are given these classes after it. Each adds a rule and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from liquid import BoundTemplate, RenderContext
from liquid.ast import Node
from liquid.builtin.expressions.logical import EqExpression, NeExpression
from liquid.builtin.expressions.primitive import Blank, RangeLiteral
from liquid.builtin.tags.case_tag import _AnyExpression
from liquid.exceptions import ResourceLimitError
from liquid.expression import Expression

from parcours.template.nothing import is_nothing

RANGE_MAX: Final = 100_000
"""Longest range: `reversed` and filters make a list of it before any other limit is looked at."""


def is_blank(value: object) -> bool:
    """Nulls, missing names, false, and texts, lists and objects with nothing in them."""
    if isinstance(value, str):
        return not value or value.isspace()
    return value is False or is_nothing(value) or (isinstance(value, list | dict) and not value)


def _against_blank(left: object, right: object) -> bool | None:
    """Whether they are equal, if one of them is `blank`; else None. `blank` and `empty` are not equal."""
    if isinstance(left, Blank):
        return isinstance(right, Blank) or is_blank(right)
    return is_blank(left) if isinstance(right, Blank) else None


class Equal(EqExpression):
    __slots__ = ()

    def evaluate(self, context: RenderContext) -> bool:
        found = _against_blank(self.left.evaluate(context), self.right.evaluate(context))
        return bool(super().evaluate(context)) if found is None else found


class Different(NeExpression):
    __slots__ = ()

    def evaluate(self, context: RenderContext) -> bool:
        found = _against_blank(self.left.evaluate(context), self.right.evaluate(context))
        return bool(super().evaluate(context)) if found is None else not found


class AnyEqual(_AnyExpression):
    __slots__ = ()

    def evaluate(self, context: RenderContext) -> list[bool]:
        left = self.left.evaluate(context)
        found = [_against_blank(left, each.evaluate(context)) for each in self.expressions]
        return [old if new is None else new for new, old in zip(found, super().evaluate(context), strict=True)]


class BoundedRange(RangeLiteral):
    __slots__ = ()

    def evaluate(self, context: RenderContext) -> range:
        found = super().evaluate(context)
        if found.stop - found.start > RANGE_MAX:
            raise ResourceLimitError(f"a range exceeds the limit of {RANGE_MAX}", token=self.token)
        return found


REPLACED: Final[dict[type[Expression], type[Expression]]] = {
    EqExpression: Equal,
    NeExpression: Different,
    _AnyExpression: AnyEqual,
    RangeLiteral: BoundedRange,
}


def expressions_of(template: BoundTemplate) -> Iterator[Expression]:
    """Every expression of the template, those within others too."""
    context = RenderContext(template)
    nodes: list[Node] = list(template.nodes)
    while nodes:
        node = nodes.pop()
        nodes.extend(node.children(context, include_partials=False))
        expressions = list(node.expressions())
        while expressions:
            expression = expressions.pop()
            expressions.extend(expression.children())
            yield expression


def adapt(template: BoundTemplate) -> None:
    """Give the template's expressions the rules of this dialect."""
    for expression in expressions_of(template):
        kind = REPLACED.get(type(expression))
        if kind is not None:
            expression.__class__ = kind
