"""The keeper's actor: one object in a cluster, which outlives whoever has asked for it.

It is called `keeper` in the namespace of its engine, so there is one. Ray starts it anew where its process or its
machine ends, and it goes on by itself then. What lives there, and what may be asked of it, is the business of whoever
puts it there.
"""

from __future__ import annotations

import asyncio
import os
import pickle
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, Final, Protocol, TypeVar

import ray

from parcours.clock import stopwatch_ms
from parcours.errors import ShardUnavailable
from parcours.runtime.cluster.actor_port import answer_of
from parcours.runtime.cluster.naming import KEEPER, check_connected, find
from parcours.runtime.cluster.placing import check_nodes, placed

T = TypeVar("T")

LOOK_EVERY_S: Final = 1.0
"""So often whoever waits for an answer asks whether the actor is there. It answers between the slices of its work."""

SILENCE_S: Final = 5.0
"""How long it may say nothing then: its process, or its machine, is taken for frozen or lost."""

KNOWN_SILENCE_S: Final = 0.5
"""The same for one that has said nothing before: whoever asks next hears so at once."""

BIRTH_S: Final = 60.0
"""The same for one that has never answered: its process has to start, perhaps on a machine that does much else."""


END_S: Final = 3.0
"""So long an actor that has been closed waits for whoever asked for it to end it."""


class Resident(Protocol):
    """What lives in the actor. Arguments and answers of its calls are pickled."""

    async def open(self, *, again: bool) -> None:
        """Begin, or go on with what it has let go of; called before each call, and nothing to do where it is at work.

        again  Ray has started the actor anew, to go on
        It is called once more where it has failed.
        """

    async def call(self, name: str, *arguments: Any, **named: Any) -> Any:
        """What is answered to a call of this name."""

    def stream(self, name: str, *arguments: Any) -> AsyncGenerator[Any]:
        """What is answered to a call of this name, piece by piece."""

    async def close(self) -> None: ...


class ResidentActor:
    """`made` is the pickled function that makes the resident."""

    def __init__(self, made: bytes) -> None:
        self._made = made
        self._resident: Resident | None = None
        self._opening: asyncio.Task[Resident] | None = None
        self._is_ended = False
        self._turn = asyncio.Lock()
        ray.get_runtime_context().current_actor.begin.remote()  # nobody may be there who asks, once Ray starts it anew

    async def begin(self) -> None:
        """Return once it is open. Raises why it is not; whoever asks next tries again, until it has been ended."""
        await self._opened()

    async def _opened(self) -> Resident:
        """What lives here, once it is open. All who ask meanwhile hear what comes of the same attempt."""
        if self._opening is None or self._opening.done():
            self._opening = asyncio.ensure_future(self._open())
        return await asyncio.shield(self._opening)

    async def _open(self) -> Resident:
        async with self._turn:
            if self._is_ended:  # others go on asking until the actor is gone
                raise ShardUnavailable("nobody keeps the engine any more: it has been shut down")
            if self._resident is None:
                make: Callable[[], Resident] = pickle.loads(self._made)
                self._resident = make()
            await self._resident.open(again=ray.get_runtime_context().was_current_actor_reconstructed)
            return self._resident

    async def call(self, name: str, arguments: bytes) -> bytes:
        """The answer to a call, once it is open."""
        resident = await self._opened()
        given, named = pickle.loads(arguments)
        return pickle.dumps(await resident.call(name, *given, **named))

    async def stream(self, name: str, arguments: bytes) -> AsyncGenerator[bytes]:
        """The same for one that is answered piece by piece."""
        resident = await self._opened()
        async with aclosing(resident.stream(name, *pickle.loads(arguments))) as pieces:
            async for piece in pieces:
                yield pickle.dumps(piece)

    async def process_id(self) -> int:
        """The actor's process, for whoever looks after the machine."""
        return os.getpid()

    async def end(self) -> None:
        """Close what lives here, for good. Whoever asks for it ends the actor; it ends by itself where nobody does."""
        async with self._turn:
            self._is_ended = True
            resident, self._resident = self._resident, None
            try:
                if resident is not None:
                    await resident.close()
            finally:
                actor = ray.get_runtime_context().current_actor
                asyncio.get_running_loop().call_later(END_S, ray.kill, actor)


class ResidentPort:
    """Asks the resident of a namespace, wherever its actor runs by now. Lives on one loop.

    An answer may take as long as it takes, while the actor says that it is there.
    """

    def __init__(self, namespace: str, actor: Any = None) -> None:
        self._namespace = namespace
        self._actor = actor
        self._pulse: asyncio.Future[Any] | None = None
        self._pulse_asked_ms = 0.0
        self._silence_s = BIRTH_S
        self._silent_since_ms: float | None = None

    async def call(self, name: str, *arguments: Any, **named: Any) -> Any:
        """The answer. Raises what the call raises, ShardUnavailable where nobody answers.

        One that was asked just before it fell silent may still do what it was asked for.
        """
        actor = await self._found()
        asked = actor.call.remote(name, pickle.dumps((arguments, named)))
        return pickle.loads(await self._answer(actor, answer_of(asked)))

    async def stream(self, name: str, *arguments: Any) -> AsyncGenerator[Any]:
        """The answer piece by piece. Raises as `call`."""
        actor = await self._found()
        pieces = actor.stream.options(num_returns="streaming").remote(name, pickle.dumps(arguments))
        while (piece := await self._answer(actor, _next_of(pieces))) is not None:
            yield pickle.loads(piece)

    async def _answer(self, actor: Any, asked: Coroutine[Any, Any, T]) -> T:
        """What it comes to, while the actor is there."""
        answer, since_ms = asyncio.ensure_future(asked), stopwatch_ms()
        try:
            while not (await asyncio.wait({answer}, timeout=LOOK_EVERY_S))[0]:
                await self._look(actor, answer, since_ms)
            told = answer.result()
            self._silence_s, self._silent_since_ms = SILENCE_S, None
            return told
        except ShardUnavailable:
            self._actor = None
            raise
        finally:
            answer.cancel()

    async def _look(self, actor: Any, answer: asyncio.Future[Any] | None = None, since_ms: float = 0.0) -> None:
        """Return once the actor says that it is there, or there is the answer. One question is under way at a time.

        since_ms  when the answer was asked for: a pulse from before, which fails, may be of a process before
        """
        check_connected()
        pulse = self._pulse
        if pulse is None or pulse.done():  # one that is done tells of a while ago
            pulse = self._pulse = asyncio.ensure_future(answer_of(actor.process_id.remote()))
            pulse.add_done_callback(_heard)
            self._pulse_asked_ms = stopwatch_ms()
        asked_ms = self._pulse_asked_ms
        awaited = {pulse} if answer is None else {pulse, answer}
        done, _ = await asyncio.wait(awaited, timeout=self._silence_s, return_when=asyncio.FIRST_COMPLETED)
        if pulse.done():
            self._silent_since_ms = None
            if answer is not None and pulse.exception() is not None and asked_ms < since_ms:
                return
            pulse.result()
            self._silence_s = SILENCE_S
        elif not done:
            self._silence_s, self._silent_since_ms = KNOWN_SILENCE_S, self._pulse_asked_ms
            raise ShardUnavailable("whoever keeps the engine says nothing: its process is frozen, or its machine away")

    async def end_process(self) -> None:
        """End the process of an actor that answers nothing; Ray starts it anew. Raises ShardUnavailable."""
        ray.kill(await asyncio.to_thread(find, KEEPER, self._namespace), no_restart=False)

    def silent_s(self) -> float:
        """For how long it has said nothing though it was asked; 0 where it answers, or its process is gone."""
        return 0.0 if self._silent_since_ms is None else (stopwatch_ms() - self._silent_since_ms) / 1_000

    def asked(self, name: str) -> Any:
        """The reference to the pickled answer of a call without arguments, for whoever has no loop to wait on."""
        return find(KEEPER, self._namespace).call.remote(name, pickle.dumps(((), {})))

    def asked_process_id(self) -> Any:
        """The reference to the process of the actor, which it tells whatever else it does."""
        return find(KEEPER, self._namespace).process_id.remote()

    async def end(self) -> None:
        """Close what lives there, and end its actor."""
        actor = await self._found()
        await self._answer(actor, answer_of(actor.end.remote()))
        ray.kill(actor)

    async def _found(self) -> Any:
        """The actor; one that has said nothing lately has to say first that it is there."""
        check_connected()
        if self._actor is None:
            self._actor = await asyncio.to_thread(find, KEEPER, self._namespace)
        actor = self._actor
        if self._silence_s == KNOWN_SILENCE_S:
            await self._look(actor)
        return actor


def _heard(pulse: asyncio.Future[Any]) -> None:
    """What goes wrong with it is told by whoever still waits for it."""
    if not pulse.cancelled():
        pulse.exception()


async def _next_of(pieces: Any) -> bytes | None:
    """The next piece of an answer, None at its end."""
    async for piece in pieces:
        return bytes(await answer_of(piece))
    return None


def put(made: bytes, namespace: str, nodes: str) -> tuple[ResidentPort, bool]:
    """The resident of a namespace; `made` is put there where there is none yet. Whether it has been.

    nodes  the label of the nodes on which it may be; empty: on any
    Raises SettingInvalid where there is no such node.
    """
    try:
        return ResidentPort(namespace, find(KEEPER, namespace)), False
    except ShardUnavailable:
        pass
    check_nodes(nodes)
    options: dict[str, Any] = {
        "name": KEEPER,
        "namespace": namespace,
        "lifetime": "detached",
        "get_if_exists": True,  # two may find none at the same moment
        "num_cpus": 0,
        "max_restarts": -1,
        "max_task_retries": 0,
        "enable_task_events": False,
        **placed(nodes),
    }
    return ResidentPort(namespace, ray.remote(**options)(ResidentActor).remote(made)), True
