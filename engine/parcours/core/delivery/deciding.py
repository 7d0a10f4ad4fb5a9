"""Which offers a person gets is decided here, told, and remembered with her; merging joins what two people got.

A decision is made at the instant of what asks for it, by what is known then, under what is published then. It changes
nothing but what is remembered: the propositions, and counts for caps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

from parcours.config import Settings
from parcours.core.consent import may_personalise
from parcours.core.delivery.proposition_key import proposition_key
from parcours.core.fact import Decided, OfferGiven, StrategyTried
from parcours.core.offers.answer import LETTERS, Answer, Tried
from parcours.core.offers.caps import is_idle
from parcours.core.offers.choosing import Asked, Asker, choose
from parcours.core.offers.lessons import groups_of
from parcours.core.offers.remembering import forget, joined, remember
from parcours.core.offers.state import OffersKept, Proposition
from parcours.core.offers.totals import TotalReturn, TotalsAtHand, Unanswered
from parcours.core.profile import Profile, is_unknown
from parcours.core.turn import Turn
from parcours.expression.expression import Scope


class Cause(NamedTuple):
    """What asks for a decision: keys are made under `name`, that of a person, for good; `origin` tells it from all
    others that ask the same of her. `delivery` is the key of a message that shows what is chosen, if it is for one, and
    `is_request` says that somebody asks: what asks again later under an id that is forgotten is given keys of its own.
    """

    name: str
    origin: str
    delivery: str = ""
    is_request: bool = False


Given: TypeAlias = tuple[OfferGiven, ...]


def leaves_no_trace(profile: Profile, settings: Settings) -> bool:
    """Whether she is nobody known, and nothing is to be remembered of whoever is not."""
    return settings.strangers == "forget" and is_unknown(profile)


def decide(turn: Turn, scope: Scope, asked: Sequence[Asked], cause: Cause, *, is_passing: bool = False) -> list[Given]:
    """What the person gets by each of these, the best first; nothing by a decision that is published no more.

    is_passing  offers that have caps are passed over, since nothing of this will be remembered
    Raises Unanswered, before anything is remembered or told.
    """
    offers, settings = turn.program.offers, turn.settings
    groups = groups_of(offers, scope) if may_personalise(turn.profile, turn.program.policies) else {}
    given: list[Given] = []
    totals = TotalsAtHand(turn.answers, cause.origin)
    answers = [*_answers(turn, scope, asked, cause, totals, is_passing=is_passing)]
    if totals.missing:
        raise Unanswered(tuple(totals.missing))
    turn.effects.taken += tuple(totals.taken)
    for answer, places in answers:
        given.append(places)
        if answer is None:
            continue
        about = answer.decision, answer.placement
        for each in places:
            turn.profile.offers = turn.profile.offers or OffersKept()
            proposition = Proposition(each.proposition, each.offer, *about, turn.at, each.is_fallback, groups=groups)
            proposition.total = not each.is_fallback and bool(offers.offers[each.offer].totals)
            if cause.delivery:
                proposition.deliveries, proposition.for_message = [cause.delivery], True
            if cause.is_request:
                proposition.score = each.score
            remember(turn.profile.offers, offers, proposition, settings)
        fallback = any(each.is_fallback for each in places)
        trace = tuple(_told(each, settings.decision_trace_max) for each in answer.tried)
        turn.effects.facts.append(Decided(turn.at, turn.person, *about, cause.origin, places, fallback, trace, groups))
    return given


def foresee(turn: Turn, scope: Scope, asked: Sequence[Asked], cause: Cause) -> list[Given]:
    """What the person would get by each of these; nothing is remembered, or told."""
    return [places for _, places in _answers(turn, scope, asked, cause, TotalsAtHand())]


def _answers(
    turn: Turn, scope: Scope, asked: Sequence[Asked], cause: Cause, totals: TotalsAtHand, *, is_passing: bool = False
) -> Iterator[tuple[Answer | None, Given]]:
    """Each answer with its propositions, None for a decision that is published no more; all are made at once."""
    offers = turn.program.offers
    known = [each for each in asked if each.decision in offers.decisions]
    kept = turn.profile.offers or OffersKept()
    may = may_personalise(turn.profile, turn.program.policies)
    asker = Asker(turn.person, scope, kept, may, turn.lessons, totals, is_passing)
    answers = iter(choose(offers, asker, known, turn.settings, worded=True))
    origin = f"{cause.origin}@{turn.at}" if cause.is_request else cause.origin
    numbers = Counter[tuple[str, str]]()  # the same may be asked for twice by one message
    for each in asked:
        if each.decision not in offers.decisions:
            yield None, ()
            continue
        answer = next(answers)
        about, places = (answer.decision, answer.placement), list[OfferGiven]()
        for chosen in answer.chosen:
            key = proposition_key(turn.program.project, cause.name, *about, origin, numbers[about])
            numbers[about] += 1
            places.append(OfferGiven(chosen.offer, key, chosen.score, chosen.is_fallback))
        yield answer, tuple(places)


def _told(tried: Tried, most: int) -> StrategyTried:
    looked = tuple((each.offer, LETTERS[each.reason], each.score, each.why) for each in tried.looked[:most])
    left_out = len(tried.looked) - len(looked)
    return StrategyTried(tried.strategy, tried.unmet is not None, looked, left_out, tried.unmet or "")


def forget_offers(turn: Turn) -> None:
    """Forget what cannot be marked or asked for any more, and with the last of it counts that nothing depends on."""
    kept, at, settings = turn.profile.offers, turn.at, turn.settings
    if kept is None:
        return
    is_young = not kept.answered or kept.answered[0].at > at - settings.message_ids_for_ms
    if is_young and kept.propositions and kept.propositions[0].at > at - settings.propositions_for_ms:
        return
    offers = turn.program.offers
    forget(kept, offers, at, settings)
    if kept.propositions or kept.answered:
        return
    if all(is_idle(name, each, offers, at, settings) for name, each in kept.tallies.items()):
        turn.profile.offers = None


def join_offers(turn: Turn, other: Profile) -> None:
    """Of two people who are one, what both got is remembered, as far as there is room."""
    own, theirs = turn.profile.offers, other.offers
    turn.profile.offers = joined(own, theirs, turn.settings) if own and theirs else own or theirs
    forget_offers(turn)


def drop_offers(turn: Turn, other: Profile) -> None:
    """Of somebody whose history is not used nothing is remembered; what was to be shown to her is given back."""
    waiting = {
        each.key
        for run in other.runs
        for each in run.deliveries
        if each.state in ("held", "queued") and not each.may_have_left
    }
    for each in [] if other.offers is None else other.offers.propositions:
        if each.total and each.for_message and not each.marks and waiting.issuperset(each.deliveries):
            turn.effects.returned += (TotalReturn(each.offer, each.at, turn.at),)
