"""Changes of what is published: in the process of the engine, and as whoever asks for them sees it.

Only the protocol is the engine's own (`routing/change_protocol.py`). A life of the engine begins by settling what the
life before has left half done. Who asked for a change asks again until it is answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

from parcours.errors import CallerError, ShardUnavailable
from parcours.journey.publish.publications import PublicationCompiler, Publications, begun
from parcours.routing.change_protocol import Making, carry_out, changing, publishing, settle
from parcours.routing.ports import ChangePort
from parcours.routing.router import Router
from parcours.testing.faults.injector import Injector
from parcours.testing.faults.loop import Process, SimulatedLoop
from parcours.testing.faults.plan import Change
from parcours.testing.faults.project import shop

PAUSE_S = 0.9
"""Pause before a change is asked for again."""

TRIES_MAX = 400


class Publishing:
    """What is published, as one life of the engine knows it."""

    def __init__(
        self,
        process: Process,
        router: Router,
        ports: Sequence[ChangePort],
        now_ms: Callable[[], int],
        compiler: PublicationCompiler,
        injector: Injector,
    ) -> None:
        self._router = router
        self._ports = ports
        self._now_ms = now_ms
        self._compiler = compiler
        self._injector = injector
        self._attempts = count(1)
        self._turn = asyncio.Lock()
        self.publications = begun(shop())
        self._begun = asyncio.Event()
        process.spawn(self._begin())

    async def _begin(self) -> None:
        self.publications = await settle(self._ports)
        self._router.publish(self._compiler.program(self.publications))
        self._begun.set()

    async def _tell(self, publications: Publications) -> None:
        if self._injector.at_call(0, "tell") == "fails":
            raise CallerError("it cannot be sent")
        self._router.publish(self._compiler.program(publications))

    async def make(self, change: Change) -> Publications:
        """Make a change; what is published then. One that is not possible, or cannot be told, changes nothing."""
        await self._begun.wait()
        async with self._turn:
            try:
                self.publications = await carry_out(
                    self._ports, self.publications, _making(change), self._now_ms(), self._tell, next(self._attempts)
                )
            except CallerError:
                return self.publications
            return self.publications


def _making(change: Change) -> Making:
    if change.verb == "publish":
        return publishing(shop(change.project), reopen=True)
    return changing(change.verb, change.journey)


@dataclass(slots=True)
class Changed:
    """A change of the client's ledger, and the number of the newest change when it was answered; None if it was not."""

    change: Change
    answer: int | None = None


@dataclass(slots=True)
class Author:
    """Asks for the changes of a plan. `made` is told the verb of each that was answered."""

    loop: SimulatedLoop
    process: Callable[[], tuple[Process, Publishing | None]]
    made: Callable[[str], None]
    changes: list[Changed] = field(default_factory=list)
    under_way: int = 0

    def plan(self, change: Change) -> None:
        """Ask for this at its time."""
        self.under_way += 1
        self.loop.outside(change.at_s - self.loop.time(), self._begin, change)

    def _begin(self, change: Change) -> None:
        changed = Changed(change)
        self.changes.append(changed)
        self.loop.spawn_outside(self._make(changed))

    async def _make(self, changed: Changed) -> None:
        for _ in range(TRIES_MAX):
            process, publishing_now = self.process()
            if publishing_now is not None:
                try:
                    after = await process.answer(_asking(publishing_now, changed.change))
                    changed.answer = after.ledger.number
                    self.made(changed.change.verb)
                    break
                except ShardUnavailable:
                    pass
            await asyncio.sleep(PAUSE_S)
        self.under_way -= 1


def _asking(publishing_now: Publishing, change: Change) -> Callable[[], Awaitable[Publications]]:
    return lambda: publishing_now.make(change)
