"""How long do things take? Durations counted in buckets, so that counts of several places can be added."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

import msgspec

BUCKETS_MS: Final = (5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000)
"""The upper ends of the buckets, those that OpenTelemetry uses for requests; a last bucket has no end."""


class Durations(msgspec.Struct, array_like=True):
    """
    counts  for each bucket, and for what is longer than all of them
    sum_ms  all durations together
    """

    counts: list[int] = msgspec.field(default_factory=lambda: [0] * (len(BUCKETS_MS) + 1))
    sum_ms: float = 0.0

    def note(self, duration_ms: float) -> None:
        """It has taken so long."""
        self.counts[bisect_left(BUCKETS_MS, duration_ms)] += 1
        self.sum_ms += duration_ms
