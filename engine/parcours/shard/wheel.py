"""The timer wheel: an index of people by the time of their next timer.

People whose timers lie far ahead stand in coarse buckets, eight bytes each. A bucket is opened when its
time comes: its people are then sorted by their exact due times, which are asked of `due_of`. An entry
may be out of date (the timer was cancelled or moved); it is dropped when it comes up, because whoever
changes a person's next timer adds the person again.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

BUCKET_MS = 1_024
"""Width of a bucket: few of its people are sorted long before they are due, and a month has few buckets."""


class Wheel:
    """`due_of` tells a person's next due time, in ms, as it is now."""

    def __init__(self, due_of: Callable[[str], int]) -> None:
        self._due_of = due_of
        self._buckets: dict[int, list[str]] = {}
        self._numbers: list[int] = []
        self._opened: list[tuple[int, str]] = []
        self._opened_before = -1

    def add(self, person: str, due: int) -> None:
        """The person's next timer is now due at this time."""
        number = due // BUCKET_MS
        if number < self._opened_before:
            heappush(self._opened, (due, person))
        elif number in self._buckets:
            self._buckets[number].append(person)
        else:
            self._buckets[number] = [person]
            heappush(self._numbers, number)

    def next_ms(self) -> int | None:
        """Nobody is due before this time; None if nobody is due at all."""
        if self._opened:
            return self._opened[0][0]
        return self._numbers[0] * BUCKET_MS if self._numbers else None

    def take(self, before: int, most: int) -> list[str]:
        """Up to `most` people with a timer due before this time, earliest first. They leave the wheel."""
        self._open(before)
        taken: list[str] = []
        while self._opened and self._opened[0][0] < before and len(taken) < most:
            due, person = heappop(self._opened)
            if self._due_of(person) == due and (not taken or taken[-1] != person):
                taken.append(person)
        return taken

    def _open(self, before: int) -> None:
        while self._numbers and self._numbers[0] * BUCKET_MS < before:
            number = heappop(self._numbers)
            for person in self._buckets.pop(number):
                due = self._due_of(person)
                if due // BUCKET_MS == number:  # whose timer was cancelled or moved stands elsewhere, if at all
                    heappush(self._opened, (due, person))
            self._opened_before = max(self._opened_before, number + 1)
