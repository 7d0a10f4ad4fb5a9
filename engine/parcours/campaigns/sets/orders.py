"""Which rows come first? What stands behind ORDER BY."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from parcours.campaigns.sets.database import literal
from parcours.campaigns.sets.engine import AtRandom, ByValue, Filled, OrderKey, Preferred
from parcours.campaigns.sets.given import Given
from parcours.campaigns.sets.values import Key, value_key


def order_by(order: Sequence[OrderKey], given: Given, last: str) -> str:
    """What stands behind ORDER BY in a query of the table; `last` is a column that leaves nothing open."""
    return ", ".join([*(each for key in order for each in _keys(key, given)), last])


def _keys(key: OrderKey, given: Given) -> list[str]:
    match key:
        case ByValue():
            direction = "DESC" if key.highest else "ASC"
            return [f"{field} {direction} NULLS LAST" for field in given.compared(key.values).fields]
        case Filled():
            return [f"({given.compared(key.values).is_filled}) DESC"]
        case Preferred():
            return [_preference(given.plain(key.values), [value_key(choice) for choice in key.choices])]
        case AtRandom():
            return [given.plain(key)]
    assert_never(key)


def _preference(column: str, choices: Sequence[Key | None]) -> str:
    """The place of a value among the choices, behind them for any other."""
    cases = "".join(
        f" WHEN {column}.k = {kind} AND {column}.n = {literal(repr(number))}::DOUBLE AND {column}.r = {rest}"
        f" AND {column}.t = {literal(text)} THEN {place}"
        for place, (kind, number, rest, text) in enumerate(choice or _NOBODYS for choice in choices)
    )
    return f"CASE{cases} ELSE {len(choices)} END" if choices else "0"


_NOBODYS: Key = (-1, 0.0, 0, "")
"""The key of no value, for a choice that is no number."""
