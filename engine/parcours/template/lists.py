"""The filters of lists in which the Liquid library does not follow Shopify's Liquid where there are nulls."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from liquid import RenderContext
from liquid.exceptions import FilterError
from liquid.filter import sequence_filter, with_context
from liquid.stringify import to_liquid_string
from liquid.undefined import is_undefined
from markupsafe import Markup

from parcours.template.nothing import NOTHING, is_nothing


def _item(value: object, key: object) -> object:
    if key is NOTHING or is_undefined(key):
        return value
    return value.get(str(key), NOTHING) if isinstance(value, dict) else NOTHING


@sequence_filter
def sort(sequence: list[object], key: object = NOTHING) -> list[object]:
    """In ascending order; what has no value comes last."""
    keys = [_item(each, key) for each in sequence]
    order = sorted(
        (place for place, each in enumerate(keys) if not is_nothing(each)), key=lambda place: _Ordered(keys[place])
    )
    return _in_order(sequence, keys, order)


class _Ordered:
    """A value that can be compared with its like only."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def __lt__(self, other: _Ordered) -> bool:
        mine, others = self.value, other.value
        if isinstance(mine, str) and isinstance(others, str):
            return mine < others
        if isinstance(mine, int | float) and isinstance(others, int | float):
            return mine < others
        raise FilterError(f"can't sort {type(mine).__name__} and {type(others).__name__} together", token=None)


@sequence_filter
def sort_natural(sequence: list[object], key: object = NOTHING) -> list[object]:
    """In ascending order whatever the case; what has no value comes last."""
    keys = [_item(each, key) for each in sequence]
    order = sorted(
        (place for place, each in enumerate(keys) if not is_nothing(each)), key=lambda place: str(keys[place]).lower()
    )
    return _in_order(sequence, keys, order)


def _in_order(sequence: list[object], keys: list[object], order: list[int]) -> list[object]:
    items = list(sequence)
    return [items[place] for place in order] + [
        item for item, each in zip(items, keys, strict=True) if is_nothing(each)
    ]


@sequence_filter
def compact(sequence: list[object], key: object = NOTHING) -> list[object]:
    """Without what has no value."""
    return [each for each in sequence if not is_nothing(_item(each, key))]


@sequence_filter
def uniq(sequence: list[object], key: object = NOTHING) -> list[object]:
    """The first of each value."""
    first: dict[object, object] = {}
    for each in sequence:
        first.setdefault(_identity(_item(each, key)), each)
    return list(first.values())


def _identity(value: object) -> object:
    """Equal for equal values: lists and objects have no hash, their JSON has."""
    if isinstance(value, list | dict):
        return "json", msgspec.json.encode(value, order="sorted", enc_hook=lambda _: None)
    if isinstance(value, bool):
        return "boolean", value
    return None if is_nothing(value) else value


@with_context
@sequence_filter
def join(sequence: Iterable[object], separator: object = " ", *, context: RenderContext) -> str:
    """One text of all the items, each as it would be written."""
    between = Markup(separator) if context.autoescape and separator == " " else separator
    between = between if isinstance(between, str) else str(between)
    return between.join(each if isinstance(each, str) else to_liquid_string(each, False) for each in sequence)


def json(value: object) -> str:
    """The value as JSON."""
    return msgspec.json.encode(value, enc_hook=_plain).decode()


def _plain(value: object) -> object:
    return None if is_nothing(value) else str(value)
