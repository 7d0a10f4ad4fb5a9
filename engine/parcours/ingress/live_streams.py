"""How are screens told what changes while somebody looks on? By server-sent events, made once for all who look.

    state   all of a topic, which begins it; also for whoever was too slow for what has changed since
    counts  what has changed of it
    beat    the engine is there, and this is its time
    bye     the stream ends, and `retry` says when to come again

The id of an event is the number of its tick. At each tick the figures are looked at once, whoever looks on, and of each
topic that has changed one piece of bytes is made, which all who have the topic are given. Nothing is kept for a stream:
whoever takes what it is given late gets the newest then, and has missed what was in between. While the engine does not
answer there is no beat, by which whoever looks on knows that the figures are old.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from parcours.errors import EngineClosed, ParcoursError
from parcours.ingress.exchange import Problem
from parcours.ingress.live_topics import Figures, Topic, changed
from parcours.ingress.server_sent import event

log = logging.getLogger("parcours.door")

TICK_S: Final = 0.25
"""So often the figures are looked at, and no stream is told more often."""

BEAT_TICKS: Final = 60
"""After so many ticks, 15 s, everybody is told that the engine is there; proxies cut what is silent for longer."""

STREAMS_MAX: Final = 200

STALLED_S: Final = 5.0
"""A stream whose client has taken nothing of a piece for so long is closed."""

RETRY_MS: Final = 1_000
RETRY_SPREAD_MS: Final = 4_000
RETRY_STEP_MS: Final = 1_237
"""Not everybody comes back at once when a door has gone."""

SILENCE: Final = b":\n\n"
"""Keeps the connection, and says nothing of the engine."""


class Source(Protocol):
    """Where figures come from. It is asked by one tick at a time."""

    async def look(self) -> None:
        """See what has changed. Raises ParcoursError where nobody answers now; the next look makes up for it."""

    def figures(self, topic: Topic, before: Figures | None) -> Figures:
        """Those of a topic, as of the newest look; `before` are those that were told last."""

    def now_ms(self) -> int:
        """The engine's time."""


@dataclass(slots=True)
class _Followed:
    """A topic that somebody follows.

    tick    of what was told last; 0: nothing yet
    before  the tick of what was told before that
    change  what is given to those who know what was told before
    whole   what is given to all others; None until somebody needs it
    """

    topic: Topic
    followers: int = 0
    tick: int = 0
    before: int = 0
    figures: Figures | None = None
    change: bytes = b""
    whole: bytes | None = None
    at_ms: int = 0

    def renew(self, figures: Figures, tick: int, at_ms: int) -> bool:
        """These are its figures by now; whether there is anything to tell."""
        known = self.figures
        difference = {} if known is None else changed(known, figures)
        if known is not None and not difference:
            return False
        self.before, self.tick, self.figures, self.at_ms, self.whole = self.tick, tick, figures, at_ms, None
        self.change = event("counts", {"topic": self.topic.name, "at": at_ms, **difference}, f"{tick}")
        return True

    def piece(self, told: int) -> bytes:
        """For whoever was told last at this tick."""
        if told and told == self.before:
            return self.change
        if self.whole is None:
            told_of = {"topic": self.topic.name, "at": self.at_ms, **(self.figures or {})}
            self.whole = event("state", told_of, f"{self.tick}")
        return self.whole


@dataclass(eq=False, slots=True)
class LiveStream:
    """The events of one stream. To be closed by whoever reads it, also before the first one.

    number       of the streams of this door
    is_admitted  whether its client may still look
    """

    streams: LiveStreams
    number: int
    topics: Sequence[Topic]
    is_admitted: Callable[[], bool]
    told: dict[Topic, int] = field(default_factory=dict)
    beat: bytes = b""
    is_ended: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)
    _is_over: bool = False

    def __aiter__(self) -> LiveStream:
        return self

    async def __anext__(self) -> bytes:
        while not self._is_over:
            if self.is_ended:
                self._is_over = True
                return event("bye", {}, retry_ms=RETRY_MS + self.number * RETRY_STEP_MS % RETRY_SPREAD_MS)
            if piece := self.streams.piece_for(self):
                return piece
            self.news.clear()
            await self.news.wait()
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Nobody reads it any more. May be called again."""
        self._is_over = True
        self.news.set()
        self.streams.forget(self)

    def end(self) -> None:
        """Say good-bye."""
        self.is_ended = True
        self.news.set()


class LiveStreams:
    """All streams of a door."""

    def __init__(self) -> None:
        self._streams: dict[LiveStream, None] = {}
        self._topics: dict[Topic, _Followed] = {}
        self._opened = 0
        self._looking: asyncio.Task[None] | None = None
        self._tick = 0

    @property
    def open(self) -> int:
        """How many there are."""
        return len(self._streams)

    def follow(
        self, topics: Sequence[Topic], source: Callable[[], Source], is_admitted: Callable[[], bool]
    ) -> LiveStream:
        """One more stream, of these topics. Raises Problem where there are too many already.

        source  makes where the figures come from, if nobody looks on yet
        """
        if len(self._streams) >= STREAMS_MAX:
            raise Problem(503, "busy", f"{STREAMS_MAX} streams are open already", headers={"Retry-After": "10"})
        self._opened += 1
        stream = LiveStream(self, self._opened, topics, is_admitted)
        self._streams[stream] = None
        for topic in topics:
            self._topics.setdefault(topic, _Followed(topic)).followers += 1
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self._look_on(source()))
        return stream

    def forget(self, stream: LiveStream) -> None:
        """It is closed. May be called again."""
        if stream not in self._streams:
            return
        del self._streams[stream]
        for topic in stream.topics:
            followed = self._topics[topic]
            followed.followers -= 1
            if not followed.followers:
                del self._topics[topic]

    def end(self) -> None:
        """The door closes: everybody is told, and when to come again."""
        for stream in self._streams:
            stream.end()

    def piece_for(self, stream: LiveStream) -> bytes:
        """What it has not been told yet; nothing where there is none."""
        pieces, stream.beat = [stream.beat], b""
        for topic in stream.topics:
            followed, told = self._topics[topic], stream.told.get(topic, 0)
            if followed.tick != told:
                pieces.append(followed.piece(told))
                stream.told[topic] = followed.tick
        return b"".join(pieces)

    async def _look_on(self, source: Source) -> None:
        """As long as there are streams."""
        try:
            while self._streams:
                await self.tick(source)
                await asyncio.sleep(TICK_S)
        except Exception:  # whoever looks on comes again, and finds out
            log.exception("nobody can be told of changes")
            self.end()

    async def tick(self, source: Source) -> None:
        """Look once, and give everybody what is new."""
        self._tick += 1
        try:
            await source.look()
        except EngineClosed:
            self.end()
            return
        except ParcoursError:
            beat, news = SILENCE, set[Topic]()
        else:
            beat = event("beat", {"at": source.now_ms()}, f"{self._tick}")
            news = self._renew(source)
        if self._tick % BEAT_TICKS == 0:
            self._beat(beat)
        else:
            _wake(each for each in self._streams if not news.isdisjoint(each.topics))

    def _renew(self, source: Source) -> set[Topic]:
        """The topics of which there is something to tell."""
        at_ms, news = source.now_ms(), set[Topic]()
        for topic, followed in self._topics.items():
            if followed.renew(source.figures(topic, followed.figures), self._tick, at_ms):
                news.add(topic)
        return news

    def _beat(self, beat: bytes) -> None:
        """Everybody is told something, and whoever may not look any more is told that it is over."""
        for stream in self._streams:
            stream.beat = beat
            if not stream.is_admitted():
                stream.end()
        _wake(self._streams)


def _wake(streams: Iterable[LiveStream]) -> None:
    for stream in streams:
        stream.news.set()
