"""What expressions give, as columns of `VALUE` (values.py), and back again. Most columns are of one kind."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from math import isfinite
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from parcours.campaigns.sets.values import KINDS, VALUE, value_column
from parcours.expression.values import MISSING, to_json
from parcours.instants import EPOCH

EXACT_MAX: Final = 2**53
"""Up to here doubles hold each whole number."""

_NONE: Final = type(None)

_LACK: Final = str.maketrans("0123456789", "9876543210")
"""Of a number below zero, values.py tells what its digits lack to 9."""


def condition_column(values: Sequence[object]) -> Any:
    """Whether a condition holds: its value is exactly true."""
    return pa.array([value is True for value in values], pa.bool_())


def valued_column(values: Sequence[object]) -> Any:
    """The values as an array of `VALUE`; None and what is MISSING are null."""
    plain = [_comparable(value) for value in values]
    kinds = set(map(type, plain))
    kinds.discard(_NONE)
    if kinds == {str}:
        return _structs("string", texts=pa.array(plain, pa.string()))
    if kinds == {bool}:
        return _structs("boolean", rests=pa.array(plain, pa.bool_()).cast(pa.int64()))
    if kinds == {float} or (kinds <= {int, float} and all(_is_exact(value) for value in plain)):
        numbers = pa.array(plain, pa.float64(), from_pandas=True)  # no number is null
        return _structs("number", numbers=pc.add(numbers, 0.0))  # -0.0 is 0.0
    return value_column(plain)


def _comparable(value: object) -> object:
    """Within lists and objects, times are the texts that JSON has."""
    if value is MISSING:
        return None
    return to_json(value) if isinstance(value, list | dict) else value


def _is_exact(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and -EXACT_MAX <= value <= EXACT_MAX)


def _structs(kind: str, numbers: Any = None, rests: Any = None, texts: Any = None) -> Any:
    given = next(each for each in (numbers, rests, texts) if each is not None)
    there = pc.is_valid(given)

    def column(values: Any, other: Any) -> Any:
        return pc.if_else(there, other, pa.scalar(None, other.type)) if values is None else values

    return pa.StructArray.from_arrays(
        [
            column(None, pa.scalar(KINDS.index(kind), pa.int8())),
            column(numbers, pa.scalar(0.0)),
            column(rests, pa.scalar(0, pa.int64())),
            column(texts, pa.scalar("")),
        ],
        fields=list(VALUE),
        mask=pc.invert(there),
    )


def plain_of(value: dict[str, Any] | None) -> object:
    """The value that a struct of `VALUE` stands for: plain data, a datetime or a timedelta. None is missing."""
    return None if value is None else _plain(KINDS[value["k"]], value["n"], value["r"], value["t"])


def _plain(kind: str, number: float, rest: int, text: str) -> object:
    match kind:
        case "number":
            return _number(number, rest, text)
        case "timestamp":
            return EPOCH + timedelta(microseconds=rest)
        case "duration":
            return timedelta(microseconds=rest)
        case "boolean":
            return bool(rest)
        case "list" | "object":
            return _within(json.loads(text))
        case _:
            return text


def _number(number: float, rest: int, digits: str) -> int | float:
    """A double; or the whole number next to it that no double is, of which the digits are told but zeros at the end."""
    if rest == 0:
        return int(number) if abs(number) > EXACT_MAX and isfinite(number) else number
    near = abs(int(number))
    told = digits.removesuffix(":").translate(_LACK) if number < 0 else digits
    lengths = (len(str(near)) - 1, len(str(near)))  # the double may have one digit more than the number
    whole = min((int(told.ljust(length, "0")) for length in lengths), key=lambda each: abs(each - near))
    return -whole if number < 0 else whole


def _within(value: object) -> object:
    """What is in a list or object: JSON has no word for numbers that are no doubles."""
    match value:
        case dict():
            return {name: _within(each) for name, each in value.items()}
        case list():
            return [_within(each) for each in value]
        case str() if value.startswith("\0\0"):
            return value[1:]
        case str() if value.startswith("\0"):
            kind, number, rest, text = value[1:].split(" ", 3)
            return _plain(KINDS[int(kind)], float(number), int(rest), text)
        case _:
            return value
