"""How do texts and numbers get into an SVG: escaped, cut to length, and as wide as they will be on most screens?

No font is asked. A small table of widths, a tenth too wide for the usual sans-serif ones, makes rooms that texts fit
into, and the same rooms on every machine.
"""

from __future__ import annotations

import re
import unicodedata
from html import escape
from typing import Final

_FORBIDDEN: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010fffd]")
"""Characters that XML has no way to write, and some that it asks to leave out."""

_TURNING: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Characters that turn around what comes after them, so that a name may read as something else."""

_WIDE: Final = frozenset("mwMW@%&—…")
_NARROW: Final = frozenset("iljtfrI.,:;'!|()[] ·")


def escaped(text: str) -> str:
    """Text for an element or a quoted attribute, on one line."""
    return escaped_lines(" ".join(text.split()))


def escaped_lines(text: str) -> str:
    """The same with its line breaks."""
    return escape(readable(text), quote=True)


def readable(text: str) -> str:
    """The text with U+FFFD in place of what XML cannot hold, and of what turns around the text behind it."""
    return _TURNING.sub("\ufffd", _FORBIDDEN.sub("\ufffd", text))


def cut(text: str, most: int) -> str:
    """The text as far as there is room for so many characters; the last is an ellipsis where it goes on."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def cut_to_width(text: str, size: float, width: float) -> str:
    """The text as far as it fits into a width at a font size, cut as `cut` does it. One pass, however long it is."""
    line = " ".join(text.split())
    if len(line) <= 1 or text_width(line, size) <= width:
        return line
    kept, before = 0, 0.0
    for place, character in enumerate(line, start=1):
        before += _character_width(character)
        if character == " ":
            continue  # none stands before an ellipsis
        if (before + _character_width("…")) * size > width:
            break
        kept = place
    return f"{line[:kept]}…"


def text_width(text: str, size: float) -> float:
    """About how wide a text is at a font size, in the same unit."""
    width = 0.0
    for character in text:
        width += _character_width(character)
    return width * size


def _character_width(character: str) -> float:
    if character in _NARROW:
        return 0.39
    if character in _WIDE:
        return 0.97
    if character < "\x7f":
        return 0.74 if character.isupper() else 0.64
    if unicodedata.combining(character):
        return 0.0
    return 1.1 if unicodedata.east_asian_width(character) in ("W", "F") else 0.76


def number(value: float) -> str:
    """A coordinate, to a tenth."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def short_count(count: int) -> str:
    """A count in at most six characters; from 100,000 on it is rounded down: 123k, 1.2M, 12M."""
    if count < 100_000:
        return f"{count:,}"
    for unit, letter in ((10**3, "k"), (10**6, "M"), (10**9, "G")):
        whole, rest = divmod(count, unit)
        if whole < 10:
            return f"{whole}.{rest * 10 // unit}{letter}"
        if whole < 1_000:
            return f"{whole}{letter}"
    return f"{count // 10**9:,}G"
