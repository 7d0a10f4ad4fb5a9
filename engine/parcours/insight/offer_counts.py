"""What became of offers, by offer and placement: what somebody got of it, saw, clicked, and what a cap kept away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

import msgspec

from parcours.core.totals import DECIDED, Totals

GIVEN_BACK: Final = "given_back"


class OfferCount(msgspec.Struct, frozen=True, kw_only=True):
    """
    decided     how often somebody got it, without what was given back
    given_back  how often it was decided for a message that did not go out, and given back
    capped      in how many decisions a cap kept it away
    """

    decided: int = 0
    shown: int = 0
    clicked: int = 0
    dismissed: int = 0
    converted: int = 0
    given_back: int = 0
    capped: int = 0


OfferCounts: TypeAlias = Mapping[str, Mapping[str, OfferCount]]
"""By offer and placement."""


def offer_counts(totals: Totals) -> OfferCounts:
    """The counts of all offers of which facts tell, offers and placements by name."""
    counted: dict[str, dict[str, Counter[str]]] = {}
    for (offer, placement, what), number in totals.offers:
        counted.setdefault(offer, {}).setdefault(placement, Counter())[what] += number
    for counts in (each for placements in counted.values() for each in placements.values()):
        counts[DECIDED] -= counts[GIVEN_BACK]
    return {
        offer: {placement: OfferCount(**counts) for placement, counts in sorted(placements.items())}
        for offer, placements in sorted(counted.items())
    }


def merged_offers(parts: Iterable[OfferCounts]) -> OfferCounts:
    """The sums of counts of different people."""
    together: dict[str, dict[str, list[OfferCount]]] = {}
    for part in parts:
        for offer, placements in part.items():
            for placement, count in placements.items():
                together.setdefault(offer, {}).setdefault(placement, []).append(count)
    return {
        offer: {placement: _sum(counts) for placement, counts in sorted(placements.items())}
        for offer, placements in sorted(together.items())
    }


def _sum(counts: list[OfferCount]) -> OfferCount:
    return OfferCount(
        **{figure: sum(getattr(each, figure) for each in counts) for figure in OfferCount.__struct_fields__}
    )
