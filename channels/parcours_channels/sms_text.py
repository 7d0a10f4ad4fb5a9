"""How a text message is cut into segments, each of which is paid for: the alphabet that it needs, and their number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The GSM 7-bit alphabet (3GPP 23.038): one unit each."""

EXTENDED: Final = frozenset("\f^{}\\[~]|€")
"""Its extension table: an escape and a character, so two units."""

UNITS_ALONE: Final = {"GSM-7": 160, "UCS-2": 70}
UNITS_OF_SEVERAL: Final = {"GSM-7": 153, "UCS-2": 67}
"""Each segment of several loses 6 bytes to the header by which a handset joins them."""


@dataclass(frozen=True, slots=True)
class Segments:
    """The segments of a text. `foreign` are the characters for which it cannot be GSM-7, in order, each once."""

    encoding: Literal["GSM-7", "UCS-2"]
    count: int
    foreign: str


def segments_of(text: str) -> Segments:
    """The segments in which a text leaves."""
    foreign = "".join(dict.fromkeys(each for each in text if each not in BASIC and each not in EXTENDED))
    if foreign:
        return Segments("UCS-2", _count([2 if ord(each) > 0xFFFF else 1 for each in text], "UCS-2"), foreign)
    return Segments("GSM-7", _count([2 if each in EXTENDED else 1 for each in text], "GSM-7"), "")


def _count(units: list[int], encoding: str) -> int:
    if sum(units) <= UNITS_ALONE[encoding]:
        return 1
    count, room = 0, 0
    for each in units:
        if each > room:  # what takes two units is never torn apart
            count, room = count + 1, UNITS_OF_SEVERAL[encoding]
        room -= each
    return count
