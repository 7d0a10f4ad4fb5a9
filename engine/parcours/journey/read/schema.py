"""The JSON Schema of each kind of document, for editors to complete and validate what is typed."""

from __future__ import annotations

from typing import Any, Final

from parcours.errors import CallerError
from parcours.journey.model.kinds import DOCUMENTS
from parcours.wording import nearest, quoted

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

KINDS: Final = tuple(DOCUMENTS)
"""The kinds of documents: project, profile, events, audiences, actions, tables, places, message, journey, campaign,
insight, scores, offers, destinations.
"""


def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of a kind of document. Raises CallerError for an unknown kind."""
    if kind not in DOCUMENTS:
        raise CallerError(
            f"there is no kind of document {quoted(kind)}{nearest(kind, KINDS)}; there are {', '.join(KINDS)}"
        )
    return {"$schema": DIALECT, **DOCUMENTS[kind].model_json_schema(by_alias=True)}
