"""What a message means by the expressions of sources.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from parcours.expression.expression import Expression, Scope, from_ms, to_json
from parcours.source import Line
from parcours.sources.lines import CloudTypes, MakeLine

IDS = ("userId", "anonymousId", "messageId")
"""The fields that are texts: systems elsewhere number their people."""


def mapped_by(fields: Mapping[str, Expression]) -> MakeLine:
    """Makes lines of messages."""
    usual_type = "track" if "event" in fields else "identify"

    def line_of(line: Line, partition: str, cloud_types: CloudTypes) -> bytes:
        del cloud_types
        scope = Scope(message=_seen(line, partition))
        told = {name: to_json(expression.value(scope)) for name, expression in fields.items()}
        told = {name: value for name, value in told.items() if value is not None}
        for name in IDS:
            if type(told.get(name)) is int:
                told[name] = str(told[name])
        told.setdefault("type", usual_type)
        if line.timestamp_ms is not None:
            told.setdefault("timestamp", to_json(from_ms(line.timestamp_ms)))
        return msgspec.json.encode(told)

    return line_of


def _seen(line: Line, partition: str) -> dict[str, Any]:
    """What an expression sees. Raises ValueError for a value that is no JSON."""
    try:
        value = None if line.value is None else msgspec.json.decode(line.value)
    except msgspec.DecodeError as error:
        raise ValueError(f"the value is no JSON: {error}") from None
    return {
        "value": value,
        "key": None if line.key is None else line.key.decode(errors="replace"),
        "headers": {name: text.decode(errors="replace") for name, text in line.headers},
        "partition": partition,
        "offset": line.offset,
        "timestamp": None if line.timestamp_ms is None else from_ms(line.timestamp_ms),
    }
