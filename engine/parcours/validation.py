"""The words for an error that pydantic found, whoever wrote what is wrong: an author, an operator, a caller."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from parcours.wording import nearest

IN_A_LINE_MAX: Final = 5
"""Complaints told in one line; somebody's data may cause any number of them, and the line goes into a fact."""

_WORDS: Final[Mapping[str, str]] = {
    "string_type": "a text is expected",
    "int_type": "a whole number is expected",
    "int_parsing": "a whole number is expected",
    "int_parsing_size": "a whole number of fewer digits is expected",
    "int_from_float": "a whole number is expected",
    "float_parsing": "a number is expected",
    "float_type": "a number is expected",
    "bool_parsing": "true or false is expected",
    "bool_type": "true or false is expected",
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


def mattering(
    error: ValidationError, matters: Callable[[ErrorDetails], bool] = lambda details: True
) -> list[ErrorDetails]:
    """What is wrong that matters; of a list that is empty because all in it is wrong, the latter only."""
    listed = [details for details in error.errors(include_url=False) if matters(details)]
    places = [details["loc"] for details in listed]
    return [
        details
        for details in listed
        if details["type"] != "too_short" or sum(each[: len(details["loc"])] == details["loc"] for each in places) == 1
    ]


def message_of(details: ErrorDetails, keys: Iterable[str]) -> str:
    """What is wrong; `keys` are those that there are where it was found."""
    kind, context = details["type"], details.get("ctx", {})
    if kind == "missing":
        return "this key is needed"
    if kind == "extra_forbidden":
        return "unknown key" + nearest(str(details["loc"][-1]), keys)
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        wanted, given = str(context["expected"]), details["input"]
        hint = nearest(given, re.findall(r"'([^']+)'", wanted)) if isinstance(given, str) else ""
        return f"expected {wanted.replace('True', 'true')}{hint}"
    if kind == "string_too_short" and context["min_length"] == 1:
        return "a text is expected that is not empty"
    if kind == "too_short" and (least := context["min_length"]) > 1:
        return f"at least {least} are needed"
    if kind == "too_long":
        return f"{context['max_length']} at most, and not {context['actual_length']}"
    return _WORDS.get(kind) or details["msg"][:1].lower() + details["msg"][1:]


def line_of(complaints: Iterable[tuple[Sequence[int | str], str]]) -> str:
    """Complaints in one line, each after its place."""
    told = [": ".join(filter(None, (".".join(map(str, path)), message))) for path, message in complaints]
    more = [f"and {len(told) - IN_A_LINE_MAX} more"] if len(told) > IN_A_LINE_MAX else []
    return "; ".join([*told[:IN_A_LINE_MAX], *more])


def keys_of_model(model: type[BaseModel] | None) -> list[str]:
    """The keys that a model has, as they are written."""
    fields = model.model_fields.items() if model else ()
    return [field.alias or name for name, field in fields]
