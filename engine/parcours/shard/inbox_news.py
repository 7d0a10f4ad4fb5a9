"""The newest changes of people's inboxes in one shard: a ring for whoever looks on, told by each commit.

It lies in memory only. Changes are numbered from 1 since the shard was opened, so a number means something together
with the shard's epoch; whoever comes too late for some of them has to look at the inboxes themselves.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice

from parcours.core.effect import InboxChange


class InboxNews:
    """
    newest   the number of the newest change
    listens  is told that there are more
    """

    def __init__(self, most: int) -> None:
        self._ring: deque[InboxChange] = deque(maxlen=most)
        self.newest = 0
        self.listens: Callable[[], None] | None = None

    def note(self, changes: Iterable[InboxChange]) -> None:
        """These are durable."""
        for change in changes:
            self._ring.append(change)
            self.newest += 1
        if self.listens is not None:
            self.listens()

    def after(self, number: int) -> list[InboxChange] | None:
        """The changes above this number, None if some of them are gone."""
        missing = self.newest - number
        if not 0 <= missing <= len(self._ring):
            return None
        return list(islice(self._ring, len(self._ring) - missing, None))
