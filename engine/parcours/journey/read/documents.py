"""The documents of a whole project, before it is compiled, and the margin of each for findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TypeVar, cast

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
from parcours.journey.model.kinds import DOCUMENTS
from parcours.journey.model.offers import OffersDocument
from parcours.journey.model.places import PlacesDocument
from parcours.journey.model.scores import ScoresDocument
from parcours.journey.model.sources import SourcesDocument
from parcours.journey.model.tables import TablesDocument
from parcours.journey.read.error_recovery import recovered
from parcours.journey.read.finding import Finding, KeyPath, Margin
from parcours.journey.read.lost_names import DECLARING, unknown_keys, unread_keys, with_any_kind
from parcours.journey.read.model_files import read_models
from parcours.journey.read.reading import note, read_document
from parcours.journey.read.source import MANY, SINGLE, Source, read_folder
from parcours.scoring.model import ModelFault, ScoreModel
from parcours.validation import keys_of_model
from parcours.wording import nearest

AnyDocument = TypeVar("AnyDocument", bound=Document)


@dataclass(frozen=True, slots=True)
class Documents:
    """All documents of a project, as read or as made in Python; `models` has those of its scores, by their files."""

    settings: ProjectDocument
    profile: ProfileDocument = field(default_factory=ProfileDocument)
    events: EventsDocument = field(default_factory=EventsDocument)
    audiences: AudiencesDocument = field(default_factory=AudiencesDocument)
    messages: tuple[MessageDocument, ...] = ()
    journeys: tuple[JourneyDocument, ...] = ()
    actions: ActionsDocument = field(default_factory=ActionsDocument)
    tables: TablesDocument = field(default_factory=TablesDocument)
    campaigns: tuple[CampaignDocument, ...] = ()
    insight: tuple[AnalysesDocument, ...] = ()
    places: PlacesDocument = field(default_factory=PlacesDocument)
    scores: ScoresDocument = field(default_factory=ScoresDocument)
    models: Mapping[str, ScoreModel | ModelFault] = field(default_factory=dict)
    offers: OffersDocument = field(default_factory=OffersDocument)
    sources: SourcesDocument = field(default_factory=SourcesDocument)
    destinations: DestinationsDocument = field(default_factory=DestinationsDocument)


@dataclass(frozen=True, slots=True)
class Margins:
    """The margin of each document, in the same order."""

    findings: list[Finding]
    single: dict[str, Margin]
    messages: tuple[Margin, ...]
    journeys: tuple[Margin, ...]
    campaigns: tuple[Margin, ...] = ()
    unread: frozenset[str] = frozenset()
    """Keys under which documents declare names, and names of messages, that exist but could not be read."""

    lost: Mapping[str, frozenset[KeyPath]] = field(default_factory=dict)
    """What could not be read, by file."""

    insight: tuple[Margin, ...] = ()


def margins_of(documents: Documents, findings: list[Finding]) -> Margins:
    """Margins for documents that were made in Python: named after their place in a folder, without lines."""
    return Margins(
        findings,
        {kind: Margin(file, findings) for kind, file in SINGLE.items()},
        tuple(Margin(f"{MANY['message']}/{each.message}", findings) for each in documents.messages),
        tuple(Margin(f"{MANY['journey']}/{each.journey}", findings) for each in documents.journeys),
        tuple(Margin(f"{MANY['campaign']}/{each.campaign}", findings) for each in documents.campaigns),
        insight=tuple(
            Margin(f"{MANY['insight']}/{number}", findings) for number in range(1, len(documents.insight) + 1)
        ),
    )


def read_documents(folder: Path, findings: list[Finding]) -> tuple[Documents, Margins]:
    """The documents of a folder. Of a faulty one, all that can be read; an empty one stands in for it otherwise."""
    read: dict[str, list[tuple[Document, Margin]]] = {kind: [] for kind in DOCUMENTS}
    unread, lost = set[str](), dict[str, frozenset[KeyPath]]()
    for source in read_folder(folder, findings):
        margin, kind = source.margin(findings), source.kind
        document = read_document(source, DOCUMENTS[kind], margin) if source.readable else None
        if document is None or source.repeated or source.misplaced:
            rest = recovered(kind, source.data)
            missing = (
                source.repeated
                | source.misplaced
                | (rest.lost if rest is not None else {(key,) for key in DECLARING[kind]})
            )
            lost[source.file] = missing
            unread |= _unread_names(source, missing)
            document = None if rest is None else with_any_kind(rest.document, missing)
            if rest is not None:
                note(rest.hidden, margin)
                margin = replace(margin, silent=rest.lost | source.misplaced)
        if document is not None:
            read[kind].append((document, margin))
    documents, margins = _together(read, Margins(findings, {}, (), (), (), frozenset(unread), lost))
    return replace(documents, models=read_models(folder, documents.scores)), margins


def _unread_names(source: Source, lost: frozenset[KeyPath]) -> frozenset[str]:
    """What may be declared in a faulty document, as `Margins.unread` has it."""
    data = source.data if isinstance(source.data, dict) else {}
    unread = unread_keys(source.kind, data, lost)
    if source.kind == "message":
        keys = keys_of_model(DOCUMENTS["message"])
        unknown = unknown_keys("message", lost)
        if unread or not all(nearest(key, keys) for key in unknown):  # one of them may be a channel
            unread |= {_message_name(source)}
        if unread or ("purpose",) in lost or ("purpose" not in data and unknown):
            unread |= {"purpose"}
    return unread


def _message_name(source: Source) -> str:
    """The probable name of a message that cannot be read."""
    name = source.data.get("message") if isinstance(source.data, dict) else None
    return name if isinstance(name, str) else PurePosixPath(source.file).stem


def _together(read: dict[str, list[tuple[Document, Margin]]], margins: Margins) -> tuple[Documents, Margins]:
    def only(kind: str, otherwise: AnyDocument) -> AnyDocument:
        return cast(AnyDocument, read[kind][0][0]) if read[kind] else otherwise

    documents = Documents(
        only("project", ProjectDocument(project="unnamed")),
        only("profile", ProfileDocument()),
        only("events", EventsDocument()),
        only("audiences", AudiencesDocument()),
        tuple(cast(MessageDocument, document) for document, _ in read["message"]),
        tuple(cast(JourneyDocument, document) for document, _ in read["journey"]),
        only("actions", ActionsDocument()),
        only("tables", TablesDocument()),
        tuple(cast(CampaignDocument, document) for document, _ in read["campaign"]),
        tuple(cast(AnalysesDocument, document) for document, _ in read["insight"]),
        only("places", PlacesDocument()),
        only("scores", ScoresDocument()),
        offers=only("offers", OffersDocument()),
        sources=only("sources", SourcesDocument()),
        destinations=only("destinations", DestinationsDocument()),
    )
    return documents, replace(
        margins,
        single={kind: read[kind][0][1] if read[kind] else Margin(SINGLE[kind], margins.findings) for kind in SINGLE},
        messages=tuple(margin for _, margin in read["message"]),
        journeys=tuple(margin for _, margin in read["journey"]),
        campaigns=tuple(margin for _, margin in read["campaign"]),
        insight=tuple(margin for _, margin in read["insight"]),
    )
