"""The timer wheel: an index of people by the time of their next timer.

People whose timers lie far ahead stand in coarse buckets, eight bytes each. A bucket is opened when its
time comes, a part of it with each look, for a million people may be due in the same second: its people are then
sorted by their exact due times, which are asked of `due_of`. An entry may be out of date (the timer was cancelled or
moved); it is dropped when it comes up, because whoever changes a person's next timer adds the person again.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

BUCKET_MS = 1_024
"""Width of a bucket: few of its people are sorted long before they are due, and a month has few buckets."""

OPENED_MAX = 4_000
"""People of a bucket who are sorted in one look: about 5 ms, and more than one look takes."""

DUE_TOGETHER = 50
"""People whose timers fire between two looks at whether that is enough: about 2 ms."""

DUE_WITH_BATCH = 100
"""People whose timers fire with a batch, beside as many as it has lines: a backlog must not hold up a single event."""


class Wheel:
    """`due_of` tells a person's next due time, in ms, as it is now."""

    def __init__(self, due_of: Callable[[str], int]) -> None:
        self._due_of = due_of
        self._buckets: dict[int, list[str]] = {}
        self._numbers: list[int] = []
        self._opening: list[str] = []
        self._opening_number = -1
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
        ahead = [self._opened[0][0]] if self._opened else []
        if self._opening:
            ahead.append(self._opening_number * BUCKET_MS)
        elif self._numbers:
            ahead.append(self._numbers[0] * BUCKET_MS)
        return min(ahead, default=None)

    def take(self, before: int, most: int) -> list[str]:
        """Up to `most` people with a timer due before this time. They leave the wheel.

        Those who are looked at together come earliest first; of a crowded second they come part by part.
        """
        self._open(before)
        taken: list[str] = []
        while self._opened and self._opened[0][0] < before and len(taken) < most:
            due, person = heappop(self._opened)
            if self._due_of(person) == due and (not taken or taken[-1] != person):
                taken.append(person)
        return taken

    def _open(self, before: int) -> None:
        """Sort the people of the buckets that begin before this time, as many as one look may."""
        room = OPENED_MAX - len(self._opened)
        while room > 0:
            if not self._opening:
                if not self._numbers or self._numbers[0] * BUCKET_MS >= before:
                    return
                self._opening_number = heappop(self._numbers)
                self._opening = self._buckets.pop(self._opening_number)
                self._opened_before = max(self._opened_before, self._opening_number + 1)
            part = self._opening[-room:]
            del self._opening[-room:]
            room -= len(part)
            for person in part:
                due = self._due_of(person)
                if due // BUCKET_MS == self._opening_number:  # who was moved stands elsewhere, if at all
                    heappush(self._opened, (due, person))
