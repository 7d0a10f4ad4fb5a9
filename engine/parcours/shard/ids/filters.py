"""The filters of message ids: is it certain that no file has a message?

Each part has two, so that the files behind one can change without the other. Lists of them have a place for each value
of the byte by which a key is put into a part: the intake of a shard looks there with no call in between.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import TypeVar

from rbloom import Bloom

from parcours.shard.ids.bounds import RECENT_RATE
from parcours.shard.ids.key import PARTS

DIGEST_STARTS = 256

T = TypeVar("T")

NOTHING: Container[bytes] = frozenset()


class Anything:
    """The filter of what is not known yet."""

    def __contains__(self, key: object) -> bool:
        return True


class Filters:
    """recent   of what is leaving memory, or in the newest files and not in the part's own yet
    settled  of the part's own file
    to_make  parts whose recent filter has to be made anew
    """

    def __init__(self, recent_max: int) -> None:
        """`recent_max` is the number of ids of one part that the newest files have together, as a rule."""
        self._recent_max = recent_max
        self._counts = [0] * PARTS
        self.recent: list[Container[bytes]] = [NOTHING] * DIGEST_STARTS
        self.settled: list[Container[bytes]] = [NOTHING] * DIGEST_STARTS
        self.to_make: list[int] = []

    def add(self, part: int, keys: Mapping[bytes, int]) -> None:
        """These are leaving memory."""
        if not keys:
            return  # most parts of a shard with few people: each filter has the size for many
        recent = self.recent[part]
        if recent is NOTHING:
            recent = self.new_recent()
            put(self.recent, part, recent)
        assert isinstance(recent, Bloom), "it has been made before anything is written"
        recent.update(keys)
        self._counts[part] += len(keys)

    def new_recent(self) -> Bloom:
        return Bloom(self._recent_max, RECENT_RATE)  # of hashes that this process made already to find keys in dicts

    def made(self, part: int, recent: Bloom, count: int) -> None:
        """This has been made of all that the newest files have of a part."""
        self.to_make.remove(part)
        put(self.recent, part, recent)
        self._counts[part] = count

    def forget(self, parts: list[int]) -> None:
        """Nothing is known yet of what the newest files have of these parts."""
        self.to_make = parts
        for part in parts:
            put(self.recent, part, Anything())

    def check(self, part: int, there: int) -> None:
        """The newest files have so many ids of a part now: the filter may know more."""
        if not there:
            put(self.recent, part, NOTHING)
            self._counts[part] = 0
        elif self._counts[part] > max(2 * there, self._recent_max) and part not in self.to_make:
            self.to_make.append(part)

    def settle(self, part: int, settled: Bloom | None) -> None:
        """The part has another file of its own, with this filter, or none."""
        put(self.settled, part, NOTHING if settled is None else settled)


def put(by_start: list[T], part: int, wanted: T) -> None:
    """Put something where keys of this part look."""
    for start in range(part, DIGEST_STARTS, PARTS):
        by_start[start] = wanted
