"""A stream in memory that takes facts, and the destination that writes to it: what a broker is, without one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar
from weakref import WeakValueDictionary

from pydantic import BaseModel, ConfigDict, Field

from parcours.destination import FactRow, FactsRefused

_STREAMS: WeakValueDictionary[str, FactStream] = WeakValueDictionary()
_numbers = itertools.count(1)


class FactStream:
    """The facts that were taken, in order, each as often as it came.

    name         what a destination's settings have under `stream`
    breaks_after  after so many more facts it breaks off, once: those are there, and nobody is told
    longest      bodies of more bytes are refused
    """

    def __init__(self) -> None:
        self.name = f"stream-{next(_numbers)}"
        self.facts: list[FactRow] = []
        self.is_away = False
        self.breaks_after: int | None = None
        self.longest: int | None = None
        _STREAMS[self.name] = self

    def settings(self) -> dict[str, Any]:
        """The settings of a destination that writes to it."""
        return {"stream": self.name}

    def once(self) -> list[FactRow]:
        """The facts without those that came again. Raises AssertionError where one came again with other bytes."""
        first: dict[str, FactRow] = {}
        for fact in self.facts:
            assert first.setdefault(fact.id, fact) == fact, f"{fact.id} came again as another one"
        return [*first.values()]

    @contextmanager
    def away(self) -> Iterator[None]:
        """While it lasts the stream takes nothing."""
        self.is_away = True
        try:
            yield
        finally:
            self.is_away = False

    def take(self, fact: FactRow) -> str | None:
        """Take a fact; why it is refused. Raises ConnectionError where it breaks off."""
        if self.is_away or self.breaks_after == 0:
            self.breaks_after = None
            raise ConnectionError(f"{self.name} cannot be reached")
        if self.breaks_after is not None:
            self.breaks_after -= 1
        if self.longest is not None and len(fact.body) > self.longest:
            return f"it is longer than {self.longest} bytes"
        self.facts.append(fact)
        return None


class FactStreamSettings(BaseModel):
    """Which stream is written to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stream: str = Field(description="The name of the stream.")


class FactStreamDestination:
    """Writes to a stream in memory."""

    Settings: ClassVar[type[BaseModel]] = FactStreamSettings

    def __init__(self, settings: FactStreamSettings) -> None:
        self._settings = settings
        self._stream: FactStream | None = None

    async def start(self) -> None:
        self._stream = _STREAMS[self._settings.stream]

    async def publish(self, facts: Sequence[FactRow]) -> None:
        assert self._stream is not None, "it was started"
        reasons = {fact.id: reason for fact in facts if (reason := self._stream.take(fact)) is not None}
        if reasons:
            raise FactsRefused(reasons)

    async def stop(self) -> None:
        self._stream = None
