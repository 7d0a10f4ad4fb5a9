"""What has no value: to a template a null inside of data is the same as a name that is not there."""

from __future__ import annotations

from collections.abc import Mapping
from operator import eq
from typing import Final

from liquid.undefined import Undefined


class Nothing(Undefined):
    """The null of templates: it renders as nothing, wherever it stands."""

    __slots__ = ()

    def __repr__(self) -> str:
        return ""


NOTHING: Final = Nothing("null")

_VALUES: Final = (str, int, float, dict, list)


def is_nothing(value: object) -> bool:
    """Whether the value is a null, a missing name, or one of the Liquid library's own nulls, which equal None."""
    return value is None or (not isinstance(value, _VALUES) and bool(eq(value, None)))


def without_nulls(value: object) -> object:
    """The same data with NOTHING for each null in it; what holds none is not copied."""
    if value is None:
        return NOTHING
    if isinstance(value, Mapping) and not isinstance(value, Undefined):
        inner = {key: without_nulls(each) for key, each in value.items()}
        return inner if any(inner[key] is not each for key, each in value.items()) else value
    if isinstance(value, list):
        items = [without_nulls(each) for each in value]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    return value
