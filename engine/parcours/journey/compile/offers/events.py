"""The events that tell what became of offers, which no author declares."""

from __future__ import annotations

from typing import Any

from parcours.journey.compile.events import with_events
from parcours.journey.model.document import EventDocument
from parcours.journey.offers import MARK_EVENTS
from parcours.journey.read.documents import Documents, Margins


def with_offer_events(documents: Documents, margins: Margins) -> Documents:
    """The documents with those events, where something may be decided."""
    if not documents.offers.decisions:
        return documents
    told: dict[str, Any] = {"offer": "string", "decision": "string", "placement": "string", "tags": "list"}
    known = {name: EventDocument.model_construct(properties=told) for name in MARK_EVENTS.values()}
    return with_events(documents, known, "offers.yaml", margins)
