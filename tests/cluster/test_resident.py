"""Whoever asks a resident: which of two lives of its actor has a pulse told of?"""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import pytest
from ray.exceptions import RayActorError

from parcours.runtime.cluster import resident
from parcours.runtime.cluster.actor_port import ActorGone
from parcours.runtime.cluster.resident import ResidentPort


class Asked:
    """A method of an actor: what it was asked for is answered when the test says so."""

    def __init__(self) -> None:
        self.references: list[asyncio.Future[Any]] = []

    def remote(self, *_arguments: object) -> asyncio.Future[Any]:
        self.references.append(asyncio.get_running_loop().create_future())
        return self.references[-1]


class Actor:
    def __init__(self) -> None:
        self.call, self.process_id = Asked(), Asked()


def test_a_pulse_from_before_that_fails_says_nothing_of_the_process_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resident, "LOOK_EVERY_S", 0.001)
    monkeypatch.setattr(resident, "check_connected", lambda: None)

    async def scenario() -> None:
        actor = Actor()
        port = ResidentPort("a namespace", actor)
        calls, pulses = actor.call.references, actor.process_id.references

        async def until(number: int) -> None:
            async with asyncio.timeout(60):
                while True:
                    if len(pulses) >= number:
                        return
                    await asyncio.sleep(0.001)

        before = asyncio.ensure_future(port.call("before"))
        await until(1)
        await asyncio.sleep(0.01)
        after = asyncio.ensure_future(port.call("after"))
        await asyncio.sleep(0.01)
        pulses[0].set_exception(RayActorError())
        with pytest.raises(ActorGone):
            await before

        await until(2)
        calls[1].set_result(pickle.dumps("there"))
        assert await after == "there"

    asyncio.run(scenario())
