"""A token bucket: how many deliveries may leave now, so that they keep to a rate?

A token for each delivery comes in evenly. The bucket holds those of a tenth of a second, or one where fewer come: that
many may leave at once after a pause, which keeps commits of a fast channel few. Pure: the time comes with each call.
"""

from __future__ import annotations

from typing import Final

from parcours.journey.model.channel_keys import SendRate

BURST_S: Final = 0.1

ROUNDING: Final = 1e-9
"""Of sums of floats; a token that is missing no more than that is there."""


class Bucket:
    """Times are seconds of one clock that only goes forward. It is full at first.

    rate  that of the channel
    part  how much of it this one lets leave, where several keep to it together
    """

    def __init__(self, rate: SendRate, part: float = 1.0) -> None:
        self.rate = rate
        self._per_second = rate.deliveries / rate.period_s * part
        self._most = max(1.0, self._per_second * BURST_S)
        self._tokens = self._most
        self._at_s: float | None = None

    def room(self, now_s: float) -> int:
        """How many deliveries may leave now."""
        self._fill(now_s)
        return int(self._tokens + ROUNDING)

    def take(self, now_s: float, count: int) -> None:
        """So many are about to leave, no more than there is room for."""
        self._fill(now_s)
        self._tokens -= count

    def give_back(self, count: int) -> None:
        """So many have not left after all."""
        self._tokens = min(self._most, self._tokens + count)

    def pause_s(self, now_s: float) -> float:
        """How long until the bucket is full again: to ask for each token as it comes would cost a commit each."""
        self._fill(now_s)
        return max(0.0, self._most - self._tokens) / self._per_second

    def _fill(self, now_s: float) -> None:
        if self._at_s is not None:
            self._tokens = min(self._most, self._tokens + (now_s - self._at_s) * self._per_second)
        self._at_s = now_s
