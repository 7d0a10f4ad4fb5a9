"""A project that calls nobody is replaced by one that does: what was opened for calls makes them, the rest says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from parcours.clock import ManualClock
from parcours.errors import PublishRefused
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.routing.plan import Plan
from parcours.runtime.runtimes import open_runtime
from parcours.service.engine import Engine
from parcours.service.journey_control import JourneyControl
from parcours.testing.virtual_project import VirtualProject

if TYPE_CHECKING:
    from tests.engine.conftest import Desk

NewShop = Callable[..., Project]
AskingShop = Callable[[str], Project]

PATIENCE_S = 30.0


@pytest.mark.parametrize("records, asked", [(("email",), 1), (("email", "call"), 0)], ids=["made", "recorded"])
def test_a_first_call_needs_no_other_engine(
    records: tuple[str, ...], asked: int, new_shop: NewShop, asking_shop: AskingShop, desk: Desk
) -> None:
    with Engine.open(new_shop(), "memory:", runtime="local", records=records) as engine:
        engine.publish(asking_shop(desk.url))
        engine.track("anna", "Seen").result(PATIENCE_S)
        engine.drain(PATIENCE_S)

        assert len(desk.asked) == asked
        assert engine.troubles() == []


def test_an_engine_that_cannot_call_says_who_wants_to_and_what_to_do(
    new_shop: NewShop, asking_shop: AskingShop
) -> None:
    # given an engine for mail alone, as it is opened where the library for calls is not installed
    clock, plan = ManualClock(0), Plan(new_shop(), 1, "memory:", records=("email",))

    async def renewed(program: Program) -> None:
        raise AssertionError(f"nothing is published: {program.project}")

    life = JourneyControl(plan.project, plan.records, open_runtime("local", plan, clock), clock, renewed)

    with pytest.raises(PublishRefused) as caught:
        asyncio.run(life.publish(asking_shop("https://desk.example")))

    (reason,) = caught.value.reasons
    assert reason == (
        "outbound calls are made by 'opinion', and the engine was opened without them: open it anew, with the extra "
        "[call] installed or with records=['call']"
    )


def test_under_virtual_time_a_first_call_is_recorded(new_shop: NewShop, asking_shop: AskingShop) -> None:
    with VirtualProject(new_shop()) as shop:
        shop.publish(asking_shop("https://desk.example"))
        shop.track("anna", "Seen", {"page": "p"})
        shop.advance(seconds=1)

        assert [(sent.channel, sent.message, sent.content) for sent in shop.sent(channel="call")] == [
            ("call", "rate", {"page": "p"})
        ]
