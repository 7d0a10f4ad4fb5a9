"""What has happened in the last hour, and in the last day? Counted by the minute and by the hour, in memory alone.

A commit is counted whole at its stamp, so whoever reads the journal again comes to the same. Names beyond the bound of
a minute or an hour are counted under one other name: sums stay exact. Each channel has a bound of its own for its
reasons, as in totals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Literal, TypeAlias

import msgspec

from parcours.config import HOUR_MS, MINUTE_MS
from parcours.core.counted import Counted
from parcours.core.totals import CHANNEL_REASONS_MAX, OTHER, OTHER_REASONS

Kind: TypeAlias = Literal["entered", "refused", "came", "unmet", "queued", "delivery", "gate", "reason"]
"""entered: runs; refused: entries, with the reason; came: entry events whose condition did not hold; unmet: that
condition; queued: deliveries that have passed all gates; delivery: with its outcome; gate: deliveries that it refused
or held; reason: why deliveries came to their outcome, of all journeys, whatever the outcome
"""

Happened: TypeAlias = tuple[Kind, str, str, str]
"""(kind, journey, channel, outcome, gate, reason or condition); the last two are "" where the kind has none."""


Reason: TypeAlias = tuple[str, str]
"""(channel, reason)"""


class Recent(msgspec.Struct, frozen=True, array_like=True):
    """What has happened in the newest minutes, and in the newest hours, that are counted; each list is sorted."""

    minutes: list[tuple[Happened, int]] = []
    hours: list[tuple[Happened, int]] = []


def together(parts: Iterable[Recent]) -> Recent:
    """The sums of what has happened to different people."""
    minutes, hours = Counter[Happened](), Counter[Happened]()
    for part in parts:
        minutes.update(dict(part.minutes))
        hours.update(dict(part.hours))
    return Recent(sorted(minutes.items()), sorted(hours.items()))


class RecentCounts:
    """Counts commits in the order of their stamps."""

    def __init__(self, minutes: int, hours: int, names_max: int) -> None:
        self._minutes = _Buckets(MINUTE_MS, minutes, names_max)
        self._hours = _Buckets(HOUR_MS, hours, names_max)

    def add(self, stamp_ms: int, counted: Counted) -> None:
        """Count what the facts of a commit add up to."""
        happened = Counter[Happened]()
        for each, number in _happened(counted):
            happened[each] += number
        if happened:
            reasons = Counter[Reason]()
            for (channel, _, reason), number in counted.reasons.items():
                reasons[channel, reason] += number
            self._minutes.add(stamp_ms, happened, reasons)
            self._hours.add(stamp_ms, happened, reasons)

    def recent(self, now_ms: int) -> Recent:
        """The counts as of now, by the clock."""
        return Recent(self._minutes.sums(now_ms), self._hours.sums(now_ms))

    @property
    def kept_ms(self) -> int:
        """What is older than this is counted nowhere."""
        return max(self._minutes.kept_ms, self._hours.kept_ms)


class _Bucket:
    """What has happened in one minute, or hour; of each channel the reasons."""

    __slots__ = ("happened", "reasons")

    def __init__(self) -> None:
        self.happened: dict[Happened, int] = {}
        self.reasons: dict[str, dict[str, int]] = {}

    def add(self, happened: Counter[Happened], names_max: int) -> None:
        into = self.happened
        for each, number in happened.items():
            kept = each if each in into or len(into) < names_max else (each[0], OTHER, "", "")
            into[kept] = into.get(kept, 0) + number

    def add_reasons(self, reasons: Counter[Reason]) -> None:
        for (channel, reason), number in reasons.items():
            into = self.reasons.setdefault(channel, {})
            kept = reason if reason in into or len(into) < CHANNEL_REASONS_MAX else OTHER_REASONS
            into[kept] = into.get(kept, 0) + number


class _Buckets:
    """The newest buckets of one width, each with what happened then."""

    def __init__(self, width_ms: int, most: int, names_max: int) -> None:
        self.kept_ms = width_ms * most
        self._width_ms = width_ms
        self._most = most
        self._names_max = names_max
        self._buckets: dict[int, _Bucket] = {}

    def add(self, stamp_ms: int, happened: Counter[Happened], reasons: Counter[Reason]) -> None:
        number = stamp_ms // self._width_ms
        bucket = self._buckets.get(number)
        if bucket is None:
            for old in [each for each in self._buckets if each <= number - self._most]:
                del self._buckets[old]
            bucket = self._buckets[number] = _Bucket()
        bucket.add(happened, self._names_max)
        bucket.add_reasons(reasons)

    def sums(self, now_ms: int) -> list[tuple[Happened, int]]:
        oldest, summed = now_ms // self._width_ms - self._most, Counter[Happened]()
        for number, bucket in self._buckets.items():
            if number > oldest:
                summed.update(bucket.happened)
                for channel, reasons in bucket.reasons.items():
                    summed.update({("reason", "", channel, why): times for why, times in reasons.items()})
        return sorted(summed.items())


def _happened(counted: Counted) -> Iterator[tuple[Happened, int]]:
    for (journey, _, _, what, why), number in counted.moves.items():
        if what == "entered":
            yield ("entered", journey, "", ""), number
        elif what == "not_entered":
            yield ("refused", journey, "", why or ""), number
    for (journey, _, _, channel, outcome, gate), number in counted.deliveries.items():
        yield ("delivery", journey, channel, outcome), number
        if gate:
            yield ("gate", journey, channel, gate), number
    for journey, number in counted.queued.items():
        yield ("queued", journey, "", ""), number
    for journey, number in counted.came.items():
        yield ("came", journey, "", ""), number
    for (journey, condition), number in counted.unmet.items():
        yield ("unmet", journey, "", condition), number
