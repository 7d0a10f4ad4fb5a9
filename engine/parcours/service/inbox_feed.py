"""Who is told, and when, that an inbox has changed? Whoever looks on, as soon as the change is durable.

Each shard has its newest changes at hand (shard/inbox_news.py). Once somebody looks on, each is asked for what comes
next and answers when there is something, so nobody polls and a change is told within milliseconds. What was told lies
in a ring, with numbers under which somebody who was cut off goes on. Where a shard has been opened anew, or was too
quick, it is not known what was missed: then the numbers of before mean nothing any more, and everybody who looks at its
people starts over.

Who looks on by a name that was merged into a person looks at hers. The shard of the name says when that changes, as the
name's inbox is another one then; so whoever asks hears of both shards.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from parcours.background import spawn
from parcours.core.effect import InboxChange
from parcours.errors import ParcoursError
from parcours.routing.ports import REPEAT_PAUSE_S, ShardPort
from parcours.shard.requests import HearInboxes

BEHIND_MAX: Final = 100
"""Changes that wait for one who looks on: whoever is further behind is told no more, and starts over."""

WAIT_MS: Final = 5_000
"""How long a shard may have nothing to tell before it is asked again."""

NONE_YET: Final = -1
"""An epoch that no shard has."""

What: TypeAlias = Literal["message", "withdrawn", "seen", "reset"]


@dataclass(frozen=True, slots=True)
class InboxNotice:
    """
    id    under which whoever was told of it goes on; empty where nobody knows what has changed
    what  `reset`: the inbox has to be looked at anew, for it is not known what has changed, the person was erased, or
          the name by which she was asked for is another person's now
    key   of the delivery
    why   of one that has left the inbox
    """

    id: str
    what: What
    key: str = ""
    why: str | None = None


class Watch:
    """One who looks at a person's inbox: notices come in the order of commits, until it is closed.

    asked_for  the name by which the person was asked for
    person     the name under which she lives
    aims       how often it has been asked whose the name is: only the newest answer counts
    position   the id under which to go on if nothing at all has changed since
    is_behind  it was closed because notices were not taken for too long
    """

    def __init__(self, feed: InboxFeed, asked_for: str, position: str) -> None:
        self._feed = feed
        self.asked_for = self.person = asked_for
        self.aims = 0
        self.position = position
        self.is_behind = False
        self.is_closed = False
        self._notices: deque[InboxNotice] = deque()
        self._news = asyncio.Event()

    def tell(self, notice: InboxNotice) -> None:
        """This has happened. After a reset nothing of before is told any more."""
        if notice.what == "reset":
            self._notices.clear()
            self.position = notice.id or self.position
        if len(self._notices) >= BEHIND_MAX:
            self.is_behind = True
            self.close()
        elif not self.is_closed:
            self._notices.append(notice)
            self._news.set()

    async def next(self, within_s: float) -> InboxNotice | None:
        """The next notice; None if there is none within this time, or the watch is closed."""
        if not self._notices and not self.is_closed:
            self._news.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await self._news.wait()
        return self._notices.popleft() if self._notices and not self.is_closed else None

    def close(self) -> None:
        """Nothing more is told. May be called again."""
        self.is_closed = True
        self._news.set()
        self._feed.forget(self)


class InboxFeed:
    """Passes changes of inboxes on to those who look. Lives on the loop of its service.

    shard_of  the shard in whose slots a name is
    owner_of  the name under which the person of a name lives
    ring_max  changes that are kept for whoever comes back
    """

    def __init__(
        self,
        ports: Callable[[], Sequence[ShardPort]],
        shard_of: Callable[[str], int],
        owner_of: Callable[[str], Awaitable[str]],
        ring_max: int,
    ) -> None:
        self._ports = ports
        self._shard_of = shard_of
        self._owner_of = owner_of
        self._ring: deque[InboxChange] = deque(maxlen=ring_max)
        self._newest = 0
        self._name = secrets.token_hex(4)
        self._watches: dict[str, list[Watch]] = {}
        self._listening: dict[int, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def watch(self, name: str, after: str | None = None) -> Watch:
        """Look at the inbox of the person of this name from now on.

        after  an id of an earlier notice or position: what has changed since then is told first, or that it is not
               known any more, a reset
        """
        await self._listen(self._shard_of(name))
        watch = Watch(self, name, self._id(self._newest))
        self._watches.setdefault(name, []).append(watch)
        try:
            await self._aim(watch)
        except BaseException:
            watch.close()
            raise
        watch.position = self._id(self._newest)
        if after is not None:
            for notice in self._missed(watch, after):
                watch.tell(notice)
        return watch

    def forget(self, watch: Watch) -> None:
        """Nobody looks on by this watch any more."""
        for name in (watch.asked_for, watch.person):
            watches = self._watches.get(name, [])
            if watch in watches:
                watches.remove(watch)
            if not watches:
                self._watches.pop(name, None)

    async def close(self) -> None:
        """Tell nobody anything any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for watch in self._all():
            watch.close()

    def _all(self) -> list[Watch]:
        return list(dict.fromkeys(each for watches in self._watches.values() for each in watches))

    async def _aim(self, watch: Watch) -> None:
        """Hear of whoever the name belongs to by now, and of nobody else."""
        watch.aims = aim = watch.aims + 1
        owner = await self._owner_of(watch.asked_for)
        await self._listen(self._shard_of(owner))
        if watch.aims == aim and not watch.is_closed and owner != watch.person:
            self.forget(watch)
            watch.person = owner
            for name in dict.fromkeys((watch.asked_for, owner)):
                self._watches.setdefault(name, []).append(watch)

    async def _aim_anew(self, watch: Watch, *, is_known: bool) -> None:
        """The name may be somebody else's by now, or something was missed: nothing of before counts."""
        try:
            await self._aim(watch)
        except ParcoursError:  # whoever looks on comes again, as after any end
            watch.close()
            return
        watch.position = self._id(self._newest)
        watch.tell(InboxNotice(watch.position if is_known else "", "reset"))

    def _id(self, number: int) -> str:
        return f"{self._name}-{number}"

    def _missed(self, watch: Watch, after: str) -> Iterator[InboxNotice]:
        name, _, digits = after.rpartition("-")
        number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 20 else NONE_YET
        oldest = self._newest - len(self._ring)
        if name != self._name or not oldest <= number <= self._newest:
            yield InboxNotice("", "reset")
            return
        for place, change in enumerate(self._ring, oldest + 1):
            if place > number and change.person in (watch.person, watch.asked_for):
                yield self._notice(place, change)  # a reset among them takes back what came before it

    def _notice(self, number: int, change: InboxChange) -> InboxNotice:
        return InboxNotice(self._id(number), change.what, change.key, change.why)

    async def _listen(self, shard: int) -> None:
        """Return once nothing that changes in this shard is missed."""
        if shard not in self._listening:
            self._listening[shard] = asyncio.Event()
            spawn(self._hear(shard), self._tasks)
        await self._listening[shard].wait()

    async def _hear(self, shard: int) -> None:
        """Ask a shard again and again for what comes next."""
        epoch, newest = NONE_YET, 0
        while True:
            try:
                heard = await self._ports()[shard].ask(HearInboxes(epoch, newest, WAIT_MS))
            except ParcoursError:  # it comes back, and is asked again; that it is away is a trouble of its own
                await asyncio.sleep(REPEAT_PAUSE_S)
                continue
            if heard.changes is None and epoch != NONE_YET:
                self._start_over(shard)
            epoch, newest = heard.epoch, heard.newest
            for change in heard.changes or ():
                self._tell(change)
            self._listening[shard].set()

    def _tell(self, change: InboxChange) -> None:
        self._ring.append(change)
        self._newest += 1
        for watch in list(self._watches.get(change.person, ())):
            if change.what == "reset":
                spawn(self._aim_anew(watch, is_known=True), self._tasks)
            elif change.person == watch.person:
                watch.tell(self._notice(self._newest, change))

    def _start_over(self, shard: int) -> None:
        """Something was missed."""
        self._ring.clear()
        self._name = secrets.token_hex(4)
        for watch in self._all():
            if shard in (self._shard_of(watch.asked_for), self._shard_of(watch.person)):
                spawn(self._aim_anew(watch, is_known=False), self._tasks)
