"""A copy for a campaign's seed survives its shard, and is sent once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from tests.shard.conftest import World, identify

from parcours.channel import Accepted
from parcours.core.fact import CopyReached
from parcours.journey.model.campaign import CampaignDocument
from parcours.journey.model.document import (
    EventsDocument,
    MessageDocument,
    ProfileDocument,
    ProjectDocument,
)
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.shard.campaign_requests import TakeParts

if TYPE_CHECKING:
    from parcours.core.effect import Outgoing

MARION = "marion@luma.example"


def program_with_seeds() -> Program:
    steps = [{"id": "all", "read": {"where": "has(profile.email)"}}, {"id": "mail", "send": "news"}]
    return Project.of(
        ProjectDocument.model_validate({"project": "shop", "policies": {"consent": {"default": "opt_out"}}}),
        ProfileDocument.model_validate({"traits": {"email": "string"}}),
        EventsDocument(),
        messages=[MessageDocument.model_validate({"message": "news", "email": {"subject": "{{ profile.email }}"}})],
        journeys=[],
        campaigns=[CampaignDocument.model_validate({"campaign": "push", "steps": steps, "seeds": [{"email": MARION}]})],
    ).program


@pytest.fixture
def world() -> World:
    world = World(program_with_seeds())
    world.take(identify("u1"))
    return world


def hand_over(world: World, due_in_ms: int = 0, number: int = 0) -> int:
    at = world.now_ms
    seeds: dict[str, tuple[tuple[str, str], ...]] = {"u1": (("email", MARION),)}
    parts = TakeParts("push", 1, 1, "mail", at, number, [("u1", at + due_in_ms, {}, 0)], seeds)
    return world.shard.campaigning.take_parts(parts, at).next


def copies(outgoing: list[Outgoing]) -> list[str]:
    return [each.key for each in outgoing if each.is_copy]


def told(world: World) -> list[tuple[str, str]]:
    return [(fact.to, fact.outcome) for fact in world.facts() if isinstance(fact, CopyReached)]


def nothing(world: World) -> None:
    """It goes on."""


def ends(world: World) -> None:
    """The process ends, and the shard is opened again."""
    world.reopen()


@pytest.mark.parametrize("happens", [nothing, ends])
def test_a_copy_is_there_once_its_slice_is_taken_and_leaves_when_it_is_due(
    world: World, happens: Callable[[World], None]
) -> None:
    assert hand_over(world, due_in_ms=20_000) == 1
    happens(world)
    assert hand_over(world, due_in_ms=20_000) == 1, "a slice that is handed over again is taken once"
    assert world.claim() == []
    world.pass_ms(20_001)
    happens(world)

    leaving = world.claim()

    (key,) = copies(leaving)
    assert sorted(each.to for each in leaving) == [MARION, "u1@shop.example"]
    world.settle(Accepted(key))
    assert told(world) == [(MARION, "sent")]
    happens(world)
    assert copies(world.claim()) == []


def test_a_copy_that_was_under_way_when_the_process_ended_is_not_sent_again(world: World) -> None:
    hand_over(world)
    (key,) = copies(world.claim())

    world.reopen()

    assert told(world) == [(MARION, "unknown")]
    assert copies(world.claim()) == []
    world.settle(Accepted(key))
    assert len(told(world)) == 1


def test_nobody_was_reached_at_the_address_of_a_seed(world: World) -> None:
    hand_over(world)
    leaving = world.claim()

    assert len(leaving) == 2
    reached = {address for record in world.store.records() for _, address, _ in record.reached}
    assert len(reached) == 1, "only the person was"
