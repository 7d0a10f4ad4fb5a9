"""Surrogates: halves of pairs, which UTF-8 cannot write, become U+FFFD, and both halves of a pair their character."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

REPLACEMENT: Final = b"\\ufffd"

_HALF: Final = rb"u[dD][89a-fA-F][0-9a-fA-F]{2}"
_PAIR: Final = rb"u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPE: Final = re.compile(rb"\\(?:" + _PAIR + rb"|" + _HALF + rb"|.)")
_HALF_BYTES: Final = 6
_ANY: Final = re.compile("[\ud800-\udfff]")


def mended_json(text: bytes, replacement: bytes = REPLACEMENT) -> bytes:
    """JSON in which every half of a pair that is written as an escape is U+FFFD, or another escape as long."""
    return _ESCAPE.sub(lambda found: replacement if len(found[0]) == _HALF_BYTES else found[0], text)


def mended_text(text: str) -> str:
    """The text with whole characters only."""
    if _ANY.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def mended_value(value: object) -> object:
    """Plain data in which every text has whole characters only."""
    if isinstance(value, str):
        return mended_text(value)
    if isinstance(value, Mapping):
        return {mended_value(key): mended_value(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [mended_value(inner) for inner in value]
    return value
