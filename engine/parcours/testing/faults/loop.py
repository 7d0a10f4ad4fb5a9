"""Simulated time and simulated processes: an event loop on which nothing waits, and on which parts can die or freeze.

`SimulatedLoop` is asyncio's own loop with another idea of waiting: where a real one would sleep until its next timer,
its time jumps there. A `Process` is what a real process is to the others: its code runs only while it is alive and not
frozen. Every callback that is set from within a process carries it in its context; the loop drops the callback of a
process that has died, as after `kill -9`, and keeps that of a frozen one until it goes on, as after SIGSTOP. So a
process can end at any `await`, and at any operation of its store, where it raises `ProcessDied`.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import Executor
from contextvars import Context, ContextVar, copy_context
from functools import partial
from typing import Any, Final, TypeVar, TypeVarTuple, Unpack

from parcours.errors import ShardUnavailable

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

ROUNDS_MAX: Final = 200_000
"""Rounds of the loop in one run: a hundred times as many as it takes."""

NOTICED_S: Final = 30.0
"""A process that is frozen for longer has been replaced when it wakes up. So long it takes, too, until who waits for a
copy of a shard that has been replaced is told that no answer comes.
"""

THREAD_S: Final = 0.01
"""How long it takes what would run in a thread."""

RESOLUTION_S: Final = 1e-6
"""Timers that are due within so little are due together: seconds are floats, and sums of them are not exact."""


class ProcessDied(BaseException):
    """Raised where a process ends in the middle of a call; no code of the engine may catch it as an error."""


class Stalled(Exception):
    """The simulation would never come to an end: no timer is set, or it goes round in circles."""


class Process:
    """Something that can be killed or frozen as a whole.

    calls  answers that others wait for from it, in the order in which they were asked: that of a set is by chance
    """

    def __init__(self, loop: SimulatedLoop, name: str) -> None:
        self.name = name
        self.is_dead = False
        self.is_frozen = False
        self.calls: dict[asyncio.Future[Any], None] = {}
        self.context = copy_context()
        self.context.run(_process.set, self)
        self.on_death: list[Callable[[], None]] = []
        self._loop = loop
        self._backlog: list[tuple[_Gated, tuple[Any, ...], Context]] = []

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine in this process, if it is alive."""
        if self.is_dead:
            coroutine.close()
        else:
            self._loop.keep(self._loop.create_task(coroutine, context=self.context))

    async def answer(self, work: Callable[[], Awaitable[T]]) -> T:
        """What a coroutine comes to that runs in this process. Raises ShardUnavailable where the process ends first."""
        if self.is_dead:
            raise ShardUnavailable(f"{self.name} is not there")
        answer: asyncio.Future[T] = self._loop.create_future()
        self.calls[answer] = None
        self.spawn(_answer(work, answer))
        return await answer

    def call(self, callback: Callable[..., object], *args: object) -> None:
        """Call a function in this process, if it is alive."""
        self._loop.call_soon(callback, *args, context=self.context)

    def kill(self) -> None:
        """End it at once. Who waits for its answers is told a little later, as by a connection that breaks."""
        if not self.is_dead:
            self.is_dead = True
            self._backlog.clear()
            self.cut_off()
            for told in self.on_death:
                self._loop.outside(0.0, told)

    def die(self) -> ProcessDied:
        """What to raise in the middle of a call of this process in order to end it."""
        self.kill()
        return ProcessDied(self.name)

    def cut_off(self) -> None:
        """Whoever waits for an answer is told that none comes; a process that is only frozen may still do the work."""
        calls, self.calls = self.calls, {}
        for answer in calls:
            self._loop.outside(0.05, _fail, answer)

    def freeze(self) -> None:
        self.is_frozen = not self.is_dead

    def thaw(self) -> None:
        """Go on where it stood, with everything that has come meanwhile."""
        self.is_frozen = False
        backlog, self._backlog = self._backlog, []
        for gated, args, context in backlog:
            if gated.handle is None or not gated.handle.cancelled():
                self._loop.call_soon(gated.callback, *args, context=context)

    def wait(self, gated: _Gated, args: tuple[Any, ...], context: Context) -> None:
        self._backlog.append((gated, args, context))


_process: ContextVar[Process | None] = ContextVar("process", default=None)


def running_process() -> Process:
    """The process whose code is running."""
    process = _process.get()
    assert process is not None, "what is asked belongs to a process"
    return process


OUTSIDE: Final = Context()
"""The context of whatever belongs to no process."""


class _Gated:
    """A callback of a process: called as long as that is alive, later if it is frozen."""

    __slots__ = ("callback", "context", "handle", "process")

    def __init__(self, process: Process, callback: Callable[..., object], context: Context) -> None:
        self.process = process
        self.callback = callback
        self.context = context
        self.handle: asyncio.Handle | None = None

    def __call__(self, *args: Any) -> None:
        if self.process.is_dead:
            return
        if self.process.is_frozen:
            self.process.wait(self, args, self.context)
        else:
            self.callback(*args)


class _Waiting(selectors.BaseSelector):
    """A selector of nothing: to wait for so long is to move the time on by so much."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._rounds = 0

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return selectors.SelectorKey(fileobj, 0, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return selectors.SelectorKey(fileobj, 0, 0, None)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._rounds += 1
        if timeout is None:
            raise Stalled("everybody waits for somebody else")
        if self._rounds > ROUNDS_MAX:
            raise Stalled(f"{ROUNDS_MAX:,} rounds of the loop, and no end")
        self.now_s += max(0.0, timeout)
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return {}


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Starts at 0 s. What goes wrong in a callback is kept in `errors`, but for processes that died."""

    def __init__(self) -> None:
        self._waiting = _Waiting()
        super().__init__(self._waiting)
        self._clock_resolution = RESOLUTION_S
        self.errors: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.set_exception_handler(self._note)

    def time(self) -> float:
        return self._waiting.now_s

    def call_soon(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        context = copy_context() if context is None else context
        process = context.get(_process)
        if process is None:
            return super().call_soon(callback, *args, context=context)
        gated: Any = _Gated(process, callback, context)
        return super().call_soon(gated, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        context = copy_context() if context is None else context
        process = context.get(_process)
        if process is None:
            return super().call_at(when, callback, *args, context=context)
        gated = _Gated(process, callback, context)
        called: Any = gated
        gated.handle = handle = super().call_at(when, called, *args, context=context)
        return handle

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """There are no threads: what would run in one is done at once, a moment later."""
        result: asyncio.Future[T] = self.create_future()
        self.call_later(THREAD_S, _carry_out, partial(func, *args), result)
        return result

    def outside(self, delay_s: float, callback: Callable[..., object], *args: Any) -> None:
        """Call a function of no process after a while."""
        self.call_later(delay_s, callback, *args, context=OUTSIDE)

    def spawn_outside(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine that belongs to no process."""
        self.keep(self.create_task(coroutine, context=OUTSIDE.copy()))

    def keep(self, task: asyncio.Task[None]) -> None:
        """Nobody else may hold it, and what is forgotten would be taken apart in the middle of the run."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard, context=OUTSIDE)

    def _note(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, ProcessDied) and "was destroyed but it is pending" not in context["message"]:
            self.errors.append(f"{context['message']}: {error!r}")

    def bury(self) -> None:
        """Take apart what has been left behind by processes that died, and close."""
        for task in asyncio.all_tasks(self):
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # it is meant to be left behind
            coroutine = task.get_coro()
            if isinstance(coroutine, Coroutine):
                try:
                    coroutine.close()
                except (RuntimeError, ProcessDied):
                    continue  # it insists on waiting for something more
        self._ready.clear()  # type: ignore[attr-defined]  # what taking apart has set off comes too late
        self.close()


async def _answer(work: Callable[[], Awaitable[T]], answer: asyncio.Future[T]) -> None:
    try:
        result = await work()
    except Exception as error:  # noqa: BLE001  # it is the caller's
        if not answer.done():
            answer.set_exception(error)
    else:
        if not answer.done():
            answer.set_result(result)


def _carry_out(work: Callable[[], T], result: asyncio.Future[T]) -> None:
    try:
        done = work()
    except Exception as error:  # noqa: BLE001  # it is the caller's
        result.set_exception(error)
    else:
        result.set_result(done)


def _fail(answer: asyncio.Future[Any]) -> None:
    if not answer.done():
        answer.set_exception(ShardUnavailable("the process of the shard has ended"))
