"""Who has changed what is published, when, and what did it come to? The newest changes, which the ledger remembers."""

from __future__ import annotations

from typing import Final

from parcours.core.time_text import time_text
from parcours.ingress.door import Door
from parcours.ingress.exchange import Request
from parcours.ingress.queries import queried, whole_number
from parcours.ingress.trail_bodies import ChangeShown, Trail, TrailAsked
from parcours.journey.publish.ledger import Change
from parcours.service.change_outcome import RunsConcerned

PAGE_CHANGES: Final = 50
"""Changes that are told at a time."""


def trail_told(door: Door, request: Request) -> Trail:
    """The changes that the query asks for. Raises Problem."""
    skip = whole_number("skip", queried(request, TrailAsked).skip)
    ledger = door.service.ledger
    newest_first = ledger.trail[::-1]
    told = newest_first[skip : skip + PAGE_CHANGES]
    until = skip + len(told)
    return Trail(
        ledger=ledger.number,
        changes=[_shown(each) for each in told],
        remembered=len(ledger.trail),
        next=until if until < len(newest_first) else None,
    )


def _shown(of: Change) -> ChangeShown:
    n = of.figures
    return ChangeShown(
        at=time_text(of.at),
        by=of.by,
        what=of.verb,
        name=of.journey,
        before=of.number - 1,
        ledger=of.number,
        runs=None if n is None else RunsConcerned(n.stay, n.end, n.make_up),
        deliveries_cancelled=None if n is None else n.cancelled,
        changes=of.said,
    )
