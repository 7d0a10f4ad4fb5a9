"""The client: hands events in all the time, keeps the ledger of what was acknowledged, and hands the rest in again.

Every line has a message id, so it may be handed in again after its driver has died.
"""

from __future__ import annotations

import asyncio
from collections import deque
from random import Random
from typing import Any, Final, Protocol

import msgspec

from parcours.channel import Feedback
from parcours.channel.vocabulary import Reaction
from parcours.segment.reports import feedback_line
from parcours.testing.faults.client import Line
from parcours.testing.faults.plan import CARTS
from parcours.testing.faults.processes.engine import Gone, Unavailable
from parcours.testing.faults.processes.project import APART, PEOPLE, SLOT_MAP
from parcours.testing.faults.project import EVENTS
from parcours.testing.faults.visitors import written_under

UNDER_WAY_MAX: Final = 8
"""Calls under way at once."""

PAUSE_S: Final = 0.12
"""Longest pause between two calls."""

KNOWN: Final = tuple(person for person in PEOPLE if person not in APART)
"""Those who log in."""

VISITORS_MAX: Final = 16
"""Visitors who are about at once; those who came before do nothing any more."""

LOG_IN_EVERY_S: Final = 0.005
"""Between two who log in before a process is killed."""


class Asked(Protocol):
    """The engine, by whichever process."""

    async def opened(self) -> int:
        """Wait until it can be asked."""

    async def ask(self, question: str, more: Any = None) -> Any:
        """Raises Gone, or Unavailable with the engine's words."""


class Client:
    """One client with a random life of its own, by a seed.

    reacts  whether people react to mails that arrive
    """

    def __init__(self, seed: int, engine: Asked) -> None:
        self._random = Random(seed)
        self._engine = engine
        self._moments = 0
        self._numbers = 0
        self._met = 0
        self._visitors: deque[str] = deque(maxlen=VISITORS_MAX)
        self._last: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.lines: list[Line] = []
        self.reacts = True

    @property
    def under_way(self) -> int:
        return len(self._tasks)

    @property
    def names(self) -> set[str]:
        """Whatever somebody may be called, also a visitor of whom nobody but a log-in tells."""
        return {*PEOPLE, *(name for n in range(1, self._met + 1) for name in (f"v{n}", f"@anonymous/v{n}"))}

    async def work(self) -> None:
        """Hand events in until cancelled."""
        for person in PEOPLE:
            traits = {"email": f"{person}@people.example"}
            self._start([_line({"type": "identify", "userId": person, "traits": traits}, f"i-{person}")], waits=True)
        while True:
            await asyncio.sleep(PAUSE_S * self._random.random())
            if self._random.random() < 0.3:
                self._start([self._meet()], waits=True)
            if len(self._tasks) < UNDER_WAY_MAX:
                many = self._random.choice((1, 1, 2, 4))
                self._start([self._event() for _ in range(many)], waits=self._random.random() < 0.5)

    def _event(self) -> Line:
        who = self._random.random()
        if who < 0.06 and self._visitors:
            return self._says(self._random.choice(self._visitors), self._random.choice(KNOWN))
        if who > 0.7 and self._visitors:
            return self._does({"anonymousId": self._random.choice(self._visitors)})
        return self._does({"userId": self._random.choice(PEOPLE)})

    def _does(self, whose: dict[str, Any]) -> Line:
        self._numbers += 1
        if self._random.random() < 0.04:
            call = {**whose, "type": "consent", "channel": "email", "granted": self._random.random() < 0.6}
        else:
            event = self._random.choice((*EVENTS, "Started"))
            properties = {"cart": self._random.choice(CARTS), "number": self._numbers}
            call = {**whose, "type": "track", "event": event, "properties": properties}
        return _line(call, f"m-{self._numbers}")

    def _meet(self) -> Line:
        """Somebody comes whom nobody knows, and leaves an address."""
        self._met += 1
        visitor = f"v{self._met}"
        self._visitors.append(visitor)
        traits = {"email": f"{visitor}@visitors.example"}
        return _line({"type": "identify", "anonymousId": visitor, "traits": traits}, f"i-{visitor}")

    def _says(self, visitor: str, user: str) -> Line:
        """One says who she is: for the first time, once more, or on a device that was somebody else's before."""
        self._numbers += 1
        call: dict[str, Any] = {"type": "identify", "userId": user, "anonymousId": visitor, "traits": {}}
        if self._random.random() < 0.15:
            call = {"type": "alias", "userId": user, "previousId": visitor}
        return _line(call, f"m-{self._numbers}")

    async def log_in(self) -> None:
        """Let visitors log in, and go on when the first has been heard: she moves now, and the others log in."""
        heard = asyncio.Event()
        task = asyncio.create_task(self._all_log_in(heard))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await heard.wait()

    async def _all_log_in(self, heard: asyncio.Event) -> None:
        """Visitors of the other shard log in, one shortly after the other, each with something before and after it."""
        for user in self._random.sample(KNOWN, len(KNOWN)):
            met = self._meet()
            while SLOT_MAP.shard(met.person) == SLOT_MAP.shard(user):
                met = self._meet()
            visitor = self._visitors[-1]
            hers, known = {"anonymousId": visitor}, {"userId": user}
            self._start([met, self._does(hers)], waits=False)
            said = self._start([self._says(visitor, user)], waits=False)
            said.add_done_callback(lambda _: heard.set())
            self._start([self._does(hers), self._does(known)], waits=False)
            await asyncio.sleep(LOG_IN_EVERY_S)

    def mail_arrived(self, key: str, person: str) -> None:
        """Some people react, and their provider reports it."""
        chance = self._random.random()
        if self.reacts and chance < 0.25:
            reaction: Reaction = "unsubscribed" if chance < 0.01 else "opened" if chance < 0.15 else "delivered"
            data = feedback_line(Feedback(key=key, reaction=reaction))
            if all(line.data != data for line in self.lines):  # a mail may arrive twice
                message_id = msgspec.json.decode(data)["messageId"]
                self._start([Line(data, person, message_id, is_report=True)], waits=False)

    def _start(self, lines: list[Line], *, waits: bool) -> asyncio.Task[None]:
        people = {line.person for line in lines}
        before = {self._last[person] for person in people if person in self._last} if waits else set()
        task = asyncio.create_task(self._hand_in(lines, before))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        for person in people:
            self._last[person] = task
        self.lines += lines
        return task

    async def _hand_in(self, lines: list[Line], before: set[asyncio.Task[None]]) -> None:
        if before:
            await asyncio.wait(before)
        self._moments += 1
        for line in lines:
            line.given = self._moments
        while True:
            await self._engine.opened()
            for line in lines:
                line.tries += 1
            try:
                rejected = await self._engine.ask("take", [line.data for line in lines])
            except Gone:
                continue
            except Unavailable:
                await asyncio.sleep(PAUSE_S)
                continue
            self._moments += 1
            for place, line in enumerate(lines):
                line.acked, line.rejected = self._moments, rejected.get(place)
            return


def _line(call: dict[str, Any], message_id: str) -> Line:
    call["messageId"] = message_id
    return Line(msgspec.json.encode(call), written_under(call), message_id)
