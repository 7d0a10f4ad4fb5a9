"""The compiler of what rows are compared and ordered by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, assert_never

from parcours.expression.kinds import ExpectedKind
from parcours.journey.campaign_steps import AtRandom, ByValue, Column, Filled, OrderKey, Preferred
from parcours.journey.compile.campaigns.columns import as_expression
from parcours.journey.compile.campaigns.scope import CampaignScope
from parcours.journey.model.campaign_sets import PERSON
from parcours.journey.model.orders import FilledOrder, OrderDocument, PreferredOrder, RandomOrder, ValueOrder
from parcours.journey.read.finding import Margin
from parcours.journey.set_expressions import Criterion

_SCALARS: Final = ("string", "number", "boolean", "timestamp", "date")

COMPARED: Final = ExpectedKind("rows are compared by a text, a number, a boolean or a time", _SCALARS)
ORDERED: Final = ExpectedKind("an order goes by a text, a number, a boolean or a time", _SCALARS)
IN_TIME: Final = ExpectedKind("earliest and latest are of a time", ("timestamp", "date"))
ANY: Final = ExpectedKind("a value is expected", ("any",))


def compiled_order(
    order: Sequence[OrderDocument],
    scope: CampaignScope,
    columns: Mapping[str, Column],
    margin: Margin,
    *,
    of_rows: bool = False,
) -> tuple[OrderKey, ...]:
    """The keys of an order. `of_rows`: it is of the rows of one person, among which chance does not choose."""
    keys: list[OrderKey] = []
    for number, each in enumerate(order):
        below = margin.below("order", number)
        match each:
            case ValueOrder():
                place = IN_TIME if each.direction in ("earliest", "latest") else ORDERED
                keys.append(ByValue(scope.value(below, each.by, columns, place, "by"), each.direction))
            case FilledOrder():
                keys.append(Filled(scope.value(below, each.filled, columns, ANY, "filled")))
            case PreferredOrder():
                keys.append(Preferred(each.prefer, scope.value(below, each.of, columns, ORDERED, "of")))
            case RandomOrder():
                if of_rows:
                    below.error("a random order is one of people, and these rows are of one person", "random")
                keys.append(AtRandom())
            case _:
                assert_never(each)
    return tuple(keys)


def compiled_criteria(
    by: Sequence[str] | str, scope: CampaignScope, columns: Mapping[str, Column], margin: Margin
) -> tuple[Criterion, ...]:
    """What rows are compared by: the person, columns, or expressions."""
    if isinstance(by, str):
        return (PERSON,)
    criteria: list[Criterion] = []
    for number, text in enumerate(by):
        if text == PERSON and PERSON not in columns:
            criteria.append(PERSON)
        else:
            expression = as_expression(text, columns)
            criteria.append(scope.value(margin, expression, columns, COMPARED, "by", number))
    return tuple(criteria)
