"""Which keys of a document are numbers and no names? Those below which its model has numbers: they need no quotes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel

from parcours.journey.model.kinds import DOCUMENTS
from parcours.journey.read.finding import Key, KeyPath

LISTS: Final = (tuple, list, Sequence)
MAPPINGS: Final = (dict, Mapping)


def is_numbered(kind: str, path: KeyPath) -> bool:
    """Whether the last key of the path stands in a mapping by numbers, by the model of this kind of document."""
    forms: list[Any] = [DOCUMENTS[kind]] if kind in DOCUMENTS else []
    for key in path[:-1]:
        forms = [each for form in forms for each in _below(form, key)]
    return any(get_args(each)[0] is int for form in forms for each in _plain(form) if get_origin(each) in MAPPINGS)


def _plain(form: Any) -> Iterator[Any]:
    """The types of which a value may be."""
    match get_origin(form):
        case origin if origin is Annotated:
            yield from _plain(get_args(form)[0])
        case origin if origin in (Union, UnionType):
            for each in get_args(form):
                yield from _plain(each)
        case _:
            yield form


def _below(form: Any, key: Key) -> Iterator[Any]:
    """Of what is at this key in a value of such a form; nothing where it has no such key."""
    for each in _plain(form):
        origin, inner = get_origin(each), get_args(each)
        if origin in MAPPINGS:
            yield inner[1]
        elif origin in LISTS:
            yield inner[0]
        elif isinstance(each, type) and issubclass(each, BaseModel):
            yield from (field.annotation for name, field in each.model_fields.items() if key in (name, field.alias))
