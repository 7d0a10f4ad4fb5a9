"""A copy for a campaign's seed survives its shard, and is sent once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from tests.shard.conftest import World, identify
from tests.shard.moving_world import MovingWorld, name_in

from parcours.channel import Accepted
from parcours.config import SECOND_MS
from parcours.core.delivery.delivery_key import is_copy
from parcours.core.fact import CopyReached
from parcours.journey.model.campaign import CampaignDocument
from parcours.journey.model.document import (
    EventsDocument,
    MessageDocument,
    ProfileDocument,
    ProjectDocument,
)
from parcours.journey.project import Project
from parcours.shard.campaign_requests import TakeParts
from parcours.shard.saving import AGAIN

if TYPE_CHECKING:
    from parcours.core.effect import Outgoing

MARION = "marion@luma.example"


def project_with_seeds(history: str = "unused") -> Project:
    steps = [{"id": "all", "read": {"where": "has(profile.email)"}}, {"id": "mail", "send": "news"}]
    policies = {"consent": {"default": "opt_out"}}
    return Project.of(
        ProjectDocument.model_validate({"project": "shop", "policies": policies, "anonymous_history": history}),
        ProfileDocument.model_validate({"traits": {"email": "string"}}),
        EventsDocument(),
        messages=[MessageDocument.model_validate({"message": "news", "email": {"subject": "{{ profile.email }}"}})],
        journeys=[],
        campaigns=[CampaignDocument.model_validate({"campaign": "push", "steps": steps, "seeds": [{"email": MARION}]})],
    )


@pytest.fixture
def world() -> World:
    world = World(project_with_seeds().program)
    world.take(identify("u1"))
    return world


def hand_over(world: World, due_in_ms: int = 0, number: int = 0) -> int:
    at = world.now_ms
    seeds: dict[str, tuple[tuple[str, str], ...]] = {"u1": (("email", MARION),)}
    parts = TakeParts("push", 1, 1, "mail", at, number, [("u1", at + due_in_ms, {}, 0)], seeds)
    return world.shard.campaigning.take_parts(parts, at).next


def copies(outgoing: list[Outgoing]) -> list[str]:
    return [each.key for each in outgoing if each.is_copy]


def told(world: World | MovingWorld) -> list[tuple[str, str]]:
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


# Two people who become one, and live in two shards

ANNA, VISITOR = name_in(0, 2, "anna"), name_in(1, 2, "@anonymous/v")


@pytest.fixture(params=["used", "unused"])
def two(request: pytest.FixtureRequest) -> MovingWorld:
    """A visitor in one shard, and in the other one whom she turns out to be."""
    world = MovingWorld(project_with_seeds(request.param))
    world.identify(ANNA, email="a@shop.example")
    world.say(type="identify", anonymousId=VISITOR.removeprefix("@anonymous/"), traits={"email": "v@shop.example"})
    return world


def take_there(world: MovingWorld, name: str, due_in_ms: int = 0, number: int = 0) -> list[str]:
    """Hand a slice with the part of somebody to the shard where the name is now; the owners whom it names instead."""
    at = world.now_ms
    seeds: dict[str, tuple[tuple[str, str], ...]] = {name: (("email", MARION),)}
    parts = TakeParts("push", 1, 1, "mail", at, number, [(name, at + due_in_ms, {}, 0)], seeds)
    return [each.owner for each in world.shard_of(name).campaigning.take_parts(parts, at).away]


def become_one(world: MovingWorld) -> None:
    world.identify(ANNA, VISITOR)
    world.settle()
    assert world.identity(VISITOR).moved_to == ANNA


def claimed_copies(world: MovingWorld) -> list[tuple[int, int, Outgoing]]:
    return [each for each in world.claim() if each[2].is_copy]


@pytest.mark.parametrize("becomes", ["sent", "tried again", "unknown"])
def test_a_copy_that_is_claimed_over_a_merge_is_answered_for_once(two: MovingWorld, becomes: str) -> None:
    take_there(two, VISITOR)
    (claimed,) = claimed_copies(two)
    become_one(two)
    assert claimed_copies(two) == []

    if becomes == "unknown":
        two.reopen(claimed[0])
    else:
        two.answer(claimed, sent=becomes == "sent")
    two.settle()

    if becomes == "tried again":
        two.pass_ms(400 * SECOND_MS)
        (again,) = claimed_copies(two)
        assert (again[0], again[2].key, again[2].person, again[2].attempt) == (0, claimed[2].key, ANNA, 2)
        two.answer(again)
    assert told(two) == [(MARION, "unknown" if becomes == "unknown" else "sent")]
    two.answer(claimed)
    two.settle()
    for number in range(2):
        two.reopen(number)
    two.pass_ms(400 * SECOND_MS)
    assert claimed_copies(two) == [] and len(told(two)) == 1
    assert not [key for shard in two.each for _, entry in shard._slots.outbox_entries() if is_copy(key := entry.key)]


@pytest.mark.parametrize("due_in_ms", [0, 20_000], ids=["queued", "waiting"])
def test_a_copy_that_was_not_claimed_leaves_where_she_is_then(two: MovingWorld, due_in_ms: int) -> None:
    take_there(two, VISITOR, due_in_ms)
    become_one(two)
    two.pass_ms(due_in_ms + 1)

    (claimed,) = claimed_copies(two)
    assert (claimed[0], claimed[2].person) == (0, ANNA)
    two.answer(claimed)

    assert told(two) == [(MARION, "sent")] and claimed_copies(two) == []


@pytest.mark.parametrize("when", ["waiting", "queued", "claimed", "sent"])
def test_a_slice_that_is_handed_over_again_after_a_merge_makes_no_other_copy(two: MovingWorld, when: str) -> None:
    """Whoever conducts the campaign has come back, does not know what the shard had, and follows her to the other."""
    take_there(two, VISITOR, 20_000 if when == "waiting" else 0)
    claimed = claimed_copies(two) if when in ("claimed", "sent") else []
    if when == "sent":
        two.answer(claimed.pop())
    become_one(two)

    (owner,) = take_there(two, VISITOR)
    assert owner == ANNA
    take_there(two, ANNA, number=AGAIN)

    two.pass_ms(20_001)
    claimed += claimed_copies(two)
    for each in claimed:
        two.answer(each)
    two.settle()
    assert told(two) == [(MARION, "sent")]
