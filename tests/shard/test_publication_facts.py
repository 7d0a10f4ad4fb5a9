"""The first shard tells which versions of journeys are published, and nobody else does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

from parcours.core.fact import LedgerChanged, Published
from parcours.journey.project import Project
from parcours.journey.publish.ledger import changed, published
from parcours.journey.publish.publications import Publications, candidate_of, source_of

if TYPE_CHECKING:
    from tests.shard.conftest import World

NewShop = Callable[..., Project]
NewWorld = Callable[..., "World"]


def told(world: World) -> list[Published]:
    return [fact for fact in world.facts() if isinstance(fact, Published)]


def publish(world: World, project: Project, by: str = "") -> None:
    before = world.shard.holding().publications
    ledger = published(before.ledger, candidate_of(project), world.now_ms, reopen=True, by=by)
    world.shard.publish(Publications(ledger, {**before.sources, ledger.publication: source_of(project)}))


@pytest.fixture
def world(new_shop: NewShop, new_world: NewWorld) -> World:
    return new_world(project=new_shop())


def test_a_fresh_store_tells_the_versions_that_it_begins_with_once(world: World, new_shop: NewShop) -> None:
    ledger = world.shard.holding().publications.ledger
    (first, *_) = told(world)

    world.reopen()

    newest = ledger.journeys[first.journey].newest
    assert [fact.journey for fact in told(world)] == sorted(ledger.journeys)
    assert (first.at, first.person, first.version, first.digest) == (ledger.at, "", 1, newest.digest)
    journeys = {each.journey: each for each in new_shop().documents.journeys}
    assert type(journeys[first.journey]).model_validate(YAML(typ="safe").load(first.document)) in journeys.values()


def test_a_change_tells_the_versions_that_are_new_by_it(
    world: World, new_shop: NewShop, remind: Mapping[str, object]
) -> None:
    before = len(told(world))
    world.now_ms += 1_000

    publish(world, new_shop({**remind, "description": "Another one."}))
    publish(world, new_shop({**remind, "description": "Another one."}))

    assert [(fact.at, fact.journey, fact.version) for fact in told(world)[before:]] == [(world.now_ms, "remind", 2)]
    assert "description: Another one." in told(world)[-1].document


def test_what_is_no_publication_tells_none(world: World) -> None:
    before = told(world)
    holding = world.shard.holding().publications

    world.shard.publish(Publications(changed(holding.ledger, "pause", "remind", world.now_ms), holding.sources))

    assert told(world) == before


def test_each_change_is_told_with_who_made_it(world: World, new_shop: NewShop, remind: Mapping[str, object]) -> None:
    world.now_ms += 1_000
    publish(world, new_shop({**remind, "description": "Another one."}), by="ada")
    holding = world.shard.holding().publications
    paused = changed(holding.ledger, "pause", "remind", world.now_ms + 1)
    world.shard.publish(Publications(paused, holding.sources))
    world.shard.publish(Publications(paused, holding.sources))  # again, and it is no change

    assert [fact for fact in world.facts() if isinstance(fact, LedgerChanged)] == [
        LedgerChanged(world.now_ms, "", "publish", "", holding.ledger.number, "ada"),
        LedgerChanged(world.now_ms + 1, "", "pause", "remind", holding.ledger.number + 1, ""),
    ]
    assert told(world)[-1].by == "ada"
    assert world.shard.holding().publications.ledger.journeys["remind"].newest.by == "ada"


def test_no_other_shard_tells_any(new_shop: NewShop, new_world: NewWorld, remind: Mapping[str, object]) -> None:
    world = new_world(project=new_shop(), slot=3)
    publish(world, new_shop({**remind, "description": "Another one."}))

    assert told(world) == []
