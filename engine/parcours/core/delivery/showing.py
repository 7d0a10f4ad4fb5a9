"""Which offers does a message show? Decided when it goes into the outbox, or those that its run has chosen before.

What it shows is in its outbox entry from then on, so that every attempt shows the same. Where a gate holds it once it
has been there, or it does not go out at all, what was decided for it is given back (marking.py). It is decided anew on
its release.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from parcours.core.delivery.deciding import Cause, decide, foresee
from parcours.core.effect import ShownOffer
from parcours.core.fact import OfferGiven
from parcours.core.offers.choosing import Asked
from parcours.core.parts import row_at
from parcours.core.profile import Run
from parcours.core.turn import Turn
from parcours.journey.offers import Offer
from parcours.journey.parts import Message, MessageOffer


@dataclass(frozen=True, slots=True)
class Showing:
    """The offers of one message by their names in it, and the paths that their contents read."""

    offers: dict[str, ShownOffer] = field(default_factory=dict)
    paths: frozenset[str] = frozenset()


NOTHING: Final = Showing()


def show(turn: Turn, run: Run, step: str, message: Message, channel: str, cause: Cause) -> Showing:
    """What the message shows to the person by a step of the run. Nothing is remembered of it where the cause has no key
    of its delivery: nobody gets anything by a copy.
    """
    decided = [(each, each.placements[channel]) for each in message.offers if _is_decided(each, channel)]
    asked = [Asked(each.decision or "", placement, count=1) for each, placement in decided]
    scope = turn.run_scope(run, row=row_at(run, step))
    given = (decide if cause.delivery else foresee)(turn, scope, asked, cause) if asked else []
    shown: dict[str, tuple[OfferGiven, str]] = {
        each.name: (offers[0], placement) for (each, placement), offers in zip(decided, given, strict=True) if offers
    }
    for each in message.offers:
        picked = (run.offers or {}).get(each.source) if each.decision is None else None
        if picked is not None:
            offer = OfferGiven(picked.offer, picked.key, picked.score, picked.is_fallback)
            shown[each.name] = offer, each.placements.get(channel, picked.placement)
            _note(turn, picked.key, cause.delivery)
    return _with_contents(turn, shown)


def _is_decided(offer: MessageOffer, channel: str) -> bool:
    return offer.decision is not None and channel in offer.placements


def _note(turn: Turn, key: str, delivery: str) -> None:
    """Note with an offer that a step has chosen that this message shows it."""
    kept = turn.profile.offers
    for each in kept.propositions if kept is not None and delivery else ():
        if each.key == key and delivery not in each.deliveries:
            each.deliveries.append(delivery)


def _with_contents(turn: Turn, shown: Mapping[str, tuple[OfferGiven, str]]) -> Showing:
    """The offers with what they say at their placements; without those that are gone, or say nothing there."""
    found: dict[str, ShownOffer] = {}
    paths: frozenset[str] = frozenset()
    for name, (given, placement) in sorted(shown.items()):
        offer = turn.program.offers.offers.get(given.offer)
        said = None if offer is None else shown_offer(offer, placement, given)
        if offer is not None and said is not None:
            found[name] = said
            paths |= offer.content[placement].paths
    return Showing(found, paths)


def shown_offer(offer: Offer, placement: str, given: OfferGiven) -> ShownOffer | None:
    """The offer that somebody got with what it says at a placement; None if it says nothing there any more."""
    content = offer.content.get(placement)
    if content is None:
        return None
    return ShownOffer(
        given.proposition, content.format, dict(content.values), offer.told, given.score, given.is_fallback
    )
