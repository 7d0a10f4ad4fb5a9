"""How is an app told of its inbox while it is open? By a stream of server-sent events, one for each screen that looks.

    list       all that lies there, at the beginning
    message    one more
    seen       one was opened, perhaps on another screen
    withdrawn  one is there no more; the reason says why
    reset      forget everything, a list follows: the person was erased, the name that was asked for is another person's
               now, or nobody knows what has changed since then
    bye        the stream ends, and `retry` says when to come again

Each has an id; whoever comes back with it as `Last-Event-ID` is told what has changed since then. Streams are bounded:
so many in all, so many of a person, of whom the one that is open for longest goes, and one that does not take what it
is told is closed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Final
from zlib import crc32

from parcours.errors import NobodyYet
from parcours.ingress.exchange import Problem
from parcours.ingress.server_sent import event
from parcours.service.inbox import InboxItem
from parcours.service.inbox_feed import InboxNotice, Watch

if TYPE_CHECKING:
    from parcours.ingress.door import Door

BEAT_S: Final = 15.0
"""So often at least something is sent: proxies cut what is silent, and a client that is gone is noticed."""

STREAMS_MAX: Final = 2_000
STREAMS_OF_PERSON_MAX: Final = 5

RETRY_MS: Final = 1_000
RETRY_SPREAD_MS: Final = 4_000
"""Not everybody comes back at once when a door has gone."""

RETRY_LATER_MS: Final = 60_000
"""For one that had to go for another screen of the same person: at once it would drive out that one."""

BEAT: Final = b": beat\n\n"

Shown = Callable[[InboxItem], object]
"""An entry as apps see it."""


class InboxStream:
    """The events of one stream. To be closed by whoever reads it, also before the first one."""

    def __init__(
        self,
        streams: InboxStreams,
        door: Door,
        watch: Watch,
        shown: Shown,
        *,
        resumes: bool = False,
        until_ms: int | None = None,
    ) -> None:
        """
        resumes   the client has the list already
        until_ms  when the token expires with which it was opened, None if it was not by one
        """
        self._streams = streams
        self._door = door
        self._watch = watch
        self._shown = shown
        self._resumes = resumes
        self._items: dict[str, InboxItem] = {}
        self._told: set[str] = set()
        """The keys of what the client has."""

        self._events = self._run()
        self.retry_ms = RETRY_MS + crc32(watch.asked_for.encode()) % RETRY_SPREAD_MS
        self._until_ms = until_ms

    @property
    def name(self) -> str:
        """The name by which the person was asked for."""
        return self._watch.asked_for

    def __aiter__(self) -> InboxStream:
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._events)

    async def aclose(self) -> None:
        """Nobody reads it any more. May be called again."""
        await self._events.aclose()
        self._watch.close()
        self._streams.forget(self)

    def end(self, retry_ms: int | None = None) -> None:
        """Say good-bye."""
        self.retry_ms = retry_ms or self.retry_ms
        self._watch.close()

    async def _run(self) -> AsyncGenerator[bytes, None]:
        try:
            yield BEAT if self._resumes else await self._list()
            while not self._is_over():
                notice = await self._watch.next(BEAT_S)
                if notice is not None and (piece := await self._piece(notice)):
                    yield piece
                elif notice is None and not self._watch.is_closed:
                    yield BEAT
        except NobodyYet:
            pass  # its shard is away: the client comes again, as it would after any end
        if not self._watch.is_behind:
            yield event("bye", {}, retry_ms=self.retry_ms)

    def _is_over(self) -> bool:
        return self._watch.is_closed or (self._until_ms is not None and self._door.now_ms() >= self._until_ms)

    async def _list(self) -> bytes:
        await self._fetch()
        self._told = set(self._items)
        return event("list", {"entries": [self._shown(item) for item in self._items.values()]}, self._watch.position)

    async def _fetch(self) -> None:
        """Look at all that lies there now; it has reached the person by that."""
        self._items = {item.key: item for item in await self._door.service.fetch_inbox(self.name)}

    async def _piece(self, notice: InboxNotice) -> bytes:
        """What is sent of a notice; nothing for what the client knows."""
        match notice.what:
            case "reset":
                return event("reset", {}) + await self._list()
            case "message":
                if notice.key in self._told:
                    return b""
                if notice.key not in self._items:  # of several that came at once the others are here already
                    await self._fetch()
                item = self._items.get(notice.key)
                self._told.add(notice.key)
                return b"" if item is None else event("message", self._shown(item), notice.id)
            case "withdrawn":
                self._told.discard(notice.key)
                return event("withdrawn", {"id": notice.key, "reason": notice.why}, notice.id)
            case "seen":
                return event("seen", {"id": notice.key}, notice.id)


class InboxStreams:
    """All streams of a door."""

    def __init__(self) -> None:
        self._of: dict[str, list[InboxStream]] = {}
        self._open = 0

    def check_room(self) -> None:
        """Raises Problem where there are too many streams already."""
        if self._open >= STREAMS_MAX:
            raise Problem(429, "busy", f"{STREAMS_MAX} streams are open already", headers={"Retry-After": "5"})

    def add(self, stream: InboxStream) -> None:
        """One more is open; the oldest of its person goes if she has too many."""
        own = self._of.setdefault(stream.name, [])
        if len(own) >= STREAMS_OF_PERSON_MAX:
            own[0].end(RETRY_LATER_MS)
            self.forget(own[0])
            own = self._of.setdefault(stream.name, [])
        own.append(stream)
        self._open += 1

    def forget(self, stream: InboxStream) -> None:
        """It is closed. May be called again."""
        own = self._of.get(stream.name, [])
        if stream in own:
            own.remove(stream)
            self._open -= 1
        if not own:
            self._of.pop(stream.name, None)

    def end(self) -> None:
        """The door closes: everybody is told, and when to come again."""
        for stream in [each for own in self._of.values() for each in own]:
            stream.end()

    @property
    def open(self) -> int:
        """How many there are."""
        return self._open
