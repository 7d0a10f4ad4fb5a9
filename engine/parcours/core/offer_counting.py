"""What do facts tell rankings that learn? How often each offer was given, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable

from parcours.core.fact import Decided, Fact, OfferMarked
from parcours.core.offers.lessons import OfferCounts


def count_offers(counts: OfferCounts, facts: Iterable[Fact]) -> None:
    """Count what the facts tell of offers; what is given back was never decided."""
    for fact in facts:
        if type(fact) is Decided:
            for each in fact.offers:
                counts.add(each.offer, "decided", 1, fact.groups)
        elif type(fact) is OfferMarked:
            if fact.mark == "given_back":
                counts.add(fact.offer, "decided", -1, fact.groups)
            else:
                counts.add(fact.offer, fact.mark, 1, fact.groups)
