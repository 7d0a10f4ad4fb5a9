"""How many batches may each router have under way at a shard, so that all of them have no more than one alone would?

A router may have `batches_in_flight_max`. Where several push at a time each has its part of that, told with the answer
to each of its batches, and at least one. Batches are taken in the order in which they come, so nobody who has one under
way waits for more than those of the others.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from msgspec.structs import replace

from parcours.shard.messages import Answer

REMEMBERED: Final = 2
"""For so many times `batches_in_flight_max` batches a router counts among those that push, once it has none there."""


class Credits:
    """The routers that push at a shard now. `most` is what one may have under way alone."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._here: Counter[str] = Counter()
        self._lately: deque[str] = deque(maxlen=REMEMBERED * most)

    @contextmanager
    def batch_of(self, router: str) -> Iterator[None]:
        """While it runs, a batch of this router waits for its turn, or is taken."""
        self._here[router] += 1
        self._lately.append(router)
        try:
            yield
        finally:
            self._here[router] -= 1
            if not self._here[router]:
                del self._here[router]

    def told_with(self, answer: Answer, refuses: str | None) -> Answer:
        """The answer with what the router has to heed from now on: why no events are wanted, and its credits."""
        each = self.each()
        is_plain = refuses is None and each is None
        return answer if is_plain else replace(answer, refuses=refuses, credits=each)

    def each(self) -> int | None:
        """How many each router may have under way now; None where one pushes alone."""
        pushing = len(self._here.keys() | set(self._lately))
        return None if pushing <= 1 else max(1, self._most // pushing)
