"""What is wrong with what somebody asks of decisions: a name or a value that the project does not know."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final

from parcours.expression.kinds import in_words
from parcours.expression.values import MISSING, is_number, to_date, to_timestamp
from parcours.journey.offers import Offers
from parcours.wording import nearest, quoted, shown_value

_FITS: Final[Mapping[str, Callable[[object], bool]]] = {
    "string": lambda value: isinstance(value, str),
    "number": is_number,
    "integer": lambda value: type(value) is int or (type(value) is float and value.is_integer()),
    "boolean": lambda value: isinstance(value, bool),
    "timestamp": lambda value: to_timestamp(value) is not MISSING,
    "date": lambda value: to_date(value) is not MISSING,
    "object": lambda value: isinstance(value, dict),
    "list": lambda value: isinstance(value, list),
}
"""For each kind that `context` may declare, whether a value is of it."""


def objection(
    decisions: Collection[str], placements: Collection[str], context: Mapping[str, object], offers: Offers
) -> str | None:
    """Why these decisions cannot be made at these placements with this context, None if they can."""
    for name in decisions:
        if name not in offers.decisions:
            return f"there is no decision {quoted(name)}{nearest(name, offers.decisions)}"
    for name in placements:
        if name not in offers.placements:
            return f"there is no placement {quoted(name)}{nearest(name, offers.placements)}"
    declared = [offers.decisions[name].context for name in decisions]
    for name, value in context.items():
        kinds = [each[name] for each in declared if name in each]
        if not kinds:
            known = {name for each in declared for name in each}
            return f"context.{name:.64}: no decision that is asked for declares it{nearest(name, known)}"
        for kind in kinds:
            if value is not None and not _FITS[kind](value):
                return f"context.{name} is {in_words(kind)}, and not {shown_value(value)}"
    return None
