"""What time is it? The only file of the engine that reads the machine's clock. How times are counted: instants.py."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Says what time it is. Called once a batch, never by the pure rooms."""

    def now_ms(self) -> int:
        """The time in milliseconds since the epoch, never going back by itself."""


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


class ManualClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, now_ms: int = 0) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def move_to(self, now_ms: int) -> None:
        """Set the time; going back is refused."""
        assert now_ms >= self._now_ms, "a clock does not go back"
        self._now_ms = now_ms
