"""Numbers of analyses as a reader sees them: shares with what they are of, amounts, bars, and the window."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Final

from parcours.core.time_text import time_text

BAR_CHARACTERS: Final = 10

_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_REST: Final = "░"


def percent_text(part: float, whole: float) -> str:
    """The share in percent to one decimal, half up; empty of nothing."""
    if not whole:
        return ""
    return f"{_half_up(Fraction(part) * 100 / Fraction(whole), 1)} %"


def share_text(part: int, whole: int) -> str:
    """The share with its two numbers; empty of nothing."""
    return f"{part:,} / {whole:,}  {percent_text(part, whole):>7}" if whole else ""


def points_text(difference: Fraction) -> str:
    """A difference of two shares in points of percent, with its sign."""
    shown = _half_up(difference * 100, 1)
    return shown if shown.startswith("-") else f"+{shown}"


def amount_text(amount: float | None) -> str:
    """A number to two decimals, half up, without those that are 0; empty where it is missing."""
    if amount is None:
        return ""
    shown = _half_up(Fraction(amount), 2)
    whole, _, decimals = shown.partition(".")
    decimals = decimals.rstrip("0")
    sign = "-" if whole.startswith("-") and (int(whole) or decimals) else ""
    return f"{sign}{abs(int(whole)):,}" + (f".{decimals}" if decimals else "")


def bar(part: float, whole: float, characters: int = BAR_CHARACTERS) -> str:
    """A bar of block characters, to an eighth of one; always of the same length."""
    eighths = int(Fraction(part) * characters * 8 / Fraction(whole)) if whole else 0
    full, rest = divmod(max(0, min(eighths, characters * 8)), 8)
    drawn = _EIGHTHS[-1] * full + (_EIGHTHS[rest] if rest else "")
    return drawn + _REST * (characters - len(drawn))


def window_text(from_ms: int | None, to_ms: int | None) -> str:
    """The window that was asked about."""
    if from_ms is None and to_ms is None:
        return "All that is known."
    since = "" if from_ms is None else f"from {time_text(from_ms)} on"
    before = "" if to_ms is None else f"before {time_text(to_ms)}"
    said = " and ".join(each for each in (since, before) if each)
    return f"{said[0].upper()}{said[1:]}."


def counted_text(count: int, one: str, many: str) -> str:
    """How many there are, in words."""
    return f"{count:,} {one if count == 1 else many}"


def _half_up(number: Fraction, decimals: int) -> str:
    """The decimal text, rounded away from zero where it lies in the middle."""
    unit = 10**decimals
    doubled = abs(number) * unit * 2 + 1
    rounded = Decimal(doubled.numerator // (doubled.denominator * 2)) / unit
    sign = "-" if number < 0 and rounded else ""
    return f"{sign}{rounded.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)}"
