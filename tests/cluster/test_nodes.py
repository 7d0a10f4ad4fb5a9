"""Machines of a cluster are lost: what ran there runs elsewhere, and nothing is lost or happens twice."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
import ray
from ray.cluster_utils import Cluster
from segment.analytics.client import Client
from tests.ingress.served import served, until

from parcours import Engine
from parcours.config import Settings
from parcours.errors import SettingInvalid, ShardUnavailable
from parcours.journey.project import Project
from parcours.runtime.cluster.naming import namespace_of
from parcours.runtime.cluster.runtime import ENVIRONMENT, OBJECT_STORE_BYTES
from parcours.store.address import claims_at

pytestmark = pytest.mark.ray

T = TypeVar("T")

PATIENCE_S = 180.0
"""Far more than it takes until a machine is missed and what ran there runs elsewhere."""

MISSED_SOON = {"RAY_health_check_period_ms": "500"}
"""A machine that is gone is missed after five looks, so far apart; a slow one has as long to answer as ever."""

SHARDS = 3

PEOPLE = 30

CLIENT_EVENTS = 1_200

NODE: dict[str, Any] = {"num_cpus": 1, "object_store_memory": OBJECT_STORE_BYTES // 2, "include_dashboard": False}

LABELLED: dict[str, Any] = {**NODE, "labels": {"role": "actors"}}
"""A machine that is for actors; the head is none."""


@pytest.fixture(scope="module", autouse=True)
def cluster(ray_only_in_cluster: None, monkeypatch_module: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A cluster of this module's own; that of the other modules ends before."""
    del ray_only_in_cluster
    ray.shutdown()
    for name, value in (ENVIRONMENT | MISSED_SOON).items():
        monkeypatch_module.setenv(name, value)
    with nodes(2) as cluster:
        yield cluster


@contextmanager
def nodes(others: int) -> Iterator[Cluster]:
    """A cluster of a head and so many machines besides, of which this process is one."""
    cluster = Cluster(initialize_head=True, head_node_args=NODE)
    try:
        for _ in range(others):
            cluster.add_node(**LABELLED)
        ray.init(address=cluster.address, logging_level=logging.ERROR, log_to_driver=False)
        yield cluster
    finally:
        end(cluster)


def end(cluster: Cluster) -> None:
    """All its machines go at once."""
    ray.shutdown()
    cluster.shutdown()  # type: ignore[no-untyped-call]  # Ray has no types for it


@pytest.fixture(scope="module")
def monkeypatch_module() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture
def engine(shop: Project, postgres_address: str) -> Iterator[Engine]:
    """An engine that is attached to its keeper, with its store in PostgreSQL."""
    with opened(shop, postgres_address) as engine:
        yield engine
        with suppress(ShardUnavailable):
            engine.shut_down()


def opened(shop: Project, store: str, nodes: str = "") -> Engine:
    settings = Settings(batch_events_max=50, actor_silence_ms=5_000, actor_nodes=nodes)
    return Engine.open(shop, store, shards=SHARDS, records=["email"], settings=settings, address="auto")


def seen(number: int) -> dict[str, object]:
    return {"type": "track", "userId": f"u{number % PEOPLE}", "event": "Seen", "messageId": f"m{number}"}


def visits(engine: Engine) -> int:
    """How many events have been applied to all people, as soon as all shards answer."""
    found = [answered(partial(engine.profile, f"u{number}")) for number in range(PEOPLE)]
    return sum(0 if each is None else each.counts.get("visits", 0) for each in found)


def node_of(name: str) -> str:
    """The machine on which an actor of this name runs, by Ray's id of it; empty while it runs nowhere."""
    actors = ray._private.state.actors().values()
    return next(
        (str(each["Address"]["NodeID"]) for each in actors if each["Name"] == name and each["State"] == "ALIVE"), ""
    )


def places(project: Project) -> dict[str, str]:
    """The machine of each actor of the engine that is there, by the actor's name."""
    named = ray.util.list_named_actors(all_namespaces=True)
    names = [str(each["name"]) for each in named if each["namespace"] == namespace_of(project.name)]
    return {name: node_of(name) for name in names}


def lose(cluster: Cluster, node: str) -> None:
    """A machine goes at once, with all that runs there; another one comes in its place."""
    there = cluster.list_all_nodes()  # type: ignore[no-untyped-call]  # Ray has no types for it
    lost = next(each for each in there if each.node_id == node)
    cluster.remove_node(lost, allow_graceful=False)
    cluster.add_node(**LABELLED)


def answered(ask: Callable[[], T]) -> T:
    """The answer, as soon as whoever is asked is there."""
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        with suppress(ShardUnavailable):
            return ask()
        time.sleep(0.2)
    raise AssertionError("nobody answers")


def test_no_actor_is_on_a_machine_without_the_label_that_is_asked_for(
    cluster: Cluster, shop: Project, postgres_address: str
) -> None:
    head_node: Any = cluster.head_node
    with pytest.raises(SettingInvalid, match="actor_nodes='role=shards': no node of the Ray cluster is so"):
        opened(shop, postgres_address, "role=shards")
    with opened(shop, postgres_address, "role=actors") as engine:
        found = places(shop)
        engine.shut_down()

    assert {name.partition("@")[0] for name in found} == {"keeper", *(f"shard-{number}" for number in range(SHARDS))}
    assert head_node.node_id not in found.values()
    assert len({node for name, node in found.items() if name.startswith("shard")}) == 2, "they are spread"


def test_the_shards_of_a_lost_machine_serve_elsewhere_and_lose_nothing(
    cluster: Cluster, engine: Engine, postgres_address: str
) -> None:
    claims = claims_at(postgres_address, SHARDS)
    head_node: Any = cluster.head_node
    head = head_node.node_id
    for first in range(0, 2_000, 1_000):
        places = {shard: node_of(held.actor or "") for shard, held in enumerate(claims.shards())}
        lost = next(node for node in places.values() if node not in (head, ""))
        taking = [engine.ingest(map(seen, range(at, at + 100))) for at in range(first, first + 1_000, 100)]
        lose(cluster, lost)

        taken = [each.result(PATIENCE_S) for each in taking]

        assert [each.accepted for each in taken] == [100] * 10
        assert visits(engine) == first + 1_000
        again = engine.ingest(map(seen, range(first, first + 1_000))).result(PATIENCE_S)
        assert (again.accepted, again.duplicate) == (0, 1_000)
        answered(engine.journeys)
        now = [node_of(held.actor or "") for held in claims.shards()]
        assert lost not in now and "" not in now


def test_events_that_a_client_was_told_are_taken_count_once_though_a_machine_is_lost_meanwhile(
    cluster: Cluster, shop_folder: Path, postgres_address: str, tmp_path: Path
) -> None:
    config = tmp_path / "serve.yaml"
    config.write_text("notice_s: 0\n")
    asked = ["--address", cluster.address, "--config", str(config), "--record", "email", "--shards", str(SHARDS)]
    head: Any = cluster.head_node
    with served(shop_folder, postgres_address, *asked, folder=tmp_path, runtime="ray") as door:
        failed: list[Any] = []
        client = Client("any-write-key", host=door.address, on_error=lambda error, _: failed.append(error))
        claims = claims_at(postgres_address, SHARDS)
        lost = next(node for held in claims.shards() if (node := node_of(held.actor or "")) != head.node_id)
        for number in range(CLIENT_EVENTS):
            client.track(f"u{number % PEOPLE}", "Seen", message_id=f"m{number}")
            if number == CLIENT_EVENTS // 2:
                until(lambda: any(each.get("route") == "POST /v1/batch" for each in door.logged()), "a first answer")
                lose(cluster, lost)
        client.shutdown()

        assert failed == []
        with Engine.attach("auto", Project.load(shop_folder)) as engine:
            assert visits(engine) == CLIENT_EVENTS
            answered(engine.shut_down)
        until(lambda: "has been marked dead" in str(door.logged()), "Ray's word of the machine")
        door.process.kill()
        assert door.process.stdout is not None and door.process.stdout.read() == ""


def test_all_comes_back_from_the_store_when_the_head_is_lost(
    cluster: Cluster, shop: Project, postgres_address: str
) -> None:
    """The last one here: without its head a cluster is none any more."""
    engine = opened(shop, postgres_address)
    assert engine.ingest(map(seen, range(500))).result(PATIENCE_S).accepted == 500

    end(cluster)
    with pytest.raises((ShardUnavailable, TimeoutError)):
        engine.ingest(map(seen, range(500, 600))).result(2)
    engine.close()

    with nodes(0), opened(shop, postgres_address) as again:
        assert visits(again) == 500
        assert again.ingest(map(seen, range(1_000))).result(PATIENCE_S).accepted == 500
        again.shut_down()
