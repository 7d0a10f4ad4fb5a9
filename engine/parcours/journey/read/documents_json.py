"""All documents of a project as one JSON object, as it is published, and as other processes are told of it."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec

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
from parcours.journey.model.offers import OffersDocument
from parcours.journey.model.places import PlacesDocument
from parcours.journey.model.scores import ScoresDocument
from parcours.journey.model.sources import SourcesDocument
from parcours.journey.model.tables import TablesDocument
from parcours.journey.read.documents import Documents
from parcours.scoring.model import ScoreModel, judged

_PARTS: Final = ("settings", "profile", "events", "audiences", "actions")


def json_of(documents: Documents) -> bytes:
    """All documents as one JSON object."""
    whole: dict[str, Any] = {part: _dumped(getattr(documents, part)) for part in _PARTS}
    whole["messages"] = [_dumped(message) for message in documents.messages]
    whole["journeys"] = [_dumped(journey) for journey in documents.journeys]
    # Named only where there are any, so that the bytes of projects without them stay what they were.
    if documents.tables.tables:
        whole["tables"] = _dumped(documents.tables)
    if documents.campaigns:
        whole["campaigns"] = [_dumped(campaign) for campaign in documents.campaigns]
    if documents.insight:
        whole["insight"] = [_dumped(analyses) for analyses in documents.insight]
    if documents.places.places:
        whole["places"] = _dumped(documents.places)
    if documents.scores.scores:
        whole["scores"] = _dumped(documents.scores)
        sound = {file: each for file, each in documents.models.items() if isinstance(each, ScoreModel)}
        whole["models"] = msgspec.to_builtins(sound)
    named = {"offers": any(documents.offers.parts.values()), "sources": documents.sources.sources}
    named |= {"destinations": documents.destinations.destinations}
    whole |= {part: _dumped(getattr(documents, part)) for part, any_of_them in named.items() if any_of_them}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


def documents_of(data: bytes) -> Documents:
    """The documents that `json_of` wrote."""
    whole = json.loads(data)
    settings = ProjectDocument.model_validate(whole["settings"])
    models = msgspec.convert(whole.get("models", {}), dict[str, ScoreModel])
    return Documents(
        settings,
        ProfileDocument.model_validate(whole["profile"]),
        EventsDocument.model_validate(whole["events"]),
        AudiencesDocument.model_validate(whole["audiences"]),
        tuple(MessageDocument.model_validate(each) for each in whole["messages"]),
        tuple(JourneyDocument.model_validate(each) for each in whole["journeys"]),
        ActionsDocument.model_validate(whole.get("actions", {})),
        TablesDocument.model_validate(whole.get("tables", {})),
        tuple(CampaignDocument.model_validate(each) for each in whole.get("campaigns", ())),
        tuple(AnalysesDocument.model_validate(each) for each in whole.get("insight", ())),
        PlacesDocument.model_validate(whole.get("places", {})),
        ScoresDocument.model_validate(whole.get("scores", {})),
        {file: judged(each) for file, each in models.items()},
        OffersDocument.model_validate(whole.get("offers", {})),
        SourcesDocument.model_validate(whole.get("sources", {})),
        DestinationsDocument.model_validate(whole.get("destinations", {})),
    )


def _dumped(document: Any) -> dict[str, Any]:
    dumped: dict[str, Any] = document.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return dumped
