"""A project is tried out over a store of its own: nothing leaves it, and it leaves nothing behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path

import pytest

from parcours import Project
from parcours.clock import ManualClock
from parcours.config import DAY_MS, HOUR_MS
from parcours.core.fact import Moved
from parcours.examples import EXAMPLES
from parcours.testing.sandbox import RENDERED_MAX, Sandbox

START_MS = 1_772_442_000_000
"""2026-03-02T09:00:00Z"""


def tried(
    project: Project, visit: Callable[[Sandbox], Awaitable[None]], shorten_ms: int | None = 10_000
) -> ManualClock:
    """Let somebody try it out by a clock that stands still."""
    clock = ManualClock(START_MS)

    async def scenario() -> None:
        before = asyncio.all_tasks()
        sandbox = Sandbox(project, shorten_ms, clock=clock)
        await sandbox.start()
        try:
            await visit(sandbox)
        finally:
            await sandbox.close()
        assert asyncio.all_tasks() == before, "nothing goes on after it is closed"

    threads = threading.active_count()
    asyncio.run(scenario())
    assert threading.active_count() == threads
    return clock


async def moves(sandbox: Sandbox, who: str = "sarah") -> list[tuple[str, str | None]]:
    return [(fact.what, fact.step) for fact in await sandbox.service.facts(who) if isinstance(fact, Moved)]


def test_somebody_goes_her_way_as_fast_as_waits_are_let_be_over(luma: Project) -> None:
    async def visit(sandbox: Sandbox) -> None:
        await sandbox.service.identify("sarah", {"email": "sarah@luma.example"})
        await sandbox.service.track("sarah", "Product Added", {"cart": {"total": 80}})
        person = await sandbox.service.profile("sarah")
        assert person is not None and person.next_due == START_MS + 10_000
        assert not sandbox.rendered()

        await sandbox.skip_to(person.next_due)

        (mail,) = sandbox.rendered()
        assert (mail.outgoing.channel, mail.outgoing.to) == ("email", "sarah@luma.example")
        assert mail.said is not None and mail.said["subject"]
        assert ("reached", "opened") in await moves(sandbox)
        assert sandbox.now_ms() == START_MS + 10_001

    clock = tried(luma, visit)

    assert clock.now_ms() == START_MS, "the clock that it goes by stays as it is"


def test_unless_it_is_made_short_it_waits_for_as_long_as_is_written(luma: Project) -> None:
    async def visit(sandbox: Sandbox) -> None:
        await sandbox.service.track("sarah", "Product Added", {"cart": {"total": 80}})
        person = await sandbox.service.profile("sarah")
        assert person is not None and person.next_due == START_MS + HOUR_MS
        await sandbox.skip_to(START_MS + 10 * DAY_MS)
        assert ("reached", "opened") in await moves(sandbox)

    tried(luma, visit, shorten_ms=None)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_can_be_tried_out_and_its_campaigns_stay_out(name: str) -> None:
    project = Project.load(Path(str(files("parcours.examples") / name)))

    async def visit(sandbox: Sandbox) -> None:
        await sandbox.service.identify("sarah", {"email": "sarah@shop.example"})
        await sandbox.skip_to(START_MS + 400 * DAY_MS)
        states = await sandbox.service.journeys()
        assert {each.journey for each in states} == {each.name for each in project.program.journeys}
        assert await sandbox.service.campaigns() == []
        assert await sandbox.service.profile("sarah") is not None

    tried(project, visit)


def test_two_of_one_project_know_nothing_of_each_other(luma: Project) -> None:
    async def visit(sandbox: Sandbox) -> None:
        other = Sandbox(luma, 10_000, clock=ManualClock(START_MS))
        await other.start()
        try:
            await sandbox.service.identify("sarah", {"email": "sarah@luma.example"})
            assert await other.service.profile("sarah") is None
        finally:
            await other.close()

    tried(luma, visit)


def test_of_many_deliveries_the_newest_are_kept(luma: Project) -> None:
    async def visit(sandbox: Sandbox) -> None:
        many = RENDERED_MAX + 20
        for number in range(many):
            await sandbox.service.identify(f"p{number}", {"email": f"p{number}@luma.example"})
            await sandbox.service.track(f"p{number}", "Product Added", {"cart": {"total": 80}})
        await sandbox.skip_to(START_MS + 10_000)
        kept = [each.outgoing.person for each in sandbox.rendered()]
        assert len(kept) == RENDERED_MAX

    tried(luma, visit)
