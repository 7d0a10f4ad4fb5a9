"""The keeper's actor: one object in a cluster, which outlives whoever has asked for it.

It is called `keeper` in the namespace of its engine, so there is one. Ray starts it anew where its process or its
machine ends, and it goes on by itself then. What lives there, and what may be asked of it, is the business of whoever
puts it there.
"""

from __future__ import annotations

import asyncio
import os
import pickle
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, Protocol

import ray

from parcours.errors import ShardUnavailable
from parcours.runtime.cluster.actor_port import answer_of
from parcours.runtime.cluster.naming import KEEPER, check_connected, find


class Resident(Protocol):
    """What lives in the actor. Arguments and answers of its calls are pickled."""

    async def open(self) -> None:
        """Begin, or go on where an earlier one has ended. It is called again where it has failed."""

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
        self._turn = asyncio.Lock()
        ray.get_runtime_context().current_actor.begin.remote()  # nobody may be there who asks, once Ray starts it anew

    async def begin(self) -> None:
        """Return once it is open. Raises why it is not; whoever asks next tries again."""
        await self._opened()

    async def _opened(self) -> Resident:
        async with self._turn:
            if self._resident is None:
                make: Callable[[], Resident] = pickle.loads(self._made)
                resident = make()
                await resident.open()
                self._resident = resident
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
        """Close what lives here; the actor can be ended then."""
        async with self._turn:
            if self._resident is not None:
                resident, self._resident = self._resident, None
                await resident.close()


class ResidentPort:
    """Asks the resident of a namespace, wherever its actor runs by now."""

    def __init__(self, namespace: str, actor: Any = None) -> None:
        self._namespace = namespace
        self._actor = actor

    async def call(self, name: str, *arguments: Any, **named: Any) -> Any:
        """The answer. Raises what the call raises, ShardUnavailable where nobody answers."""
        actor = await self._found()
        try:
            return pickle.loads(await answer_of(actor.call.remote(name, pickle.dumps((arguments, named)))))
        except ShardUnavailable:
            self._actor = None
            raise

    async def stream(self, name: str, *arguments: Any) -> AsyncGenerator[Any]:
        """The answer piece by piece. Raises as `call`."""
        actor = await self._found()
        pieces = actor.stream.options(num_returns="streaming").remote(name, pickle.dumps(arguments))
        async for piece in pieces:
            yield pickle.loads(await answer_of(piece))

    async def end_process(self) -> None:
        """End the process of an actor that answers nothing; Ray starts it anew. Raises ShardUnavailable."""
        ray.kill(await self._found(), no_restart=False)

    def asked(self, name: str) -> Any:
        """The reference to the pickled answer of a call without arguments, for whoever has no loop to wait on."""
        return find(KEEPER, self._namespace).call.remote(name, pickle.dumps(((), {})))

    async def process_id(self) -> int:
        """The process of the actor."""
        return int(await answer_of((await self._found()).process_id.remote()))

    async def end(self) -> None:
        """Close what lives there, and end its actor."""
        actor = await self._found()
        await answer_of(actor.end.remote())
        ray.kill(actor)

    async def _found(self) -> Any:
        check_connected()
        if self._actor is None:
            self._actor = await asyncio.to_thread(find, KEEPER, self._namespace)
        return self._actor


def put(made: bytes, namespace: str) -> tuple[ResidentPort, bool]:
    """The resident of a namespace; `made` is put there where there is none yet. Whether it has been."""
    try:
        return ResidentPort(namespace, find(KEEPER, namespace)), False
    except ShardUnavailable:
        pass
    options: dict[str, Any] = {
        "name": KEEPER,
        "namespace": namespace,
        "lifetime": "detached",
        "get_if_exists": True,  # two may find none at the same moment
        "num_cpus": 0,
        "max_restarts": -1,
        "max_task_retries": 0,
        "enable_task_events": False,
    }
    return ResidentPort(namespace, ray.remote(**options)(ResidentActor).remote(made)), True
