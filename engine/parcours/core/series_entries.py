"""The entries of one history: time and value of each event, packed, so that they are read and written as they stand.

A person's longest histories hold `series_entries_max` entries. As objects these would cost each of her events more than
all else, whether or not it asks for them.
"""

from __future__ import annotations

from bisect import bisect_right
from struct import Struct

import msgspec

_TIME = Struct(">q")
_VALUE = Struct(">d")
_BYTES = _TIME.size
"""Of a time, and of a value."""

_time_of = _TIME.unpack_from


class SeriesEntries(msgspec.Struct, array_like=True, gc=False):
    """In the order of time. The value is 1 for a series without a property."""

    times: bytes = b""
    values: bytes = b""

    def __len__(self) -> int:
        return len(self.times) // _BYTES

    def time(self, index: int) -> int:
        """When the entry's event happened, in milliseconds."""
        at: int = _time_of(self.times, index * _BYTES)[0]
        return at

    def until(self, at: int) -> int:
        """How many entries are no later than this time: mostly none or all, which is told by the first and the last."""
        times = self.times
        if not times or at < _time_of(times)[0]:
            return 0
        if at >= _time_of(times, len(times) - _BYTES)[0]:
            return len(times) // _BYTES
        return bisect_right(range(len(self)), at, key=self.time)

    def total(self, first: int, last: int) -> float:
        """The sum of the values from the entry `first` to the one before `last`."""
        values: tuple[float, ...] = Struct(f">{last - first}d").unpack_from(self.values, first * _BYTES)
        return sum(values)

    def add(self, at: int, value: float) -> None:
        """Add an entry after those of its time."""
        place = self.until(at) * _BYTES
        self.times = self.times[:place] + _TIME.pack(at) + self.times[place:]
        self.values = self.values[:place] + _VALUE.pack(value) + self.values[place:]

    def take_in(self, other: SeriesEntries) -> None:
        """Add the entries of another one, after those of the same time."""
        for index in range(len(other)):
            self.add(other.time(index), _VALUE.unpack_from(other.values, index * _BYTES)[0])

    def drop(self, count: int) -> None:
        """Drop the first entries."""
        self.times, self.values = self.times[count * _BYTES :], self.values[count * _BYTES :]
