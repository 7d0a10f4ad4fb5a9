"""The words in which messages speak of what somebody wrote: the value as it is shown, and the name that was meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from parcours.surrogates import mended_text

SIMILARITY_MIN: Final = 0.6
"""Below this share of common letters a suggestion confuses more than it helps."""

SHOWN_MAX: Final = 200
"""Characters of a value that a message shows."""

QUOTED_MAX: Final = 64
"""Characters of a name that a message quotes: enough to recognise it, whatever somebody hands in as one."""


class ForeignText(str):
    """A text that somebody has sent, as an argument of a log's message: where logs name nobody it is left out."""

    __slots__ = ()


def nearest(name: str, known: Iterable[str]) -> str:
    """`, did you mean 'x'?` for the known name closest to `name`, or nothing."""
    by_folded = {each.casefold(): each for each in sorted(known, reverse=True)}
    close = get_close_matches(name.casefold(), by_folded, 1, SIMILARITY_MIN)
    return f", did you mean {by_folded[close[0]]!r}?" if close else ""


def shown_value(value: object, most: int = SHOWN_MAX) -> str:
    """A value that somebody gave, as Python writes it, cut to a length that a message has room for."""
    try:
        return bounded(repr(value), most)
    except Exception:  # noqa: BLE001  # a stranger's repr; Python itself refuses whole numbers of thousands of digits
        return f"<{type(value).__name__}>"


def bounded(text: str, most: int = QUOTED_MAX) -> str:
    """A text that somebody wrote, cut to a length that a message has room for."""
    return text if len(text) <= most else f"{text[:most]}..."


def quoted(name: str) -> str:
    """A name that somebody wrote, in quotes and cut to a readable length."""
    return repr(bounded(name))


def error_words(error: BaseException) -> str:
    """The error's name and its own words, in characters that can be stored."""
    return f"{type(error).__name__}: {words_of(error)}".removesuffix(": ")


def words_of(error: BaseException) -> str:
    """The error's own words, in characters that can be stored; empty where it has none."""
    try:
        return mended_text(str(error))
    except Exception:  # noqa: BLE001  # a stranger's `__str__`
        return ""
