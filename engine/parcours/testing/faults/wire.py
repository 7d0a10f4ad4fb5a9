"""The wire: calls from routers, dispatchers and the supervisor to shards in other processes, and what goes wrong there.

As with Ray's actors, a call that failed may have been carried out, and a copy that is frozen may carry it out much
later. Answers come from the copy of a shard that the caller takes for the current one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

from parcours.errors import ShardStopped, ShardUnavailable, StoreBroken, StoreBusy
from parcours.shard.host import ShardHost
from parcours.shard.messages import Claims
from parcours.shard.peer_requests import Hello, TakePeerMessages
from parcours.shard.requests import (
    ApplyDeadLetters,
    BeginExport,
    DropDeadLetters,
    EndExport,
    ExchangeDeliveries,
    GiveUpClaims,
    Hold,
    Publish,
    ReadExport,
    Release,
    Request,
    ResendDeadLetters,
    TakeBatch,
    decode_answer,
    decode_request,
    encode_answer,
    encode_request,
)
from parcours.testing.faults.chance import between, share
from parcours.testing.faults.injector import Injector
from parcours.testing.faults.loop import OUTSIDE, Process, SimulatedLoop, running_process

T = TypeVar("T")

NAMES: Final[dict[type, str]] = {
    TakeBatch: "take",
    ExchangeDeliveries: "exchange",
    GiveUpClaims: "give up",
    Hold: "hold",
    Publish: "publish",
    Release: "release",
    BeginExport: "export",
    ReadExport: "export",
    EndExport: "export",
    ResendDeadLetters: "resend",
    ApplyDeadLetters: "apply letters",
    DropDeadLetters: "drop letters",
    TakePeerMessages: "peer",
    Hello: "hello",
}


class ShardCopy:
    """A process that owns a shard, or believes that it does; as the actor of a cluster it answers in bytes."""

    def __init__(self, loop: SimulatedLoop, process: Process, let_go: Callable[[ShardCopy], None]) -> None:
        """`let_go` is called when it has closed the shard because that has to be opened again."""
        self._loop = loop
        self._let_go = let_go
        self.process = process
        self.host: ShardHost | None = None

    def receive(self, request: bytes) -> asyncio.Future[bytes]:
        """Carry out a request; the answer comes as long as the process lives."""
        answer: asyncio.Future[bytes] = self._loop.create_future()
        answer.add_done_callback(self._forget, context=OUTSIDE)
        if self.process.is_dead:
            answer.set_exception(ShardUnavailable("the process has ended"))
            return answer
        self.process.calls[answer] = None
        self.process.spawn(self._serve(request, answer))
        return answer

    def _forget(self, answer: asyncio.Future[bytes]) -> None:
        self.process.calls.pop(answer, None)
        if not answer.cancelled():
            answer.exception()  # perhaps nobody waits for it any more

    async def _serve(self, request: bytes, answer: asyncio.Future[bytes]) -> None:
        try:
            if self.host is None:
                raise ShardUnavailable("the shard is not open here")
            result = encode_answer(await decode_request(request).put_to(self.host))
        except (StoreBroken, StoreBusy, ShardStopped) as error:
            await self.close()
            self._tell(answer, ShardUnavailable(f"the shard has to be opened again: {error}"))
        except Exception as error:  # noqa: BLE001  # it is the caller's, as from another process
            self._tell(answer, error)
        else:
            if not answer.done():
                answer.set_result(result)

    def _tell(self, answer: asyncio.Future[bytes], error: Exception) -> None:
        if not answer.done():
            answer.set_exception(error)

    async def close(self) -> None:
        """Let go of the shard: who asks is told so until it is opened again."""
        host, self.host = self.host, None
        if host is not None:
            await host.close()
            self._let_go(self)


class Port:
    """A shard as one caller reaches it: satisfies `ShardPort`.

    current      the copy that is taken for the current one. What an older one still carries out was sent to it before
    left_behind  takes the last request of a caller that has died; whoever calls what is here carries it out
    """

    def __init__(
        self,
        loop: SimulatedLoop,
        seed: int,
        shard: int,
        injector: Injector,
        current: Callable[[], ShardCopy | None],
        left_behind: list[Callable[[], object]],
        end_engine: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._seed = seed
        self._shard = shard
        self._injector = injector
        self._current = current
        self._left_behind = left_behind
        self._end_engine = end_engine

    async def ask(self, request: Request[T], /) -> T:
        name = NAMES.get(type(request), "other")
        how = self._injector.at_call(self._shard, name)
        place = self._seed, name, self._shard, self._injector.reached("call", self._shard, name)
        await asyncio.sleep(between(0.3, 3.0, *place) if how == "slow" else between(0.0001, 0.004, *place))
        copy = self._current()
        if copy is None or how == "request lost":
            await asyncio.sleep(0.05)
            raise ShardUnavailable("the call failed")
        data = encode_request(request)
        if how == "engine dies" and share(*place, "before") < 0.3:
            self._end_engine()
            raise ShardUnavailable("the engine has ended")
        if how == "late":
            self._loop.outside(between(0.01, 2.0, *place, "late"), copy.receive, data)
            raise ShardUnavailable("the call failed, so far")
        if how == "caller dies":
            self._left_behind.append(partial(copy.receive, data))
            raise running_process().die()
        if how == "doubled":
            self._loop.outside(between(0.0, 1.0, *place, "double"), copy.receive, data)
        answer = await copy.receive(data)
        if how == "repeated":
            await asyncio.sleep(between(0.0, 1.0, *place, "repeat"))
            answer = await copy.receive(data)
        if how == "engine dies":
            self._end_engine()
        if how == "answer lost":
            raise ShardUnavailable("the answer was lost")
        await asyncio.sleep(between(0.0001, 0.004, *place, "back"))
        return decode_answer(request, answer)


class Held:
    """What one dispatcher holds, over all of its ports: never more than its channel has places for."""

    def __init__(self, dispatcher: str, most: int, violations: list[str]) -> None:
        self._dispatcher = dispatcher
        self._most = most
        self._violations = violations
        self._keys: set[str] = set()

    def exchanged(self, asked: ExchangeDeliveries, claims: Claims) -> None:
        """A shard has taken receipts and handed deliveries over."""
        self._keys -= {receipt.key for _, receipt in asked.receipts}
        self._keys |= {entry.key for entry in claims.outgoing}
        if len(self._keys) > self._most:
            held = len(self._keys)
            self._violations.append(f"room: {self._dispatcher} holds {held}, and has room for {self._most}")


class DispatcherPort:
    """A dispatcher's way to a shard: satisfies `DeliveryPort`."""

    def __init__(self, port: Port, held: Held) -> None:
        self._port = port
        self._held = held

    async def ask(self, request: ExchangeDeliveries, /) -> Claims:
        claims = await self._port.ask(request)
        self._held.exchanged(request, claims)
        return claims
