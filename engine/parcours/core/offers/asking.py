"""What is wrong with what somebody asks of decisions: a name or a value that the project does not know."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from parcours.expression.kinds import IS_OF, in_words
from parcours.journey.offers import Offers
from parcours.wording import nearest, quoted, shown_value


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
            if value is not None and not IS_OF[kind](value):
                return f"context.{name} is {in_words(kind)}, and not {shown_value(value)}"
    return None
