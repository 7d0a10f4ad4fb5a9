"""Which offers are there, and what became of each? The same for its JSON and for its screen."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from parcours.core.time_text import time_text
from parcours.ingress.changes import answered
from parcours.ingress.door import Door
from parcours.insight.offer_counts import OfferCount, OfferCounts
from parcours.journey.offers import Offer
from parcours.journey.program import Program


class CapOfAll(msgspec.Struct, frozen=True):
    """How often everybody together may get it: on each day, or ever."""

    max: int
    daily: bool


class OfferShown(msgspec.Struct, frozen=True, kw_only=True):
    """
    title       "" of one that is offered no more: there are its counts alone
    begins      the first instant at which it is offered, None: there is no such bound; `ends` likewise is the last
    decisions   which may choose it, or fall back to it
    totals      its caps of everybody together
    placements  what became of it, by placement
    """

    name: str
    title: str
    tags: list[str]
    begins: str | None
    ends: str | None
    decisions: list[str]
    totals: list[CapOfAll]
    placements: Mapping[str, OfferCount]


class Offers(msgspec.Struct, frozen=True):
    """By name."""

    offers: list[OfferShown]


async def offers_shown(door: Door) -> list[OfferShown]:
    """Those of the newest publication, and those of which shards have counted anything."""
    counts = (await answered(door.service.report())).report.summary.offers
    return [*_shown(door.service.program, {} if counts is msgspec.UNSET else counts)]


def _shown(program: Program, counts: OfferCounts) -> list[OfferShown]:
    known = program.offers.offers
    decisions: dict[str, list[str]] = {}
    for name, decision in sorted(program.offers.decisions.items()):
        for each in decision.offers:
            decisions.setdefault(each.name, []).append(name)
    names = sorted({*known, *counts})
    return [_offer(name, known.get(name), decisions.get(name, []), counts.get(name, {})) for name in names]


def _offer(name: str, offer: Offer | None, decisions: list[str], placements: Mapping[str, OfferCount]) -> OfferShown:
    return OfferShown(
        name=name,
        title="" if offer is None else offer.title,
        tags=[] if offer is None else sorted(offer.tags),
        begins=None if offer is None else _time(offer.starts_ms),
        ends=None if offer is None else _time(offer.ends_ms),
        decisions=decisions,
        totals=[] if offer is None else [CapOfAll(each.max, each.daily) for each in offer.totals],
        placements=placements,
    )


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else time_text(at_ms)
