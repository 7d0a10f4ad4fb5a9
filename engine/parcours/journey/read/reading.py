"""Validation of a source by its document's model, with each pydantic error put in an author's words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from parcours.journey.model.forms import Document
from parcours.journey.model.kinds import DOCUMENTS
from parcours.journey.read.complaints import Complaint, complaints
from parcours.journey.read.finding import Margin
from parcours.journey.read.source import Source

AnyDocument = TypeVar("AnyDocument", bound=Document)


def read_document(source: Source, model: type[AnyDocument], margin: Margin) -> AnyDocument | None:
    """The document, or None with every error noted in the margin."""
    data = {} if source.data is None and model is not DOCUMENTS["project"] else source.data
    try:
        return model.model_validate(data)
    except ValidationError as error:
        note_invalid(error, model, margin)
        return None


def note_invalid(
    error: ValidationError,
    model: type[BaseModel],
    margin: Margin,
    matters: Callable[[ErrorDetails], bool] = lambda details: True,
) -> None:
    """Note each error of a model that matters: a document's, a channel's content or its settings."""
    note(complaints(error, model, matters), margin)


def note(complained: Iterable[Complaint], margin: Margin) -> None:
    """Note each complaint in the margin."""
    for complaint in complained:
        margin.error(complaint.message, *complaint.path, value=complaint.value)
