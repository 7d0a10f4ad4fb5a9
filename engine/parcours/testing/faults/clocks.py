"""The wall clock of the simulated machine: it goes with the loop's time, and may jump."""

from __future__ import annotations

from parcours.testing.faults.loop import SimulatedLoop
from parcours.testing.faults.plan import START_MS


class WallClock:
    """Satisfies `Clock`."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop = loop
        self._ahead_ms = START_MS

    def now_ms(self) -> int:
        return self._ahead_ms + int(self._loop.time() * 1_000)

    def jump(self, by_s: float) -> None:
        """Forward, or back where it is negative."""
        self._ahead_ms += int(by_s * 1_000)
