"""What became of an offer that somebody got: it is marked, told, and an event of hers, each mark once.

What is clicked has been shown. The events come after all else that their input does, in the order of the marks
(happening.py), so whoever listens for an offer to be shown sees a delivery that is opened first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, Literal

from parcours.core.delivery.proposition_key import carries, code_of, read_code
from parcours.core.fact import OfferMarked
from parcours.core.offers.remembering import give_back, mark
from parcours.core.offers.state import Proposition
from parcours.core.offers.totals import TotalReturn
from parcours.core.turn import Turn
from parcours.journey.model.offers import Mark
from parcours.journey.offers import MARK_EVENTS, OfferGoal


def mark_offer(turn: Turn, key: str, given: Mark) -> bool:
    """Mark what became of a proposition; False where the key is none that she has, or it is too old."""
    kept = turn.profile.offers
    news = None if kept is None else mark(kept, turn.program.offers, key, given, turn.at, turn.settings)
    if kept is None or news is None:
        return False
    proposition = next(each for each in kept.propositions if each.key == key)
    for each in news:
        _tell(turn, proposition, each)
        name = MARK_EVENTS.get(each)
        if name is not None:
            turn.happened = (*turn.happened, (name, _properties(turn, proposition)))
    return True


def mark_shown_in(turn: Turn, delivery: str, channel: str, reaction: str, link: str | None) -> None:
    """Mark what a reaction to a message tells of the offers that it shows.

    A click is one on the offer whose code its link carries; by any other link she has at least opened the message.
    """
    for each in shown_in(turn, delivery):
        placement = turn.program.offers.placements.get(each.placement)
        shown_by = "opened" if placement is None else placement.is_shown_by(channel)
        if reaction == "clicked" and link is not None and carries(link, code_of(each.key)):
            mark_offer(turn, each.key, "clicked")
        elif reaction == "dismissed":
            mark_offer(turn, each.key, "dismissed")
        elif reaction in _SHOWS[shown_by]:
            mark_offer(turn, each.key, "shown")


_SHOWS: Final[Mapping[str, frozenset[str]]] = {
    "opened": frozenset({"opened", "clicked"}),
    "delivered": frozenset({"delivered", "opened", "clicked"}),
}
"""By what tells that a placement has shown its offers, the reactions to a message that say so."""


def shown_in(turn: Turn, delivery: str) -> list[Proposition]:
    """The offers of hers that a message shows, the oldest first."""
    kept = turn.profile.offers
    return [] if kept is None else [each for each in kept.propositions if delivery in each.deliveries]


def take_offers_back(turn: Turn, delivery: str) -> None:
    """Give back what was decided for a message that does not go out, or not now; what she has seen stays."""
    kept = turn.profile.offers
    for each in shown_in(turn, delivery):
        if kept is not None and each.for_message and give_back(kept, each.key) is not None:
            _tell(turn, each, "given_back")
            if each.total:
                turn.effects.returned += (TotalReturn(each.offer, each.at, turn.at),)


def note_conversions(turn: Turn, names: Collection[str], properties: Mapping[str, object]) -> None:
    """An event may be what offers of hers are for, or name the code of one.

    It is credited to the proposition whose code it names, and of any other offer to the newest one that she was shown,
    if that was not too long ago.
    """
    kept = turn.profile.offers
    if kept is None:
        return
    code = _code_in(properties)
    redeemed = [] if code is None else [each for each in kept.propositions if code_of(each.key) == code]
    won = [each.key for each in redeemed]
    looked_at = {each.offer for each in redeemed}
    for each in reversed(kept.propositions):
        shown_at = each.marks.get("shown")
        if shown_at is None or each.offer in looked_at:
            continue
        looked_at.add(each.offer)
        offer = turn.program.offers.offers.get(each.offer)
        if offer is not None and offer.goal is not None and _is_reached(turn, offer.goal, names, properties, shown_at):
            won.append(each.key)
    for key in reversed(won):
        mark_offer(turn, key, "converted")


def _is_reached(
    turn: Turn, goal: OfferGoal, names: Collection[str], properties: Mapping[str, object], shown_at: int
) -> bool:
    if goal.event not in names or (goal.within_ms is not None and turn.at - shown_at > goal.within_ms):
        return False
    return goal.when is None or goal.when.holds(turn.scope(properties))


def _code_in(properties: Mapping[str, object]) -> str | None:
    """The code that an event names, as `code_of` writes it."""
    code = properties.get("code")
    return read_code(code) if isinstance(code, str) else None


def _tell(turn: Turn, proposition: Proposition, what: Mark | Literal["given_back"]) -> None:
    about = proposition.key, proposition.offer, proposition.decision, proposition.placement
    turn.effects.facts.append(OfferMarked(turn.at, turn.person, *about, what, proposition.groups))


def _properties(turn: Turn, proposition: Proposition) -> dict[str, object]:
    offer = turn.program.offers.offers.get(proposition.offer)
    return {
        "offer": proposition.offer,
        "decision": proposition.decision,
        "placement": proposition.placement,
        "tags": [] if offer is None else sorted(offer.tags),
    }
