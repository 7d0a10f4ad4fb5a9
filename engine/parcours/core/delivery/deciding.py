"""Which offers a person gets is decided here, told, and remembered with her; merging joins what two people got.

A decision is made at the instant of what asks for it, by what is known then, under what is published then. It changes
nothing but what is remembered: the propositions, and counts for caps.
"""

from __future__ import annotations

from typing import NamedTuple

from parcours.core.consent import may_personalise
from parcours.core.delivery.proposition_key import proposition_key
from parcours.core.fact import Decided, OfferGiven, StrategyTried
from parcours.core.offers.answer import LETTERS, Tried
from parcours.core.offers.caps import is_idle
from parcours.core.offers.choosing import Asked, Asker, choose
from parcours.core.offers.remembering import forget, joined, remember
from parcours.core.offers.state import OffersKept, Proposition
from parcours.core.profile import Profile
from parcours.core.turn import Turn
from parcours.expression.expression import Scope


class Cause(NamedTuple):
    """What asks for a decision: keys are made under `name`, that of a person, for good; `origin` tells it from all
    others that ask the same of her.
    """

    name: str
    origin: str


def decide(turn: Turn, scope: Scope, asked: Asked, cause: Cause) -> tuple[OfferGiven, ...]:
    """What the person gets, the best first; nothing of a decision that is published no more."""
    offers, settings = turn.program.offers, turn.settings
    if asked.decision not in offers.decisions:
        return ()
    kept = turn.profile.offers or OffersKept()
    asker = Asker(turn.person, scope, kept, may_personalise(turn.profile, turn.program.policies))
    (answer,) = choose(offers, asker, [asked], settings)
    given = []
    for number, each in enumerate(answer.chosen):
        about = answer.decision, answer.placement
        key = proposition_key(turn.program.project, cause.name, *about, cause.origin, number)
        remember(kept, offers, Proposition(key, each.offer, *about, turn.at, each.is_fallback), settings)
        given.append(OfferGiven(each.offer, key, each.score, each.is_fallback))
        turn.profile.offers = kept
    turn.effects.facts.append(
        Decided(
            turn.at,
            turn.person,
            answer.decision,
            answer.placement,
            cause.origin,
            tuple(given),
            any(each.is_fallback for each in given),
            tuple(_told(each, settings.decision_trace_max) for each in answer.tried),
        )
    )
    return tuple(given)


def _told(tried: Tried, most: int) -> StrategyTried:
    looked = tuple((each.offer, LETTERS[each.reason], each.score) for each in tried.looked[:most])
    return StrategyTried(tried.strategy, tried.unmet is not None, looked, len(tried.looked) - len(looked))


def forget_offers(turn: Turn) -> None:
    """Forget propositions that cannot be marked any more, and with the last of them counts that nothing depends on."""
    kept, at, settings = turn.profile.offers, turn.at, turn.settings
    if kept is None or (kept.propositions and kept.propositions[0].at > at - settings.propositions_for_ms):
        return
    offers = turn.program.offers
    forget(kept, offers, at, settings)
    if not kept.propositions and all(is_idle(name, each, offers, at, settings) for name, each in kept.tallies.items()):
        turn.profile.offers = None


def join_offers(turn: Turn, other: Profile) -> None:
    """Of two people who are one, what both got is remembered, as far as there is room."""
    own, theirs = turn.profile.offers, other.offers
    turn.profile.offers = joined(own, theirs, turn.settings) if own and theirs else own or theirs
    forget_offers(turn)
