"""When does whoever is attached end the process of a keeper? When it has been silent for too long, and once only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from parcours.config import Settings
from parcours.errors import ShardUnavailable
from parcours.journey.project import Project
from parcours.journey.publish.publications import begun
from parcours.journey.starter import write_starter
from parcours.routing.plan import Plan
from parcours.routing.ports import ShardPort
from parcours.service.attached_host import AttachedHost
from parcours.testing.faults.loop import SimulatedLoop

SILENCE_MS = 2_000

WATCHED_S = 30.0
"""Simulated: within this the keeper is asked dozens of times."""


@dataclass
class AwayKeeper:
    """Tells once what is published, and is away from then on.

    silent  for how many seconds it is known to have said nothing; 0 of one whose process is known to be gone
    """

    project: Project
    silent: float
    asked: int = 0
    ended: int = 0

    async def call(self, name: str, *arguments: Any, **named: Any) -> Any:
        del named
        self.asked += 1
        if (name, arguments) != ("news", (None,)):
            raise ShardUnavailable("nobody is there")
        return begun(self.project)

    def stream(self, name: str, *arguments: Any) -> AsyncGenerator[Any]:
        raise AssertionError(f"nobody asks for {name}{arguments} here")

    def silent_s(self) -> float:
        return self.silent

    async def end_process(self) -> None:
        self.ended += 1

    async def end(self) -> None:
        raise AssertionError("nobody ends the engine here")


@dataclass
class Connection:
    """Satisfies `Attachment`."""

    plan: Plan
    keeper: AwayKeeper
    was_running: bool = False
    ports: Sequence[ShardPort] = field(default_factory=list)

    def close(self) -> None:
        """There is nothing to give back."""


@pytest.mark.parametrize(
    ("silent_s", "ended"),
    [
        (2.5, 1),  # frozen: its process is ended once, and the next one has time to begin
        (1.5, 0),  # not for long enough yet
        (0.0, 0),  # its process is gone, or it is there and still taking over
    ],
)
def test_a_keeper_that_is_frozen_is_ended_once_and_one_that_is_coming_is_let_come(
    tmp_path: Path, silent_s: float, ended: int
) -> None:
    write_starter(tmp_path / "shop")
    project = Project.load(tmp_path / "shop")
    keeper = AwayKeeper(project, silent_s)
    plan = Plan(project, 1, "memory:", records=("email", "sms"), settings=Settings(actor_silence_ms=SILENCE_MS))
    loop = SimulatedLoop()

    async def scenario() -> None:
        host = AttachedHost(Connection(plan, keeper), project)
        await host.start()
        await asyncio.sleep(WATCHED_S)
        await host.stop()

    loop.run_until_complete(scenario())
    loop.close()

    assert keeper.asked > 10
    assert keeper.ended == ended
