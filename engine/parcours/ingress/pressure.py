"""When should a client come again that found no room? When those before it are likely to be through."""

from __future__ import annotations

from collections import deque
from math import ceil
from typing import Final
from zlib import crc32

WINDOW_S: Final = 5
"""Over how many seconds the pace is taken."""

RETRY_AFTER_S: Final = range(1, 31)
"""Shortest and longest time to wait: clients take 0 for nothing, and have a bound of their own."""

SPREAD_S: Final = 3
"""How many different seconds those hear who would come again at once otherwise."""


class Pace:
    """How many lines have become durable lately. Times are those of an event loop, in seconds."""

    def __init__(self) -> None:
        self._seconds: deque[tuple[int, int]] = deque()

    def note(self, lines: int, now_s: float) -> None:
        """So many more have."""
        second = int(now_s)
        if self._seconds and self._seconds[-1][0] == second:
            lines += self._seconds.pop()[1]
        self._seconds.append((second, lines))
        self._forget(second)

    def per_second(self, now_s: float) -> float:
        """Over the last few seconds."""
        self._forget(int(now_s))
        return sum(lines for _, lines in self._seconds) / WINDOW_S

    def _forget(self, second: int) -> None:
        while self._seconds and self._seconds[0][0] <= second - WINDOW_S:
            self._seconds.popleft()


def retry_after_s(waiting_lines: int, lines_per_second: float, request_id: str) -> int:
    """After how many seconds to come again: once the waiting lines are through, at one a second in the worst case."""
    through = ceil(waiting_lines / max(1.0, lines_per_second))
    waiting = min(max(RETRY_AFTER_S[0], through), RETRY_AFTER_S[-1])
    return waiting + crc32(request_id.encode()) % SPREAD_S
