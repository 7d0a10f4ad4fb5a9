"""The validation errors of a model, in an author's words. The only module that reads pydantic's errors.

They are shown one by one with their lines where a file is read (reading.py), and in one line everywhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from parcours.expression.names import nearest
from parcours.journey.model.document import DOCUMENTS
from parcours.journey.model.forms import NAME_PATTERN, keys_of, tagged
from parcours.journey.model.steps import STEP_KINDS
from parcours.journey.read.finding import KeyPath, shown

IN_A_LINE_MAX: Final = 5
"""Complaints told in one line; somebody's data may cause any number of them, and the line goes into a fact."""

_WORDS: Final[Mapping[str, str]] = {
    "string_type": "a text is expected",
    "int_type": "a whole number is expected",
    "int_parsing": "a whole number is expected",
    "float_parsing": "a number is expected",
    "float_type": "a number is expected",
    "dict_type": "keys with values are expected",
    "model_type": "keys with values are expected",
    "model_attributes_type": "keys with values are expected",
    "tuple_type": "a list is expected",
    "list_type": "a list is expected",
    "too_short": "at least one is needed",
    "date_from_datetime_parsing": "a date such as 2026-11-01 is expected",
    "date_parsing": "a date such as 2026-11-01 is expected",
    "datetime_parsing": "a time such as 2026-03-02T09:00:00Z is expected",
    "datetime_from_date_parsing": "a time such as 2026-03-02T09:00:00Z is expected",
}


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
    """Each complaint that matters; of a list that is empty because all in it is wrong, the latter only."""
    listed = [details for details in error.errors(include_url=False) if matters(details)]
    places = [details["loc"] for details in listed]
    for details in listed:
        if details["type"] != "too_short" or sum(each[: len(details["loc"])] == details["loc"] for each in places) == 1:
            path = key_path(details)
            yield Complaint(path, _message(details, details.get("ctx", {}), model, path), _value(details))


def in_a_line(error: ValidationError, model: type[BaseModel]) -> str:
    """The complaints, each after its place. Values are left out: they may be secrets, or somebody's data."""
    told = [": ".join(filter(None, (".".join(map(str, each.path)), each.message))) for each in complaints(error, model)]
    more = [f"and {len(told) - IN_A_LINE_MAX} more"] if len(told) > IN_A_LINE_MAX else []
    return "; ".join([*told[:IN_A_LINE_MAX], *more])


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
    if kind == "missing":
        return "this key is needed"
    if kind == "extra_forbidden":
        return "unknown key" + nearest(last, _keys(_model_at(model, details["loc"][:-1])))
    if kind == "value_error":
        return str(context["error"])
    if kind == "step":
        hints = (nearest(key, STEP_KINDS) for key in sorted(keys_of(details["input"]) - {"id", "next"}))
        return details["msg"] + next(filter(None, hints), "")
    if kind == "literal_error":
        wanted = str(context["expected"])
        return f"expected {wanted.replace('True', 'true')}" + nearest(
            str(details["input"]), re.findall(r"'([^']+)'", wanted)
        )
    if kind == "string_pattern_mismatch" and context.get("pattern") == NAME_PATTERN:
        return "a name has letters, digits, - and _"
    if kind in _WORDS and len(path) == 1 and model is DOCUMENTS["message"] and kind == "dict_type":
        return "neither a key of a message, nor a channel with its content" + nearest(last, _keys(model))
    return _WORDS.get(kind) or details["msg"][:1].lower() + details["msg"][1:]


def _keys(model: type[BaseModel] | None) -> list[str]:
    fields = model.model_fields.items() if model else ()
    return [field.alias or name for name, field in fields]


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
