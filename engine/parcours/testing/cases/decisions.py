"""Decisions in tests: the offers that a test expects, and the proposition that a mark of it means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from parcours.core.fact import Decided, Fact, Merged
from parcours.core.offers.answer import REASONS
from parcours.testing.cases.document import DecisionExpected


def decision_words(expected: DecisionExpected) -> str:
    """What is expected, in words."""
    who = expected.who or "somebody"
    at = f" at {expected.placement}" if expected.placement else ""
    offers = "" if expected.offers is None else f" {_listed(expected.offers)}"
    fallback = {None: "", True: " as the fallback", False: " not as the fallback"}[expected.fallback]
    reasons = "".join(f", {offer} being {reason}" for offer, reason in expected.reasons.items())
    return f"{who} gets{offers or ' an answer'} by {expected.decision}{at}{fallback}{reasons}"


def decision_differences(fact: Decided, expected: DecisionExpected) -> list[str]:
    """What is otherwise in a decision than expected, a line each."""
    return list(_differing(fact, expected))


def _differing(fact: Decided, expected: DecisionExpected) -> Iterator[str]:
    given = tuple(each.offer for each in fact.offers)
    if expected.offers is not None and given != expected.offers:
        yield f"she got {_listed(given)}, and not {_listed(expected.offers)}"
    if expected.fallback is not None and fact.fallback != expected.fallback:
        yield "it is the fallback" if fact.fallback else "it is not the fallback"
    found = _reasons(fact)
    for offer, reason in expected.reasons.items():
        if reason not in found.get(offer, ()):
            told = " and ".join(found.get(offer, ("not looked at",)))
            yield f"{offer} was {told}, and not {reason}"


def _reasons(fact: Decided) -> dict[str, list[str]]:
    """What became of each offer, at each of the strategies that looked at it."""
    found: dict[str, list[str]] = {}
    for tried in fact.trace:
        for offer, letter, _score, _why in tried.looked:
            found.setdefault(offer, []).append(REASONS[letter])
    return found


def newest_proposition(facts: Iterable[Fact], person: str, offer: str) -> str | None:
    """The key of the newest one of the offer that she got, or somebody who is her by now; None if there is none."""
    facts = list(facts)
    hers = {person}
    for fact in reversed(facts):
        if isinstance(fact, Merged) and fact.person in hers:
            hers.add(fact.name)
    got = (fact for fact in facts if isinstance(fact, Decided) and fact.person in hers)
    keys = [(fact.at, each.proposition) for fact in got for each in fact.offers if each.offer == offer]
    return max(keys, key=lambda pair: pair[0])[1] if keys else None


def _listed(offers: Iterable[str]) -> str:
    return ", ".join(offers) or "nothing"
