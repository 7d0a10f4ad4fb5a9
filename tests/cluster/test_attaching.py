"""An engine that stays in its cluster: who has opened it goes, others are attached to it. One for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import ray
from tests.cluster.visits import opened, see, visits
from tests.ingress.served import until

from parcours import Engine
from parcours.errors import SettingInvalid, ShardUnavailable
from parcours.journey.project import Project
from parcours.runtime.cluster.naming import find, named, namespace_of
from parcours.store.address import claims_at

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, cluster: None, shop: Project) -> Iterator[str]:
    """The address of the store of an engine that is there, and whose opener has gone."""
    del cluster
    address = f"sqlite:///{tmp_path_factory.mktemp('stays')}/store"
    named_already = {"name": named("shard-0", 1, 1), "namespace": namespace_of(shop.name), "lifetime": "detached"}
    options: dict[str, Any] = {"num_cpus": 0, **named_already}
    ray.remote(**options)(Left).remote()
    with opened(shop, address, shards=2) as first:
        see(first, 100)
    yield address
    Engine.attach("auto", shop).shut_down()


class Left:
    """An actor that an engine on another store has left."""


def test_a_name_that_ray_still_has_is_passed_over(shop: Project, store: str) -> None:
    assert claims_at(store, 2).shards()[0].actor == named("shard-0", 1, 2)
    with pytest.raises(ShardUnavailable):
        find(named("shard-0", 1, 1), namespace_of(shop.name))


def test_it_goes_on_without_whoever_has_opened_it(shop: Project, store: str) -> None:
    with Engine.attach("auto", shop) as second, opened(shop, store) as third:
        assert visits(second) == 100
        see(second, 50, first=100)
        see(third, 50, first=150)
        assert visits(second) == visits(third) == 200

    with Engine.attach("auto", shop) as fourth:
        assert visits(fourth) == 200
        assert fourth.troubles() == []
        assert fourth.channel_states() == [], "its channels only record"


def test_what_one_changes_all_know(shop: Project, store: str) -> None:
    with opened(shop, store) as first, Engine.attach("auto", shop) as second:
        assert first.pause_journey("visits").changes
        until(lambda: second.service.ledger.journeys["visits"].state == "paused", "what is published")
        assert {each.journey: each.state for each in second.journeys()}["visits"] == "paused"
        second.resume_journey("visits")
        assert {each.journey: each.state for each in first.journeys()}["visits"] == "open"


def test_another_store_than_that_of_the_engine_is_refused(shop: Project, store: str) -> None:
    with pytest.raises(SettingInvalid, match="has the store .*, and not .*/other"):
        opened(shop, f"{store}/other")
