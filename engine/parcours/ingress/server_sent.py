"""How is an event written that is sent as it happens? As a server-sent event, which browsers and libraries read."""

from __future__ import annotations

from typing import Final

import msgspec

EVENT_STREAM: Final = "text/event-stream"

_encode = msgspec.json.Encoder().encode


def event(name: str, data: object, number: str = "", retry_ms: int | None = None) -> bytes:
    """One event as bytes. JSON has no line break in it, so the data is one line."""
    lines = [b"event: " + name.encode()]
    if number:
        lines.append(b"id: " + number.encode())
    if retry_ms is not None:
        lines.append(b"retry: %d" % retry_ms)
    return b"\n".join([*lines, b"data: " + _encode(data), b"", b""])
