"""Which window of time is asked about? One rule for reports, analyses and experiments, whoever's facts they are of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

import msgspec

from parcours.config import DAY_MS
from parcours.core.time_text import time_text
from parcours.errors import CallerError
from parcours.instants import ceil_ms, floor_ms

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Window:
    """
    from_ms  is in the window, `to_ms` is not; None leaves it open
    live     the 24 hours up to what is known, in place of both
    """

    from_ms: int | None = None
    to_ms: int | None = None
    live: bool = False

    def __post_init__(self) -> None:
        """Raises CallerError for bounds with nothing between them, and for `live` beside one."""
        if self.live and (self.from_ms is not None or self.to_ms is not None):
            raise CallerError("live (--live) is the last 24 hours, without --from and --to.")
        if self.from_ms is not None and self.to_ms is not None and self.from_ms >= self.to_ms:
            raise CallerError("The end of the window (--to) is not after --from, so nothing is between them.")

    @classmethod
    def of(cls, since: str | datetime | None, until: str | datetime | None, *, live: bool = False) -> Window:
        """The window of times with a zone, or of their texts as in ISO 8601, or of days.

        Raises CallerError for what are none.
        """
        return cls(_instant("from", since), _instant("to", until), live)

    def by(self, as_of_ms: int | None) -> Window:
        """The same with bounds: `live` is the day before the instant up to which everything is known."""
        if not self.live:
            return self
        return Window(None if as_of_ms is None else as_of_ms - DAY_MS)


ALL_TIME: Final = Window()

DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
"""A day alone is its beginning in UTC."""

MIDNIGHT: Final = "T00:00:00Z"


class WindowAsked(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"since": "from", "until": "to"}
):
    """What every question to a door says of the facts that count.

    since     the window: from this time on, and before `until`, of which a day is its beginning in UTC; null leaves it
              open
    live      the 24 hours up to what is known, in place of both
    stitch    whether what was before a merge is the person's, whatever the project says
    exported  whether what is not exported yet is left out
    """

    since: str | None = None
    until: str | None = None
    live: bool = False
    stitch: bool = False
    exported: bool = False

    def window(self) -> Window:
        """The window that is asked about. Raises CallerError for what is none."""
        return Window.of(self.since, self.until, live=self.live)


def _instant(name: str, time: str | datetime | None) -> int | None:
    if time is None:
        return None
    moment: object = time
    if isinstance(time, str):
        try:
            moment = datetime.fromisoformat(f"{time}{MIDNIGHT}" if DAY.fullmatch(time) else time)
        except ValueError:
            moment = None
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise CallerError(f"{name}: {str(time)!r} is no time with a zone, such as 2026-01-01T10:00:00Z, and no day.")
    return floor_ms(moment)


def told_time(at_ms: int | None) -> str | None:
    """The text of an instant as answers have it."""
    return None if at_ms is None else time_text(at_ms)


def read_time(text: str | None) -> int | None:
    """The instant of such a text. Raises ValueError for another one."""
    return None if text is None else ceil_ms(datetime.fromisoformat(text))


def told_times(times_ms: Mapping[K, int]) -> dict[K, str]:
    """The texts of several instants."""
    return {key: time_text(at_ms) for key, at_ms in times_ms.items()}


def read_times(texts: Mapping[K, str]) -> dict[K, int]:
    """The instants of several texts. Raises ValueError for one that is none."""
    return {key: ceil_ms(datetime.fromisoformat(text)) for key, text in texts.items()}
