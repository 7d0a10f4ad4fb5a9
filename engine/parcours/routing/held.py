"""Which lines does a router hold back, and when and where does it send each again?

A shard that does not consume a line says so: `later`, `moved` to somebody, or `back` to the slot of its name
(deferrals.py). The router needs no names for that: it holds the line under the name that the answer gives. Lines of a
name are a queue, in the order in which the router was given them.

- From a queue go the oldest lines that have the same way, as one batch, and no others before that is answered.
- None goes while a batch to the shard of its name is unanswered that holds older lines: one may be of this name.
- `later` waits for a moment; `moved` and `back` go at once, unless they do not come to an end.
- A way is remembered for one line only, not for its name: the next line asks again.
- Once all lines that a shard has deferred under a name are dealt with, the shard is told so with the next batch.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from parcours.shard.messages import Again, Deferred, Settled

FIRST_PAUSE_S = 0.05
"""Pause before a line that was told `later` is sent again for the first time: most moves are over by then."""

PAUSE_S = 0.2
"""Each further pause."""

BOUNCES_AT_ONCE = 3
"""So often a line is sent on without a pause: a move that goes to and fro takes a few milliseconds each time."""

Owner = TypeVar("Owner")


class HeldLine(Generic[Owner]):
    """A line that a shard has deferred.

    owner  whose it is, for whoever sends it
    home   the shard of the name that it is written under
    to     the shard to which it goes next, and `again` as what
    time   under virtual time, where it is known
    """

    __slots__ = (
        "again",
        "bounces",
        "deferred_by",
        "home",
        "is_gone",
        "line",
        "number",
        "owner",
        "queue",
        "since_s",
        "skew_ms",
        "time",
        "to",
    )

    def __init__(
        self,
        number: int,
        line: bytes,
        owner: Owner,
        home: int,
        since_s: float,
        skew_ms: int = 0,
        time: int | None = None,
    ) -> None:
        self.number = number
        self.line = line
        self.owner = owner
        self.home = self.to = home
        self.since_s = since_s
        self.skew_ms = skew_ms
        self.time = time
        self.bounces = 0
        self.is_gone = False
        self.again = Again("")
        self.queue: Queue[Owner] | None = None
        self.deferred_by: set[tuple[int, str]] = set()


class Queue(Generic[Owner]):
    """The lines of one name, oldest first."""

    __slots__ = ("home", "lines", "name", "not_before_s", "tries", "under_way")

    def __init__(self, home: int, name: str) -> None:
        self.home = home
        self.name = name
        self.lines: list[HeldLine[Owner]] = []
        self.not_before_s = 0.0
        self.tries = 0
        self.under_way = 0


class HeldLines(Generic[Owner]):
    """All lines that a router holds back. Times are of a clock that only goes on, in seconds."""

    def __init__(
        self, shard_of: Callable[[str], int], unanswered_from: Callable[[int], int | None], later_max_s: float
    ) -> None:
        """`unanswered_from` is the oldest line under way to a shard for the first time, None if there is none."""
        self._unanswered_from = unanswered_from
        self._shard_of = shard_of
        self._later_max_s = later_max_s
        self._queues: dict[tuple[int, str], Queue[Owner]] = {}
        self._open: dict[tuple[int, str], tuple[int, int]] = {}
        """How many lines are held that the shard has deferred under the name, and the newest it has ever been."""
        self._settled: dict[int, dict[str, int]] = {}
        self.lines = Counter[int]()
        """How many are written under names of each shard, those under way among them."""
        self.bytes = Counter[int]()

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._queues)

    def defer(self, shard: int, line: HeldLine[Owner], told: Deferred, now_s: float) -> None:
        """The shard has not consumed the line."""
        if line.is_gone:
            return
        if line.queue is None:
            key = (shard, told.waits_as)
            line.queue = self._queues.get(key) or self._queues.setdefault(key, Queue(*key))
            self.lines[shard] += 1
            self.bytes[shard] += len(line.line)
            insort(line.queue.lines, line, key=lambda held: held.number)
        else:
            line.queue.under_way -= 1
        by = (shard, told.waits_as)
        count, newest = self._open.get(by, (0, 0))
        self._open[by] = (count + (by not in line.deferred_by), max(newest, line.number))
        line.deferred_by.add(by)
        queue = line.queue
        if told.verdict != "later":
            line.bounces += 1
            line.to = line.home if told.owner is None else self._shard_of(told.owner)
        line.again = Again(told.name, told.owner if told.verdict != "later" else line.again.owner)
        if queue.lines[0] is line and (told.verdict == "later" or line.bounces > BOUNCES_AT_ONCE):
            queue.not_before_s = now_s + (PAUSE_S if queue.tries else FIRST_PAUSE_S)
            queue.tries += 1

    def load(self, shard: int, now_s: float, most: int, bytes_max: int) -> list[HeldLine[Owner]]:
        """The lines that go to the shard now, of all names; they are under way from then on."""
        loaded: list[HeldLine[Owner]] = []
        for queue in self._queues.values():
            if queue.under_way or queue.not_before_s > now_s or not queue.lines or queue.lines[0].to != shard:
                continue
            before = self._unanswered_from(queue.home)
            for line in queue.lines:
                if line.to != shard or (before is not None and line.number > before):
                    break
                if loaded and (len(loaded) >= most or bytes_max < len(line.line)):
                    break
                bytes_max -= len(line.line)
                loaded.append(line)
                queue.under_way += 1
        return loaded

    def settle(self, line: HeldLine[Owner]) -> None:
        """The line under way has been answered for good."""
        if line.is_gone:
            return
        queue = line.queue
        assert queue is not None, "only held lines are settled here"
        queue.under_way -= 1
        queue.tries = 0
        self._remove(line, queue)

    def expire(self, now_s: float) -> Iterator[HeldLine[Owner]]:
        """Let go of lines that have waited for too long."""
        for queue in list(self._queues.values()):
            before = self._unanswered_from(queue.home)
            while queue.lines and not queue.under_way:
                line = queue.lines[0]
                if line.since_s + self._later_max_s > now_s or (before is not None and line.number > before):
                    break
                self._remove(line, queue)
                yield line

    def take_settled(self, shard: int) -> list[Settled]:
        """What the shard is told with the next batch."""
        return [Settled(name, number) for name, number in self._settled.pop(shard, {}).items()]

    def pause_s(self, now_s: float) -> float:
        """After how long to look again at what waits for nothing else."""
        pauses = (queue.not_before_s - now_s for queue in self._queues.values() if not queue.under_way)
        return min((pause for pause in pauses if pause > 0), default=PAUSE_S)

    def lose(self, shard: int, under_way: list[HeldLine[Owner]]) -> list[HeldLine[Owner]]:
        """The shard knows the router no more: nothing of what it has deferred can keep its order.

        under_way  the lines that were under way to it
        The lines are returned that are given up: those, and all others of its names.
        """
        self._settled.pop(shard, None)
        for key in [key for key in self._open if key[0] == shard]:
            del self._open[key]
        lost = [line for line in under_way if not line.is_gone]
        for line in lost:
            if line.queue is not None:
                line.queue.under_way -= 1
                self._remove(line, line.queue)
        for queue in [queue for queue in self._queues.values() if queue.home == shard]:
            for line in list(queue.lines):
                lost.append(line)
                self._remove(line, queue)
        return lost

    def _remove(self, line: HeldLine[Owner], queue: Queue[Owner]) -> None:
        queue.lines.remove(line)
        line.is_gone = True
        self.lines[line.home] -= 1
        self.bytes[line.home] -= len(line.line)
        if not queue.lines:
            self._queues.pop((queue.home, queue.name), None)
        for by in line.deferred_by:
            if by in self._open:
                count, newest = self._open.pop(by)
                if count > 1:
                    self._open[by] = (count - 1, newest)
                else:
                    self._settled.setdefault(by[0], {})[by[1]] = newest
