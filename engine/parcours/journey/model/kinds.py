"""The kinds of documents that a project folder may hold, each with its model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from parcours.journey.model.analyses import AnalysesDocument
from parcours.journey.model.campaign import CampaignDocument
from parcours.journey.model.destinations import DestinationsDocument
from parcours.journey.model.document import (
    ActionsDocument,
    AudiencesDocument,
    EventsDocument,
    JourneyDocument,
    MessageDocument,
    ProfileDocument,
    ProjectDocument,
)
from parcours.journey.model.forms import Document
from parcours.journey.model.offers import OffersDocument
from parcours.journey.model.places import PlacesDocument
from parcours.journey.model.scores import ScoresDocument
from parcours.journey.model.sources import SourcesDocument
from parcours.journey.model.tables import TablesDocument

DOCUMENTS: Final[Mapping[str, type[Document]]] = {
    "project": ProjectDocument,
    "profile": ProfileDocument,
    "events": EventsDocument,
    "audiences": AudiencesDocument,
    "actions": ActionsDocument,
    "tables": TablesDocument,
    "places": PlacesDocument,
    "message": MessageDocument,
    "journey": JourneyDocument,
    "campaign": CampaignDocument,
    "insight": AnalysesDocument,
    "scores": ScoresDocument,
    "offers": OffersDocument,
    "sources": SourcesDocument,
    "destinations": DestinationsDocument,
}
"""The model of each kind of document."""
