"""What rankings of offers that learn know, as one shard's store has it: the newest lessons, each from its instant on.

Whatever is decided goes by the lesson of its own instant, and a timer may be late. So a lesson stays here until nothing
is due any more that goes by it; whoever makes lessons waits with the next one for a shard that has too many. What no
published ranking asks for is known no more from the publication on, which is a lesson of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final

import msgspec

from parcours.config import DAY_MS, Settings
from parcours.core.offers.lessons import NO_LESSONS, Lesson, Lessons

LESSONS: Final = "lessons/"
"""The entries of the shard's own slot with a lesson each, under the instant from which it holds."""

AT_LEAST: Final = 4
"""Lessons that stay for what is due of somebody who is on her way from another shard."""

ON_HER_WAY_MS: Final = 7 * DAY_MS
"""Nobody is on her way for longer: what another lesson has followed so long ago goes by then, where no more come."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Lessons).decode


class KeptLessons:
    """Of one shard, the oldest first."""

    def __init__(self) -> None:
        self._kept: list[Lessons] = []
        self._unsaved: dict[str, bytes] = {}

    @property
    def newest(self) -> Lessons | None:
        return self._kept[-1] if self._kept else None

    @property
    def since_ms(self) -> int:
        """From when on the newest holds, 0 without one."""
        return self._kept[-1].since if self._kept else 0

    def at(self, at: int) -> Mapping[str, Lesson]:
        """What rankings know at this instant."""
        for each in reversed(self._kept):
            if each.since <= at:
                return each.subjects
        return NO_LESSONS

    def has_room(self, settings: Settings) -> bool:
        return len(self._kept) < settings.lessons_kept_max

    def learn(self, lessons: Lessons) -> bool:
        """This holds from its instant on. False if it was known."""
        if self._kept and lessons.since <= self._kept[-1].since:
            return False
        self._keep(lessons)
        return True

    def keep_to(self, subjects: Collection[str], at: int) -> None:
        """From this instant on rankings ask for nothing else."""
        newest = self.newest
        if newest is None or all(each in subjects for each in newest.subjects):
            return
        since = max(at, newest.since)
        if newest.since == since:
            self._kept.pop()
        kept = {subject: each for subject, each in newest.subjects.items() if subject in subjects}
        self._keep(Lessons(since, kept))

    def forget(self, at: int, is_due_before: Callable[[int], bool]) -> None:
        """It is this time: forget the oldest, as far as nothing is due any more before the next one holds."""
        while len(self._kept) > 1:
            until = self._kept[1].since
            may_come = len(self._kept) <= AT_LEAST and until > at - ON_HER_WAY_MS
            if until > at or may_come or is_due_before(until):
                break
            self._unsaved[_name(self._kept.pop(0))] = b""

    def _keep(self, lessons: Lessons) -> None:
        self._kept.append(lessons)
        self._unsaved[_name(lessons)] = _encode(lessons)

    # What is kept

    def restore(self, own: Mapping[str, bytes]) -> None:
        """Come back from the entries of the shard's own slot."""
        kept = (_decode(data) for name, data in own.items() if name.startswith(LESSONS))
        self._kept = sorted(kept, key=lambda each: each.since)

    def entries(self) -> list[tuple[str, bytes]]:
        """What has to be written to the shard's own slot; nothing most of the time."""
        return [*self._unsaved.items()]

    def saved(self) -> None:
        """All entries are in the store."""
        self._unsaved.clear()


def _name(lessons: Lessons) -> str:
    return f"{LESSONS}{lessons.since}"
