"""The dialect of Liquid in which messages are written: Shopify's, with what mail needs, and within limits.

Where it differs from Shopify's Liquid, it is for a reason:

- `{% include %}` and `{% render %}` are errors, for a message has no templates beside it.
- `date` takes a time zone as its second argument and is in the reader's zone without it; Shopify's is in the shop's.
- Numbers beyond NUMBER_BITS_MAX, ranges beyond RANGE_MAX and results beyond OUTPUT_BYTES_MAX are errors: anybody may
  send what a template is filled with.
- `size`, `first` and `last` behind an object are keys of it like any other, so that what somebody sends decides no
  meaning; `| size` counts its keys. Behind a list or a text they are Shopify's.
- `blank` and `empty` are never names of data, also where a dot follows: names begin with profile, entry, event or run.
- A whole list or object that is written out has Python's form, not Ruby's; `json` and `join` are for that.
- `money`, `number`, `percent`, `json` and `{% abort %}` are this dialect's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from liquid import BoundTemplate, Environment, RenderContext, TokenStream
from liquid.ast import Node
from liquid.builtin.expressions import FilteredExpression, StringLiteral
from liquid.builtin.expressions.arguments import KeywordArgument
from liquid.exceptions import FilterArgumentError, LiquidSyntaxError
from liquid.expression import Expression
from liquid.stringify import to_liquid_string
from liquid.tag import Tag
from liquid.token import TOKEN_EXPRESSION, Token

from parcours.template import lists, numbers
from parcours.template.bounded import BoundedFilter
from parcours.template.dates import date_filter, named_zone
from parcours.template.equality import adapt, expressions_of
from parcours.template.marks import check_marks
from parcours.template.rendering import OUTPUT_BYTES_MAX

LOOPS_MAX: Final = 1_000
"""Iterations of nested loops together."""

NAMESPACE_MAX: Final = 100_000
"""Room for what a template assigns, in the units of the Liquid library."""

REASON_CHARACTERS_MAX: Final = 200
"""Of the reason for which a template calls its delivery off; the rest is cut."""

WORDS: Final = ("size", "first", "last")
"""What a path may ask of a list or a text."""

FILTERS: Final[Mapping[str, Callable[..., object]]] = {
    "compact": lists.compact,
    "date": date_filter,
    "join": lists.join,
    "json": lists.json,
    "money": numbers.money,
    "number": numbers.number,
    "percent": numbers.percent,
    "sort": lists.sort,
    "sort_natural": lists.sort_natural,
    "uniq": lists.uniq,
}
"""Filters that the Liquid library does not have, or not in this way."""


class Aborted(Exception):
    """A template called its delivery off; the first argument is the reason that it gave."""


class AbortNode(Node):
    """`{% abort "reason" %}`"""

    __slots__ = ("reason",)

    def __init__(self, token: Token, reason: Expression | None) -> None:
        super().__init__(token)
        self.reason = reason
        self.blank = False

    def render_to_output(self, context: RenderContext, buffer: Any) -> int:
        given = "" if self.reason is None else to_liquid_string(self.reason.evaluate(context), False)
        raise Aborted(given[:REASON_CHARACTERS_MAX] or "the template called it off")

    def expressions(self) -> Iterator[Expression]:
        if self.reason is not None:
            yield self.reason


class AbortTag(Tag):
    """Calls the delivery off."""

    name = "abort"
    block = False

    def parse(self, stream: TokenStream) -> Node:
        token = stream.current
        if stream.peek.kind != TOKEN_EXPRESSION:
            return AbortNode(token, None)
        next(stream)
        return AbortNode(token, FilteredExpression.parse(self.env, stream.into_inner(tag=token, eat=False)))


class _PartialTag(Tag):
    """A tag that reads another template, of which there is none."""

    block = False

    def parse(self, stream: TokenStream) -> Node:
        raise LiquidSyntaxError(
            f"{{% {self.name} %}} finds nothing, for a message has no templates beside it", token=stream.current
        )


class _IncludeTag(_PartialTag):
    name = "include"


class _RenderTag(_PartialTag):
    name = "render"


class _Context(RenderContext):
    def get_item(self, obj: Any, key: Any) -> Any:
        return obj[key] if key in WORDS and isinstance(obj, Mapping) else super().get_item(obj, key)


class _Template(BoundTemplate):
    context_class = _Context


class Dialect(Environment):
    """Parses templates; those for HTML escape what they are filled with."""

    template_class = _Template
    loop_iteration_limit = LOOPS_MAX
    output_stream_limit = OUTPUT_BYTES_MAX
    local_namespace_limit = NAMESPACE_MAX

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        for tag in (AbortTag, _IncludeTag, _RenderTag):
            self.add_tag(tag)
        for name, function in {**self.filters, **FILTERS}.items():
            self.add_filter(name, BoundedFilter(name, function))

    def from_string(
        self,
        source: str,
        name: str = "",
        path: str | Path | None = None,
        globals: Mapping[str, object] | None = None,  # noqa: A002  # as the library names it
        matter: Mapping[str, object] | None = None,
    ) -> BoundTemplate:
        check_marks(source)
        template = super().from_string(source, name, path, globals, matter)
        adapt(template)
        return template


def misused_filters(template: BoundTemplate) -> Iterator[str]:
    """A complaint for each filter that could not be applied to anything: the wrong arguments, or no such zone."""
    for expression in expressions_of(template):
        if not isinstance(expression, FilteredExpression):
            continue
        for used in expression.filters or ():
            known = template.env.filters.get(used.name)
            if not isinstance(known, BoundedFilter):
                continue  # an unknown filter is a complaint of its own
            named = [each.name for each in used.args if isinstance(each, KeywordArgument)]
            complaint = known.complaint(len(used.args) - len(named), named)
            if complaint is None and used.name in LITERALS:
                complaint = _wrong_literal(used.name, [each.value for each in used.args])
            if complaint is not None:
                yield complaint


LITERALS: Final[Mapping[str, Mapping[int, Callable[[str], object]]]] = {
    "date": {1: named_zone},
    "money": {0: lambda currency: numbers.money(0, currency), 1: numbers.check_locale},
    "number": {0: numbers.check_locale},
    "percent": {0: numbers.check_locale},
}
"""Filters with arguments that are wrong for everybody if they are; by place, what raises FilterArgumentError."""


def _wrong_literal(name: str, arguments: list[Expression]) -> str | None:
    for place, judge in LITERALS[name].items():
        if len(arguments) > place and isinstance(literal := arguments[place], StringLiteral):
            try:
                judge(literal.value)
            except FilterArgumentError as error:
                return str(error.args[0])
    return None
