"""The names that a faulty document may declare, though they could not be read: where used, they are of any kind.

So no use of them is reported for the sake of a fault that has been told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from parcours.expression.names import ANYTHING
from parcours.journey.model.document import (
    ActionsDocument,
    EventsDocument,
    ProfileDocument,
)
from parcours.journey.model.forms import Document
from parcours.journey.model.kinds import DOCUMENTS
from parcours.journey.read.finding import KeyPath
from parcours.validation import keys_of_model

DECLARING: Final[Mapping[str, tuple[str, ...]]] = {
    "project": ("channels",),
    "profile": ("traits", "addresses"),
    "events": ("events",),
    "audiences": ("audiences",),
    "actions": ("actions",),
    "message": ("message",),
    "journey": ("journey",),
    "tables": ("tables",),
    "places": ("places",),
    "campaign": ("campaign",),
    "insight": ("metrics", "segments", "funnels"),
    "scores": ("scores",),
    "destinations": ("destinations",),
    "offers": ("placements", "offers", "collections", "rankings", "decisions"),
    "sources": ("sources",),
}
"""The keys by which each kind of document declares names that others use."""


def unread_keys(kind: str, data: Mapping[str, object], lost: Collection[KeyPath]) -> frozenset[str]:
    """Those keys of a document under which names may be missing, because they are faulty or misspelt themselves."""
    misspelt = bool(unknown_keys(kind, lost))
    return frozenset(key for key in DECLARING[kind] if (key,) in lost or (key not in data and misspelt))


def unknown_keys(kind: str, lost: Collection[KeyPath]) -> frozenset[str]:
    """The keys of the whole document that are lost and that no document of its kind has."""
    return frozenset(str(path[0]) for path in lost if len(path) == 1) - {*keys_of_model(DOCUMENTS[kind])}


def with_any_kind(document: Document, lost: Collection[KeyPath]) -> Document:
    """The document with the names that it has lost, as names of any kind."""
    if isinstance(document, ProfileDocument):
        traits = {str(path[1]): "any" for path in lost if path[0] == "traits" and len(path) == 2}
        return document.model_copy(update={"traits": {**document.traits, **traits}})
    if isinstance(document, EventsDocument):
        return document.model_copy(update={"events": _opened(document.events, lost, "events", "properties")})
    if isinstance(document, ActionsDocument):
        return document.model_copy(update={"actions": _opened(document.actions, lost, "actions", "answer")})
    return document


def _opened(parts: Mapping[str, Any], lost: Collection[KeyPath], top: str, kinds: str) -> dict[str, Any]:
    """The event types or actions with the properties that they have lost."""
    opened = dict(parts)
    for path in lost:
        if len(path) < 2 or path[0] != top or path[1] not in opened:
            continue
        part = opened[str(path[1])]
        if len(path) > 3 and path[2] == kinds:
            update = {str(path[3]): "any"}
        elif len(path) == 2 or path[2] == kinds or _may_be(path, kinds, part):
            update = {**ANYTHING}
        else:
            continue
        opened[str(path[1])] = part.model_copy(update={kinds: {**getattr(part, kinds), **update}})
    return opened


def _may_be(path: KeyPath, kinds: str, part: Any) -> bool:
    """Whether a lost key may be the misspelt one of the kinds."""
    return len(path) == 3 and path[2] not in keys_of_model(type(part)) and kinds not in part.model_fields_set
