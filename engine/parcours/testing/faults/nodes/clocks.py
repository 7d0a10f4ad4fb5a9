"""Clocks that differ from one machine to the next: the engine's own, over a wall clock that is wrong."""

from __future__ import annotations

import os
from typing import Final

from parcours.clock import MS_NS, SystemClock

WRONG_MS: Final = "PARCOURS_FAULTS_CLOCK_MS"
"""The variable of a machine's environment that tells by how many milliseconds its wall clock is ahead."""


class MachineClock(SystemClock):
    """The clock of the machine on which this process runs."""

    def __init__(self, jump_max_ms: int) -> None:
        super().__init__(jump_max_ms)
        right_ns, wrong_ns = self._wall_ns, int(os.environ.get(WRONG_MS, "0")) * MS_NS
        super().__init__(jump_max_ms, wall_ns=lambda: right_ns() + wrong_ns)  # it has never been right
