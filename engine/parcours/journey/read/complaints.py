"""The validation errors of a model, in an author's words, each with the key path that the author wrote.

They are shown one by one with their lines where a file is read (reading.py), and in one line everywhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from parcours.journey.model.campaign_steps import CAMPAIGN_STEP_KINDS
from parcours.journey.model.forms import IN_WORDS, keys_of, tagged
from parcours.journey.model.kinds import DOCUMENTS
from parcours.journey.model.steps import STEP_KINDS
from parcours.journey.read.finding import KeyPath, shown
from parcours.validation import keys_of_model, line_of, mattering, message_of
from parcours.wording import nearest


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong at one place. `value` is what stands there, "" where that says nothing."""

    path: KeyPath
    message: str
    value: str


def complaints(
    error: ValidationError,
    model: type[BaseModel],
    matters: Callable[[ErrorDetails], bool] = lambda details: True,
) -> Iterator[Complaint]:
    """Each complaint that matters, as `mattering` finds them."""
    for details in mattering(error, matters):
        path = key_path(details)
        yield Complaint(path, _message(details, details.get("ctx", {}), model, path), _value(details))


def in_a_line(error: ValidationError, model: type[BaseModel]) -> str:
    """The complaints, each after its place. Values are left out: they may be secrets, or somebody's data."""
    return line_of((each.path, each.message) for each in complaints(error, model))


def key_path(details: ErrorDetails) -> KeyPath:
    """The key path of an error, in the keys that the author wrote."""
    return tuple(key for key in details["loc"] if not _is_tag(key) and key != "[key]")


def _is_tag(key: int | str) -> bool:
    return isinstance(key, str) and key.startswith("<") and key.endswith(">")


def _value(details: ErrorDetails) -> str:
    quiet = details["type"] in ("missing", "extra_forbidden") or isinstance(details["input"], BaseModel)
    return "" if quiet else shown(details["input"])


def _message(details: ErrorDetails, context: Mapping[str, Any], model: type[BaseModel], path: KeyPath) -> str:
    kind, last = details["type"], str(path[-1]) if path else ""
    if kind in ("step", "campaign_step"):
        known = STEP_KINDS if kind == "step" else CAMPAIGN_STEP_KINDS
        hints = (nearest(key, known) for key in sorted(keys_of(details["input"]) - {"id", "next", "from", "after"}))
        return details["msg"] + next(filter(None, hints), "")
    if kind == "string_pattern_mismatch" and context.get("pattern") in IN_WORDS:
        return IN_WORDS[context["pattern"]]
    if kind == "dict_type" and len(path) == 1 and model is DOCUMENTS["message"]:
        return "neither a key of a message, nor a channel with its content" + nearest(last, keys_of_model(model))
    return message_of(details, keys_of_model(_model_at(model, details["loc"][:-1])))


def _model_at(model: type[BaseModel], location: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The model that governs a place, found by walking from the document's own."""
    current: type[BaseModel] | None = model
    union: object = None
    for key in location:
        if isinstance(key, int):
            continue
        if _is_tag(key):
            current = _model_within(tagged(union).get(key, current))
            continue
        field = current.model_fields.get(key) if current else None
        if field is not None:
            current, union = _model_within(field.annotation), field.annotation
    return current


def _model_within(annotation: object) -> type[BaseModel] | None:
    """The only model in an annotation, however wrapped; None if there are several or none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = {model for each in get_args(annotation) if (model := _model_within(each)) is not None}
    return found.pop() if len(found) == 1 else None
