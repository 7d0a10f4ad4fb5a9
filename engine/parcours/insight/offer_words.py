"""Decisions in words: what somebody got, and what spoke against every other offer."""

from __future__ import annotations

from typing import Final

import msgspec

from parcours.core.fact import Decided, OfferGiven, OfferMarked, StrategyTried
from parcours.core.offers.answer import LETTERS, Reason, Score

_WORDS: Final[dict[Reason, str]] = {
    "outranked": "others went before it",
    "no_content": "no content for the placement",
    "not_started": "not started",
    "ended": "ended",
    "not_eligible": "not eligible",
    "capped": "capped",
    "capped_total": "capped",
    "capped_total_unknown": "perhaps capped",
    "already_chosen": "chosen already",
    "no_personalisation": "she is not chosen for",
}
"""Why an offer was not given, in words."""

_READ: Final = {LETTERS[reason]: words for reason, words in _WORDS.items()}


class DecisionStory(msgspec.Struct, frozen=True, kw_only=True):
    """A decision in words: what the person got, and of each other offer why she did not.

    name  the name under which she was decided on, if that was merged into hers later
    """

    at: int
    given: str
    others: tuple[str, ...] = ()
    name: str | None = None

    @property
    def words(self) -> str:
        """All of it as one line."""
        return "; ".join((self.given, *self.others))


def decision_story(fact: Decided, name: str | None = None) -> DecisionStory:
    """A decision in its parts."""
    given = ", ".join(map(_given, fact.offers)) or "nothing"
    told = f"{fact.decision} at {fact.placement}: {given}"
    return DecisionStory(at=fact.at, given=told, others=tuple(_others(fact)), name=name)


def decision_sentence(fact: Decided) -> str:
    """A decision as one line: `best at agent: free-class (score 3.74); ten-pack: capped, 3 of 3 shown in 30 days`."""
    return decision_story(fact).words


def mark_sentence(fact: OfferMarked) -> str:
    """What became of an offer as one line: `next-best at agent: free-class was clicked`."""
    what = {"given_back": "was given back", "converted": "converted"}.get(fact.mark, f"was {fact.mark}")
    return f"{fact.decision} at {fact.placement}: {fact.offer} {what}"


def _given(each: OfferGiven) -> str:
    return f"{each.offer} (the fallback)" if each.is_fallback else f"{each.offer}{_scored(each.score)}"


def _others(fact: Decided) -> list[str]:
    """What became of all that was not given: of an offer that several strategies looked at, at the first of them."""
    given = {each.offer for each in fact.offers}
    told: dict[str, str] = {}
    for tried in fact.trace:
        for offer, letter, score, why in tried.looked:
            if offer not in given and letter in _READ:
                told.setdefault(offer, f"{offer}: {_READ[letter]}{f', {why}' if why else ''}{_scored(score)}")
    return [*told.values(), *_passed_over(fact), *_left_out(fact.trace)]


def _passed_over(fact: Decided) -> list[str]:
    passed = [tried for tried in fact.trace if tried.passed_over]
    return [f"passed over: strategy {each.strategy + 1}{f', {each.unmet}' if each.unmet else ''}" for each in passed]


def _left_out(trace: tuple[StrategyTried, ...]) -> list[str]:
    left_out = sum(tried.left_out for tried in trace)
    return [f"{left_out} more were looked at"] if left_out else []


def _scored(score: Score) -> str:
    return "" if score is None else f" (score {score:g})"
