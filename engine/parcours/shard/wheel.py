"""The timer wheel: an index of people by the time of their next timer.

People whose timers lie far ahead stand in coarse buckets, eight bytes each. A bucket is opened when its
time comes, a part of it with each look, for a million people may be due in the same second: its people are then
sorted by their exact due times, which are asked of `due_of`. An entry may be out of date (the timer was cancelled or
moved); it is dropped when it comes up, because whoever changes a person's next timer adds the person again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush, nsmallest
from typing import TypeAlias, TypeVar

BUCKET_MS = 1_024
"""Width of a bucket: few of its people are sorted long before they are due, and a month has few buckets."""

OPENED_MAX = 1_000
"""People of a bucket who are sorted in one look: about 5 ms, and more than one look takes."""

REFILLED_BELOW = OPENED_MAX // 2
"""Fewer people opened than these are joined by more: to sort a few in with many takes longer than to take them."""

DUE_TOGETHER = 20
"""People whose timers fire between two looks at whether that is enough: about 1 ms."""

DUE_WITH_BATCH = 100
"""People whose timers fire with a batch, beside as many as it has lines: a backlog must not hold up a single event."""


Entry: TypeAlias = tuple[int, str]
"""(due, person)"""

T = TypeVar("T", int, Entry)


class Wheel:
    """`due_of` tells a person's next due time, in ms, as it is now."""

    def __init__(self, due_of: Callable[[str], int]) -> None:
        self._due_of = due_of
        self._buckets: dict[int, list[str]] = {}
        self._numbers: list[int] = []
        self._opening: list[str] = []
        self._opening_number = -1
        self._opened: list[Entry] = []  # the last one is due first
        self._joined: list[Entry] = []  # a heap of those whose bucket had been opened before they came
        self._opened_before = -1

    def add(self, person: str, due: int) -> None:
        """The person's next timer is now due at this time."""
        number = due // BUCKET_MS
        if number < self._opened_before:
            heappush(self._joined, (due, person))
        elif number in self._buckets:
            self._buckets[number].append(person)
        else:
            self._buckets[number] = [person]
            heappush(self._numbers, number)

    def next_ms(self) -> int | None:
        """Nobody is due before this time; None if nobody is due at all."""
        ahead = [entry[0] for entry in (*self._opened[-1:], *self._joined[:1])]
        if self._opening:
            ahead.append(self._opening_number * BUCKET_MS)
        elif self._numbers:
            ahead.append(self._numbers[0] * BUCKET_MS)
        return min(ahead, default=None)

    def first(self, most: int) -> list[str]:
        """Up to so many people of those who are due first, or were: nobody leaves the wheel.

        Of people who are not sorted yet it is any of the first ones.
        """
        sorted_ones = [person for _, person in (*self._opened[: -most - 1 : -1], *self._joined[:most])]
        next_ones = [person for number in nsmallest(most, self._numbers) for person in self._buckets[number][:most]]
        return [*sorted_ones, *self._opening[:most], *next_ones][:most]

    def due(self, before: int) -> int:
        """About how many people have a timer due before this time; whose timer has moved since may be among them."""
        waiting = [self._buckets[number] for number in _below(self._numbers, -(-before // BUCKET_MS))]
        opening = self._opening if self._opening_number * BUCKET_MS < before else []
        opened = sum(due < before for due, _ in self._opened)
        return opened + len(_below(self._joined, (before, ""))) + len(opening) + sum(map(len, waiting))

    def take(self, before: int, most: int) -> list[str]:
        """Up to `most` people with a timer due before this time. They leave the wheel.

        Those who are looked at together come earliest first; of a crowded second they come part by part.
        """
        self._open(before)
        taken: list[str] = []
        due_of = self._due_of
        while len(taken) < most and (entry := self._pop(before)) is not None:
            due, person = entry
            if due_of(person) == due and (not taken or taken[-1] != person):
                taken.append(person)
        return taken

    def _pop(self, before: int) -> Entry | None:
        """Who is due first of those opened, if that is before this time."""
        opened, joined = self._opened, self._joined
        if joined and (not opened or joined[0] < opened[-1]):
            return heappop(joined) if joined[0][0] < before else None
        return opened.pop() if opened and opened[-1][0] < before else None

    def _open(self, before: int) -> None:
        """Sort the people of the buckets that begin before this time, as many as one look may."""
        due_of, opened = self._due_of, self._opened
        if len(opened) >= REFILLED_BELOW and opened[-1][0] < before:
            return  # else others of the same bucket may be due already, however many are opened
        room = OPENED_MAX
        while room > 0:
            if not self._opening:
                if not self._numbers or self._numbers[0] * BUCKET_MS >= before:
                    break
                self._opening_number = heappop(self._numbers)
                self._opening = self._buckets.pop(self._opening_number)
                self._opened_before = max(self._opened_before, self._opening_number + 1)
            part = self._opening[-room:]
            del self._opening[-room:]
            room -= len(part)
            number = self._opening_number
            for person in part:
                due = due_of(person)
                if due // BUCKET_MS == number:  # who was moved stands elsewhere, if at all
                    opened.append((due, person))
        opened.sort(reverse=True)


def _below(heap: Sequence[T], bound: T) -> list[T]:
    """What of a heap is less than the bound, without a look at the rest."""
    found, looked_at = list[T](), [0]
    while looked_at:
        place = looked_at.pop()
        if place < len(heap) and heap[place] < bound:
            found.append(heap[place])
            looked_at += (2 * place + 1, 2 * place + 2)
    return found
