"""The clocks of the simulated machine: the steady one is the loop's, and the one on the wall may jump."""

from __future__ import annotations

from parcours.clock import MS_NS, SystemClock
from parcours.config import Settings
from parcours.testing.faults.loop import SimulatedLoop
from parcours.testing.faults.plan import START_MS

JUMP_MAX_MS = Settings().clock_jump_max_ms


class WallClock:
    """What the machine shows as its time."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop = loop
        self._ahead_ms = START_MS

    def now_ms(self) -> int:
        return self._ahead_ms + int(self._loop.time() * 1_000)

    def engine_time(self) -> SystemClock:
        """The engine's time in one process: its own clock over those of this machine."""
        return SystemClock(JUMP_MAX_MS, wall_ns=lambda: self.now_ms() * MS_NS, steady_ns=self._steady_ns)

    def _steady_ns(self) -> int:
        return int(self._loop.time() * 1_000) * MS_NS

    def jump(self, by_s: float) -> None:
        """Forward, or back where it is negative."""
        self._ahead_ms += int(by_s * 1_000)
