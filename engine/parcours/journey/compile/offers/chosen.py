"""What the steps of a journey may ask of the offers that it has chosen, and what is wrong with how they are chosen."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from parcours.expression.dotted import joined_path
from parcours.expression.names import united
from parcours.expression.values import kind_of
from parcours.journey.model.offers import Format
from parcours.journey.model.steps import DecideStep
from parcours.journey.offers import Offer, Offers
from parcours.journey.read.finding import Margin
from parcours.wording import nearest, quoted

_CONTENT_KINDS: Final[Mapping[Format, str]] = {"text": "string", "html": "string", "json": "object", "image": "object"}

OFFER_PARTS: Final = frozenset({"placements", "offers", "collections", "rankings", "decisions"})
"""The keys of offers.yaml: where one could not be read, nobody knows what may be chosen."""


def paths_of_chosen(name: str, offers: Iterable[Offer]) -> Mapping[str, str]:
    """The paths below `offers` of what a decision between these chooses, with their kinds; the run calls it `name`."""
    attributes = united(
        {joined_path([name, "attributes", key]): kind_of(value) for key, value in offer.attributes.items()}
        for offer in offers
    )
    return {f"{name}.name": "string", f"{name}.score": "number", f"{name}.fallback": "boolean", **attributes}


def paths_of_shown(name: str, offers: Collection[Offer], placements: Collection[str]) -> Mapping[str, str]:
    """The paths below `offers` of what a message shows at one of these placements, under the name that it gives it."""
    formats = {offer.content[each].format for offer in offers for each in placements if each in offer.content}
    kinds = united({"content": _CONTENT_KINDS[each]} for each in formats)
    own = dict.fromkeys(("title", "url", "code", "pixel"), "string")
    return {
        **paths_of_chosen(name, offers),
        **{f"{name}.{key}": kind for key, kind in {"priority": "number", **own, **kinds}.items()},
    }


def check_decide(step: DecideStep, offers: Offers, unread: frozenset[str], margin: Margin) -> None:
    """Note a decision or a placement that there is not, and one at which the other has nothing to say."""
    decision = offers.decisions.get(step.decide)
    if decision is None and "decisions" not in unread:
        known = nearest(step.decide, offers.decisions)
        margin.error(f"unknown decision {quoted(step.decide)}{known}", "decide")
    if step.placement not in offers.placements:
        if "placements" not in unread:
            known = nearest(step.placement, offers.placements)
            margin.error(f"unknown placement {quoted(step.placement)}{known}", "placement")
    elif decision is not None and OFFER_PARTS.isdisjoint(unread):
        if not any(step.placement in offer.content for offer in decision.offers):
            fault = f"no offer that {quoted(step.decide)} may choose has content for {quoted(step.placement)}"
            margin.warn(fault, "placement")
