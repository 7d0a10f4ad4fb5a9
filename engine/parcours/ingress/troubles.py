"""Since when is something not in order? As far as this door has noticed.

It looks all the time where it keeps the engine. Elsewhere that would ask whoever keeps it all the time, and of many
doors each: there it has noticed what somebody has asked for.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from parcours.errors import EngineClosed, ParcoursError
from parcours.service.service import Service

log = logging.getLogger("parcours.door")

NUMBER: Final = re.compile(r"(?<!shard )(?<!\w\.)\b[0-9][0-9.,]*")
"""What differs from look to look; the number of a shard, or of a dispatcher (`email.1`), says whose trouble it is."""

LOOKS_EVERY_S: Final = 5.0


class Noticed(NamedTuple):
    """A trouble, and when it was noticed first, in ms."""

    trouble: str
    since_ms: int


class TroubleTimes:
    """Remembers those that there are. One whose numbers alone change is still the same.

    number  how many there were at the newest look
    """

    def __init__(self) -> None:
        self.number = 0
        self._since_ms: dict[str, int] = {}
        self._watch: asyncio.Task[None] | None = None

    def noticed(self, troubles: Iterable[str], now_ms: int) -> list[Noticed]:
        """These are all that there are now; the newest first."""
        named = [(NUMBER.sub("#", each), each) for each in troubles]
        self._since_ms = {name: self._since_ms.get(name, now_ms) for name, _ in named}
        self.number = len(named)
        found = [Noticed(trouble, self._since_ms[name]) for name, trouble in named]
        return sorted(found, key=lambda each: -each.since_ms)

    def watch(self, service: Service) -> None:
        """Look again and again from now on, on the loop of a service that keeps its engine. May be called again."""
        if self._watch is None and service.keeps:
            self._watch = asyncio.ensure_future(self._look_on(service))

    def end(self) -> None:
        """Look no more."""
        if self._watch is not None:
            self._watch.cancel()

    async def _look_on(self, service: Service) -> None:
        while True:
            try:
                self.noticed(await service.troubles(), service.now_ms())
            except EngineClosed:
                return
            except ParcoursError as error:
                log.debug("what is not in order is not known now: %s", error)
            await asyncio.sleep(LOOKS_EVERY_S)
