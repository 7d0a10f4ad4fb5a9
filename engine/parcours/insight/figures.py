"""Numbers as a reader sees them: shares with what they are of, amounts, bars. Rounded half up, once and at the end.

A float is rounded as it is written in decimals, so that 2.675 becomes 2.68, although it is a little less in binary.
Rounding is done with whole numbers: those of `decimal` have so many digits, and from 1e26 on they do not suffice.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from parcours.expression.duration import UNITS_MS, format_duration

NOTHING: Final = "Nothing to tell."
"""What stands where people look and there are no rows at all; programs get the columns."""

BAR_CHARACTERS: Final = 10

_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_REST: Final = "░"


def percent_text(part: float, whole: float) -> str:
    """The share in percent to one decimal, half up; empty of nothing."""
    if not whole:
        return ""
    return f"{half_up(exact(part) * 100 / exact(whole), 1)} %"


def share_text(part: int, whole: int) -> str:
    """The share with its two numbers; empty of nothing."""
    return f"{part:,} / {whole:,}  {percent_text(part, whole):>7}" if whole else ""


def points_text(difference: float | Fraction) -> str:
    """A difference of two shares in points of percent, with its sign."""
    shown = half_up(exact(difference) * 100, 1)
    return shown if shown.startswith("-") else f"+{shown}"


def amount_text(amount: float | None) -> str:
    """A number to two decimals, half up, without those that are 0; empty where it is missing."""
    return "" if amount is None else half_up(amount, 2).rstrip("0").rstrip(".")


def bar(part: float, whole: float, characters: int = BAR_CHARACTERS) -> str:
    """A bar of block characters, to an eighth of one; always of the same length."""
    eighths = int(exact(part) * characters * 8 / exact(whole)) if whole else 0
    full, rest = divmod(max(0, min(eighths, characters * 8)), 8)
    drawn = _EIGHTHS[-1] * full + (_EIGHTHS[rest] if rest else "")
    return drawn + _REST * (characters - len(drawn))


def counted_text(count: int, one: str, many: str) -> str:
    """How many there are, in words."""
    return f"{count:,} {one if count == 1 else many}"


def about_text(time_ms: int) -> str:
    """A time to its two largest units or so: to seconds up to an hour, to minutes up to a day, then to hours."""
    day, hour, minute, second = (UNITS_MS[unit] for unit in ("d", "h", "m", "s"))
    grain = 1 if time_ms < second else second if time_ms < hour else minute if time_ms < day else hour
    return format_duration(time_ms // grain * grain)


def half_up(number: float | Fraction, decimals: int) -> str:
    """The number with so many decimals, rounded away from zero where it lies in the middle; zero has no sign."""
    unit = 10**decimals
    doubled = abs(exact(number)) * unit * 2 + 1
    whole, rest = divmod(doubled.numerator // (2 * doubled.denominator), unit)
    sign = "-" if number < 0 and (whole or rest) else ""
    return f"{sign}{whole:,}" + (f".{rest:0{decimals}}" if decimals else "")


def exact(number: float | Fraction) -> Fraction:
    """What is written of a number, to calculate with. Raises ValueError for a float that is not finite."""
    return Fraction(repr(number)) if isinstance(number, float) else Fraction(number)
