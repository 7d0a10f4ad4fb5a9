"""What tests of the router share: a loop on which pauses take no time, and a shard that misbehaves as told."""

from __future__ import annotations

import asyncio
import selectors
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Literal, TypeAlias, TypeVar, overload

import pytest

from parcours.config import Settings
from parcours.core.identity import SlotMap
from parcours.errors import ShardUnavailable
from parcours.journey.model.document import EventDocument, EventsDocument, JourneyDocument, ProjectDocument
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.routing.router import Router
from parcours.shard.messages import Answer, Batch, Lease, LineOutcome, Status
from parcours.shard.requests import GetStatus, TakeBatch

T = TypeVar("T")

Fault: TypeAlias = Literal["fine", "unreachable", "answer lost", "lost late", "slow", "broken"]
"""What becomes of a call: the shard is not reached, or is and nobody hears the answer, or it takes its time."""


Run: TypeAlias = Callable[[Coroutine[Any, Any, None]], None]


async def till_all_wait() -> None:
    """Each task goes on as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


class SkippingLoop(asyncio.SelectorEventLoop):
    """Where nothing but a pause is left to wait for, the pause is over. Nothing left at all is a failure."""

    def __init__(self) -> None:
        self._skipped_s = 0.0
        loop = self

        class Selector(selectors.SelectSelector):
            def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
                assert timeout is not None, "everybody waits for somebody else"
                loop._skipped_s += timeout
                return super().select(0)

        super().__init__(Selector())

    def time(self) -> float:
        return self._skipped_s


def outcome_of(line: bytes) -> LineOutcome:
    """What the line asks to become of it."""
    if b"bad" in line:
        return LineOutcome.REJECTED
    if b"duplicate" in line:
        return LineOutcome.DUPLICATE
    return LineOutcome.UNDECLARED if b"undeclared" in line else LineOutcome.ACCEPTED


class ScriptedShard:
    """Takes batches by number as a shard does; `script` says what becomes of the calls, in their order."""

    def __init__(self, script: Iterable[Fault] = (), settings: Settings | None = None) -> None:
        self.script = deque(script)
        self.applied: list[tuple[int, bytes]] = []
        self.batches: list[Batch] = []
        self.under_way = 0
        self.most_under_way = 0
        self.error: Exception = ValueError("a bug")
        self.refuses: str | None = None
        self.lease: int | None = None
        self.archives = False
        self.waited_s = 0.0
        self.gate = asyncio.Event()
        self.gate.set()
        self.taken: dict[str, int] = {}
        self._answers: dict[tuple[str, int], Answer] = {}
        self._kept = (settings or Settings()).batches_in_flight_max

    @overload
    async def ask(self, request: TakeBatch, /) -> Answer: ...
    @overload
    async def ask(self, request: GetStatus, /) -> Status: ...
    async def ask(self, request: TakeBatch | GetStatus, /) -> Answer | Status:
        if isinstance(request, GetStatus):
            return Status(0, 0, None, {}, 0, 0, {}, {}, refuses=self.refuses)
        fault = self.script.popleft() if self.script else "fine"
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await self.gate.wait()
            return await self._take(request.batch, fault)
        finally:
            self.under_way -= 1

    async def _take(self, batch: Batch, fault: Fault) -> Answer:
        if fault == "unreachable":
            raise ShardUnavailable
        if fault == "broken":
            raise self.error
        if fault == "slow":
            await asyncio.sleep(0.05)
        answer = self._apply(batch)
        if fault == "lost late":
            await asyncio.sleep(0.05)
        if fault in ("answer lost", "lost late"):
            raise ShardUnavailable
        return answer

    def _apply(self, batch: Batch) -> Answer:
        taken = self.taken.get(batch.router, 0)
        known = self._answers.get((batch.router, batch.number))
        if known is not None and batch.number > taken - self._kept:
            return known
        if batch.number != taken + 1:
            return Answer(batch.number, expected=taken + 1)
        self.batches.append(batch)
        self.taken[batch.router] = batch.number
        self.applied += zip(batch.line_numbers, batch.lines, strict=True)
        outcomes = bytes(map(outcome_of, batch.lines))
        reasons = ["bad"] * outcomes.count(LineOutcome.REJECTED)
        lease = None if batch.alone is None or self.lease is None else Lease(self.lease, self.archives, self.waited_s)
        answer = Answer(batch.number, outcomes, reasons, refuses=self.refuses, lease=lease)
        self._answers[batch.router, batch.number] = answer
        return answer

    def forget(self) -> None:
        """What the shard knows of all routers is gone."""
        self.taken.clear()
        self._answers.clear()


@pytest.fixture(scope="session")
def program() -> Program:
    journey = {"journey": "j", "entry": {"event": "Started"}, "steps": [{"id": "done", "end": True}]}
    return Project.of(
        ProjectDocument(project="shop"),
        events=EventsDocument(events={"Started": EventDocument()}),
        journeys=[JourneyDocument.model_validate(journey)],
    ).program


@pytest.fixture(scope="session")
def run() -> Callable[[Coroutine[Any, Any, T]], T]:
    """Runs a coroutine to its end; pauses take no time."""

    def run_skipping(coroutine: Coroutine[Any, Any, T]) -> T:
        with asyncio.Runner(loop_factory=SkippingLoop) as runner:
            return runner.run(coroutine)

    return run_skipping


@pytest.fixture(scope="session")
def new_shard() -> Callable[..., ScriptedShard]:
    return ScriptedShard


@pytest.fixture(scope="session")
def new_router(program: Program) -> Callable[..., Router]:
    """Makes a router to these shards; takes settings by name."""

    def make(
        *shards: ScriptedShard, slot_map: SlotMap | None = None, shares_loop: bool = False, **settings: int
    ) -> Router:
        return Router("r", shards, program, Settings.model_validate(settings), slot_map, shares_loop=shares_loop)

    return make
