"""Questions about the facts of everybody to a running engine: what it has exported, and what it has not yet.

Each runs in a thread beside the event loop, over a warehouse of its own that is closed after it. `questions_max` are
answered at a time, and `questions_waiting_max` wait for that; one that takes too long is told so at once, and its
thread, which is interrupted, keeps its place until it ends. Those of saved audiences (found_people.py) take their turn
among the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from parcours.background import in_thread, spawn
from parcours.campaigns.told_lines import told_lines
from parcours.errors import CallerError, EngineClosed, Overloaded
from parcours.insight.exporter.done import facts_folder
from parcours.insight.warehouse.opening import TailRows, check_extra, open_warehouse
from parcours.insight.warehouse.viewed import Viewed
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.journey.publish.publications import Publications, published_project
from parcours.routing.plan import Plan
from parcours.routing.ports import ShardPort
from parcours.service.fact_tail import tail_rows
from parcours.shard.messages import Look
from parcours.shard.requests import NoteLook
from parcours.store.address import files_of
from parcours.store.campaign_files import CAMPAIGNS

if TYPE_CHECKING:
    from parcours.insight.warehouse.warehouse import Warehouse
    from parcours.service.published import Published

INTERRUPT_EVERY_S: Final = 0.05
"""Pause before a query that has not ended is interrupted again: it may be about to begin another one."""

T = TypeVar("T")


class FactQuestions:
    """Lives on the loop of its host. `ports` are all shards, once they are open."""

    def __init__(self, ports: Callable[[], Sequence[ShardPort]], control: Published, plan: Plan) -> None:
        self._ports, self._control, self._settings = ports, control, plan.settings
        self._address_secret = plan.address_secret
        files = files_of(plan.store)
        self.store = None if files is None else files.absolute()
        """Where the files are, wherever the process goes; None where there are none."""
        self._is_closed = False
        self._turns = asyncio.Semaphore(plan.settings.questions_max)
        self._waiting = 0
        self._running: dict[asyncio.Future[Any], _Question[Any]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._published: tuple[Publications, Program, Project] | None = None

    async def note(self, look: Look) -> None:
        """Record a look at everybody as one fact, about nobody."""
        await self._ports()[0].ask(NoteLook([""], look))

    async def ask(
        self,
        run: Callable[[Warehouse, Callable[[], Project]], T],
        *,
        stitch: bool,
        exported: bool,
        timeout_s: float,
        late: str,
        until_ms: int | None = None,
    ) -> T:
        """What `run` makes of a warehouse, in a thread.

        run       given the warehouse, and what compiles the words of the project that is published
        stitch    what was before a merge is the person's
        exported  what is not exported yet is left out, and no shard is asked
        late      what is said of one that takes longer than `timeout_s`, once it is its turn and the warehouse is open
        until_ms  as of which instant, that instant included; None: as of now
        Raises CallerError, Overloaded where too many wait, ExtraMissing, StoreBroken, ShardUnavailable, and what `run`
        raises.
        """
        check_extra()
        if self.store is None:
            raise CallerError("no facts are kept as files: the store lies in memory, or has no folder for files")
        await self._turn()
        with ExitStack() as given_up:
            given_up.callback(self._turns.release)
            if self._is_closed:
                raise EngineClosed
            question = await self._prepared(self.store, run, until_ms, stitch=stitch, exported=exported)
            given_up.callback(question.close)
            await in_thread(question.open)  # and so it is closed though nobody waits for it any more
            if self._is_closed:
                raise EngineClosed
            thread = asyncio.ensure_future(asyncio.to_thread(question.answer))
            given_up.pop_all()
        self._running[thread] = question
        thread.add_done_callback(self._is_over)
        try:
            await asyncio.wait([thread], timeout=timeout_s)
        finally:
            if not thread.done():
                spawn(self._end(thread), self._ending)
        if not thread.done():
            raise CallerError(late)
        return thread.result()

    async def close(self) -> None:
        """Interrupt what is under way, and wait for its end; whoever waits gets EngineClosed."""
        self._is_closed = True
        await asyncio.gather(*(self._end(thread) for thread in [*self._running]))
        await asyncio.gather(*self._ending)

    async def _turn(self) -> None:
        """Wait for a place. Raises Overloaded where too many do."""
        if self._turns.locked() and self._waiting >= self._settings.questions_waiting_max:
            raise Overloaded(f"{self._waiting} questions about facts are waiting: ask again in a moment")
        self._waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1

    def _is_over(self, thread: asyncio.Future[Any]) -> None:
        del self._running[thread]
        self._turns.release()
        if not thread.cancelled():
            thread.exception()  # perhaps nobody asks any more what became of it

    async def _end(self, thread: asyncio.Future[Any]) -> None:
        """Interrupt a question until it has ended."""
        while not thread.done():
            self._running[thread].stop()
            await asyncio.wait([thread], timeout=INTERRUPT_EVERY_S)

    async def _prepared(
        self,
        store: Path,
        run: Callable[[Warehouse, Callable[[], Project]], T],
        until_ms: int | None,
        *,
        stitch: bool,
        exported: bool,
    ) -> _Question[T]:
        program, publications = self._control.current, self._control.publications
        viewed = Viewed.of(program).stitched() if stitch else Viewed.of(program)
        viewed = viewed if until_ms is None else viewed.as_of(until_ms)
        tail = None if exported else (await self._tail_rows(program, store)).tail()
        return _Question(
            partial(open_warehouse, facts_folder(store), viewed, self._settings, tail),
            lambda warehouse: run(warehouse, partial(self._project, publications, program)),
        )

    def _project(self, publications: Publications, program: Program) -> Project:
        """What is published, as a project whose words can be compiled; in the thread, as it may be large."""
        known = self._published
        if known is None or known[0] is not publications or known[1] is not program:
            known = publications, program, published_project(publications, program, self._control.trees())
            self._published = known
        return known[2]

    async def _tail_rows(self, program: Program, store: Path) -> TailRows:
        """What shards and campaigns have told and may not have exported; the newest of it is as of now."""
        rows = await tail_rows(self._ports(), program, self._address_secret)
        await in_thread(partial(rows.add_outputs, facts_folder(store), partial(told_lines, store / CAMPAIGNS)))
        return rows


class _Question(Generic[T]):
    """What runs in a thread, and may be stopped from another one."""

    def __init__(self, opened: Callable[[], Warehouse], run: Callable[[Warehouse], T]) -> None:
        self._opened, self._run = opened, run
        self._warehouse: Warehouse | None = None

    def open(self) -> None:
        """Open the warehouse, before the answer's time begins."""
        self._warehouse = self._opened()

    def answer(self) -> T:
        """The answer, of a warehouse that has been opened, and is closed then."""
        assert self._warehouse is not None, "open comes first"
        with self._warehouse as warehouse:
            return self._run(warehouse)

    def stop(self) -> None:
        """Let it fail as soon as it asks or reads again."""
        if self._warehouse is not None:
            self._warehouse.interrupt()

    def close(self) -> None:
        """Close what was opened and is not asked."""
        if self._warehouse is not None:
            self._warehouse.close()
