"""How much has a door done in the last minute? Counted by the second, in memory alone."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Final, Literal, TypeAlias

from parcours.clock import stopwatch_ms

WINDOW_S: Final = 60

What: TypeAlias = Literal["requests", "busy", "events"]
"""requests: that were answered; busy: those of them with 429; events: calls of which it was said what became of them"""


class Rates:
    """`now_s` is a clock that only goes forward.

    Noted on the loop of the server, and read on that of the service, which may be another thread's: so copies are read.
    """

    def __init__(self, now_s: Callable[[], float] = lambda: stopwatch_ms() / 1_000) -> None:
        self._now_s = now_s
        self._began_s = now_s()
        self._seconds: deque[tuple[int, Counter[What]]] = deque(maxlen=WINDOW_S)

    def note(self, what: What, number: int = 1) -> None:
        """So many more have happened just now."""
        second = int(self._now_s())
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append((second, Counter()))
        self._seconds[-1][1][what] += number

    def counts(self) -> Counter[What]:
        """What has happened within the window."""
        oldest, counts = int(self._now_s()) - WINDOW_S, Counter[What]()
        for second, happened in tuple(self._seconds):
            if second > oldest:
                counts.update(dict(happened))
        return counts

    def window_s(self) -> int:
        """How long the window is: a door that has just begun has seen less."""
        return max(1, min(WINDOW_S, round(self._now_s() - self._began_s)))
