"""The keeper of an engine in a process of its own: what others ask of it there, and what it does without being asked.

It keeps the engine as long as the store says so. Once another one has taken over, it lets go of everything and refuses
whatever it is asked. It ends no actor then: they are the other one's. Where that comes to nothing, it takes over again
as soon as it is asked for something.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from parcours.background import in_thread, until_one_ends
from parcours.clock import stopwatch_ms
from parcours.closing import close_all
from parcours.errors import ParcoursError, ShardUnavailable
from parcours.journey.publish.publications import Publications
from parcours.routing.plan import Plan
from parcours.service.host import Host
from parcours.service.succession import Succession
from parcours.store.address import claims_at

if TYPE_CHECKING:
    from parcours.runtime.cluster.runtime import ClusterRuntime

log = logging.getLogger("parcours")

LOOK_EVERY_S: Final = 1.0
"""So often it looks whether it still keeps the engine."""

NEWS_WITHIN_S: Final = 5.0
"""So long whoever asks for news of what is published waits for some, and is then told what is known."""

OF_HOST: Final = frozenset(
    {
        "standing", "begin_run", "preview", "compose_proof", "save_members", "funnel_people", "look_at",
        "erase", "erasure", "back_up", "troubles", "channel_states",
    }
)  # fmt: skip
"""The calls of `Keeper`, but for the one that is answered slice by slice."""

OF_CONTROL: Final = frozenset({"publish", "change", "states"})
"""Those of `Published`."""


class KeeperDesk:
    """Lives in an actor (runtime/cluster/resident.py), on its loop."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._runtime: ClusterRuntime | None = None
        self._host: Host | None = None
        self._watching: asyncio.Task[None] | None = None
        self._succession: Succession | None = None

    async def open(self, *, again: bool) -> None:
        """Take over, unless it keeps the engine already.

        again  what is published stays as it is, whatever the plan's project is by now; it does so, too, where somebody
               else had taken over meanwhile
        Raises as `Service.start`, ShardUnavailable while somebody else keeps the engine; it may be called again then.
        """
        from parcours.runtime.cluster.runtime import ClusterRuntime

        if self._host is not None:
            return
        if self._succession is not None:
            assert self._watching is not None, "that has let go"
            await asyncio.wait([self._watching])  # all that it did has ended
            await self._succession.check_over(stopwatch_ms())
            log.warning("nobody keeps the engine any more that this one let go of: it takes over again")
            again = True
        runtime = ClusterRuntime(self._plan, stays=True)
        host = Host(self._plan, runtime)
        try:
            await self._start(host, runtime, publishes=not again)
        except BaseException as error:
            # What is opened again goes on with what was started by now; what is refused leaves nothing behind.
            await close_all([host.turn_away, runtime.leave if again else runtime.withdraw], after=error)
            raise
        self._runtime, self._host, self._succession = runtime, host, None
        self._watching = asyncio.ensure_future(self._watch(runtime))

    async def _start(self, host: Host, runtime: ClusterRuntime, *, publishes: bool) -> None:
        """Start it, or give up as soon as another one has taken over: shards that have ended then never answer here."""
        ended = await until_one_ends(host.start(publishes=publishes), self._until_succeeded(runtime))
        for each in ended:
            if isinstance(each, Exception):
                raise each
        if isinstance(ended[0], asyncio.CancelledError):
            raise ShardUnavailable("another process has taken it over while it was opened here")

    async def call(self, name: str, *arguments: Any, **named: Any) -> Any:
        """The answer to a call of `Keeper` or `Published`, to `plan`, or to `news`. Raises what it raises."""
        host = self._keeping
        if name in OF_HOST:
            return await self._while_kept(getattr(host, name)(*arguments, **named))
        if name in OF_CONTROL:
            return await self._while_kept(getattr(host.control, name)(*arguments, **named))
        assert name in ("plan", "news"), f"{name} is not asked of a keeper"
        return self._plan if name == "plan" else await self._news(*arguments)

    async def _while_kept(self, answer: Coroutine[Any, Any, Any]) -> Any:
        """The answer, unless another one takes over before it comes: shards that have ended then never give one."""
        assert self._watching is not None, "it keeps the engine"
        answering = asyncio.ensure_future(answer)
        try:
            await asyncio.wait([answering, self._watching], return_when=asyncio.FIRST_COMPLETED)
        finally:
            answering.cancel()
            await asyncio.wait([answering])
        if answering.cancelled():
            raise ShardUnavailable("another process has taken it over meanwhile")
        return answering.result()

    async def stream(self, name: str, *arguments: Any) -> AsyncGenerator[Any]:
        """The table of everybody, slice by slice."""
        assert name == "people_rows" and not arguments, f"{name} is not asked of a keeper"
        async for rows in self._keeping.people_rows():
            yield rows

    @property
    def _keeping(self) -> Host:
        if self._host is None:
            raise ShardUnavailable("another process has taken it over")
        return self._host

    async def _news(self, known: int | None) -> Publications:
        """What is published, as soon as its ledger has another number than is known; after a while in any case."""
        with suppress(TimeoutError):
            async with asyncio.timeout(NEWS_WITHIN_S):
                while self._keeping.control.publications.ledger.number == known:
                    await self._keeping.control.changed.wait()
        return self._keeping.control.publications

    async def _until_succeeded(self, runtime: ClusterRuntime) -> None:
        """Return once another one has taken over. A store that does not tell is asked again."""
        claims = claims_at(self._plan.store, self._plan.shards)
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            with suppress(ParcoursError):
                if runtime.epoch and (await in_thread(claims.keeper)).epoch != runtime.epoch:
                    return

    async def _watch(self, runtime: ClusterRuntime) -> None:
        """Let go as soon as another one has taken over."""
        await self._until_succeeded(runtime)
        log.warning("another process keeps the engine by now: this one lets go of it")
        await self._let_go()

    async def _let_go(self) -> None:
        host, runtime = self._host, self._runtime
        assert host is not None and runtime is not None, "it has been opened"
        self._host = None
        self._succession = Succession(claims_at(self._plan.store, self._plan.shards), runtime.ports, stopwatch_ms())
        await close_all([host.turn_away, runtime.leave])

    async def close(self) -> None:
        """End the engine, with all its actors, unless another one keeps it."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        if self._host is not None:
            host, self._host = self._host, None
            await close_all([host.turn_away, host.stop])
