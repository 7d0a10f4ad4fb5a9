"""The events that tell what became of offers, which no author declares."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from parcours.journey.model.document import EventDocument, EventsDocument
from parcours.journey.offers import MARK_EVENTS
from parcours.journey.read.documents import Documents, Margins


def with_offer_events(documents: Documents, margins: Margins) -> Documents:
    """The documents with those events, where something may be decided."""
    if not documents.offers.decisions:
        return documents
    declared = documents.events.events
    for name in MARK_EVENTS.values():
        if name in declared:
            margins.single["events"].error(f"offers.yaml makes {name!r} known: leave it out here", "events", name)
    told: dict[str, Any] = {"offer": "string", "decision": "string", "placement": "string", "tags": "list"}
    known = {name: EventDocument.model_construct(properties=told) for name in MARK_EVENTS.values()}
    return replace(documents, events=EventsDocument(events={**declared, **known}))
