"""What time is it? The only file of the engine that reads the machine's clock. How times are counted: instants.py.

Whatever happens to a person gets a time, and that time is kept for ever; so a clock that was wrong for a moment must
not become part of the past. The engine's time therefore goes on by the steady clock, which nobody sets and which also
counts while the machine is suspended, and follows the wall clock as far as that can be believed:

- A wall clock that is a little ahead is followed at once. One that is further ahead than `clock_jump_max_ms` is
  followed only once it has stood there for that long, in several readings: a glitch is over by then.
- Where the wall clock is behind, the engine's time cannot go back: it runs 1 % slow until they agree.
- A new clock believes the wall clock. A shard whose last input had a later time begins there, and runs slow as well.

The difference is a trouble as long as it lasts, for whatever people wait for is late by as much.
"""

from __future__ import annotations

import ctypes
import logging
import time
from collections.abc import Callable
from typing import Protocol

log = logging.getLogger("parcours")

JUMP_READINGS = 3
"""Readings in which a jump has to stand; an idle engine may look at the clock after long only, and see a glitch."""

BEHIND_MAX_MS = 1_000
"""How far the wall clock may be behind without a word: time servers make such differences, and end them."""

SLOW_PERCENT = 99
"""How fast the engine's time runs until the wall clock has caught up, in percent: a wait of an hour takes 36 s more."""

MS_NS = 1_000_000


class Clock(Protocol):
    """Says what time it is. Called once a batch, never by the pure rooms."""

    def now_ms(self) -> int:
        """The time in milliseconds since the epoch, never going back by itself."""


class AnchoredTime:
    """The engine's time from readings of two clocks, in nanoseconds: pure logic, without a clock of its own."""

    def __init__(self, wall_ns: int, steady_ns: int, jump_max_ns: int) -> None:
        self._jump_max_ns = jump_max_ns
        self._steady_ns = steady_ns
        self._jump: tuple[int, int, int] | None = None  # how far ahead, since when by the steady clock, readings of it
        self.now_ns = wall_ns
        self.behind_ns = 0
        """How far the wall clock was behind in the last reading; negative: ahead, and not followed yet."""

    def read(self, wall_ns: int, steady_ns: int) -> int:
        """The engine's time by a reading of both clocks. It never goes back."""
        elapsed_ns = max(0, steady_ns - self._steady_ns)
        self._steady_ns += elapsed_ns
        ahead_ns = wall_ns - (self.now_ns + elapsed_ns)
        if ahead_ns > self._jump_max_ns and not self._stands(ahead_ns):
            self.now_ns += elapsed_ns
        else:
            slow_ns = self.now_ns + elapsed_ns * SLOW_PERCENT // 100
            self.now_ns = max(slow_ns, wall_ns)
            self._jump = None
        self.behind_ns = self.now_ns - wall_ns
        return self.now_ns

    def _stands(self, ahead_ns: int) -> bool:
        """Whether the wall clock has been about as far ahead for long enough to be believed."""
        first_ns, since_ns, readings = self._jump or (ahead_ns, self._steady_ns, 0)
        if abs(ahead_ns - first_ns) > self._jump_max_ns:
            first_ns, since_ns, readings = ahead_ns, self._steady_ns, 0
        self._jump = first_ns, since_ns, readings + 1
        return readings + 1 >= JUMP_READINGS and self._steady_ns - since_ns >= self._jump_max_ns

    def begin_at(self, at_ns: int) -> None:
        """This time has been reached already."""
        self.behind_ns += max(0, at_ns - self.now_ns)
        self.now_ns = max(self.now_ns, at_ns)


def _steady_ns() -> int:
    """The time since the machine was started, which goes on while it is suspended where the system can tell."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def steady_s() -> float:
    """A reading of a stopwatch that goes on while the machine is suspended, for what may be true for so long only."""
    return _steady_ns() / 1e9


def stopwatch_ms() -> float:
    """A reading of a stopwatch: the difference of two is how long something has taken. It decides nothing."""
    return time.perf_counter() * 1_000


ADJTIMEX_BYTES = 512
"""Room for the answer of the system, whose structure is shorter."""

TIME_ERROR = 5
"""What the system answers where nothing keeps its clock right."""


def is_kept_right() -> bool | None:
    """Whether something keeps the machine's clock right, by the word of its system; None where it does not say."""
    adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
    if adjtimex is None:
        return None
    said: int = adjtimex(ctypes.create_string_buffer(ADJTIMEX_BYTES))  # zeros: it is only asked
    return None if said < 0 else said != TIME_ERROR


class SystemClock:
    """The machine's clocks as the engine's time: satisfies `Clock`.

    jump_max_ms         the setting `clock_jump_max_ms`
    wall_ns, steady_ns  read the two clocks, in nanoseconds
    """

    def __init__(
        self,
        jump_max_ms: int,
        *,
        wall_ns: Callable[[], int] = time.time_ns,
        steady_ns: Callable[[], int] = _steady_ns,
    ) -> None:
        self._jump_max_ms = jump_max_ms
        self._wall_ns, self._steady_ns = wall_ns, steady_ns
        self._time = AnchoredTime(wall_ns(), steady_ns(), jump_max_ms * MS_NS)
        self._is_told = False

    def now_ms(self) -> int:
        now_ms = self._time.read(self._wall_ns(), self._steady_ns()) // MS_NS
        if self._is_told or self._time.behind_ns:
            self._tell()
        return now_ms

    def begin_at(self, at_ms: int) -> None:
        """Something has this time already, so it is not earlier."""
        self._time.begin_at(at_ms * MS_NS)
        self._tell()

    def trouble(self) -> str | None:
        """How the machine's clock differs from the engine's time, in words; None if that is of no account."""
        self.now_ms()
        return self._words()

    def _words(self) -> str | None:
        behind_ms = self._time.behind_ns // MS_NS
        if behind_ms < 0:
            return (
                f"the machine's clock has jumped ahead by {-behind_ms / 1000:,.0f} s: it is followed once it has stood "
                f"for clock_jump_max_ms={self._jump_max_ms}"
            )
        return behind(behind_ms) if behind_ms > BEHIND_MAX_MS else None

    def _tell(self) -> None:
        """Log a trouble when it begins."""
        words = self._words()
        if words is not None and not self._is_told:
            log.warning("%s", words)
        self._is_told = words is not None


def behind(behind_ms: int) -> str:
    """What is wrong where the clock is behind times that something has already."""
    return (
        f"the clock is {behind_ms / 1000:,.0f} s behind the engine's time, which runs slow until they agree: whatever "
        "waits is late by as much"
    )


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
