"""An engine that stays in its cluster, and its keeper: it is killed, frozen, succeeded, ended."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import ray
from tests.cluster.visits import opened, see, visits
from tests.ingress.served import until

from parcours import Engine
from parcours.config import Settings
from parcours.errors import ShardUnavailable, StoreBusy
from parcours.journey.project import Project
from parcours.journey.starter import write_starter
from parcours.routing.plan import Plan
from parcours.runtime.cluster.actor_port import answer_of
from parcours.runtime.cluster.naming import KEEPER, find, namespace_of
from parcours.runtime.cluster.runtime import ClusterRuntime
from parcours.service.host import Host
from parcours.service.keeper_desk import KeeperDesk
from parcours.store.address import claims_at, prepare
from parcours.store.claims import Held

pytestmark = pytest.mark.ray

PATIENCE_S = 60.0

PAGE = Path(__file__).parents[2] / "engine" / "docs" / "processes.md"


@pytest.fixture
def store(tmp_path: Path, shop: Project) -> Iterator[str]:
    """The address of a store, whose engine is ended after the test."""
    yield f"sqlite:///{tmp_path}/store"
    with suppress(ShardUnavailable):
        Engine.attach("auto", shop).shut_down()


def keeper_process(project: Project) -> int:
    actor = ray.get_actor(KEEPER, namespace_of(project.name))
    return int(asyncio.run(answer_of(actor.process_id.remote())))


def named_actors(project: Project) -> list[str]:
    there = ray.util.list_named_actors(all_namespaces=True)
    return [each["name"] for each in there if each["namespace"] == namespace_of(project.name)]


def answers(engine: Engine) -> bool:
    try:
        engine.journeys()
    except ShardUnavailable:
        return False
    return True


def test_a_killed_keeper_is_started_anew_and_goes_on_with_the_shards_that_are_there(shop: Project, store: str) -> None:
    with opened(shop, store, shards=2) as engine:
        see(engine, 100)
        claims = claims_at(store, 2)
        epoch, shards = claims.keeper().epoch, claims.shards()

        journeys = engine.journeys()
        os.kill(keeper_process(shop), signal.SIGKILL)
        see(engine, 100, first=100)
        until(lambda: claims.keeper().epoch > epoch and answers(engine), "another keeper")

        assert claims.shards() == shards, "nobody has been opened anew"
        assert visits(engine) == 200
        assert engine.journeys() == journeys, "nothing has been published"
        assert engine.close_journey("visits").changes


def test_a_shard_that_was_let_go_of_is_opened_again_by_the_actor_that_is_there(shop: Project, store: str) -> None:
    with opened(shop, store, shards=2) as engine:
        see(engine, 100)
        claims, process = claims_at(store, 2), keeper_process(shop)
        epoch, before = claims.keeper().epoch, claims.shards()

        os.kill(process, signal.SIGSTOP)
        actor: Any = ray.get_actor(str(before[0].actor), namespace_of(shop.name))
        ray.get(actor.close.remote())
        os.kill(process, signal.SIGKILL)
        until(lambda: claims.keeper().epoch > epoch and answers(engine), "another keeper")

        assert [each.actor for each in claims.shards()] == [each.actor for each in before]
        assert [each.epoch for each in claims.shards()] == [before[0].epoch + 1, before[1].epoch]
        assert visits(engine) == 100


def test_a_frozen_keeper_is_ended_by_whoever_waits_for_news(shop: Project, store: str) -> None:
    settings = Settings(actor_silence_ms=2_000)
    with Engine.open(shop, store, shards=1, records=["email"], settings=settings, address="auto") as engine:
        claims, process = claims_at(store, 1), keeper_process(shop)
        epoch = claims.keeper().epoch

        os.kill(process, signal.SIGSTOP)
        see(engine, 100)
        until(lambda: claims.keeper().epoch > epoch and answers(engine), "another keeper")

        assert visits(engine) == 100
        assert not Path(f"/proc/{process}").exists()


def test_a_keeper_takes_over_again_once_whoever_has_taken_over_keeps_nothing(shop: Project, store: str) -> None:
    with opened(shop, store, shards=2) as engine:
        see(engine, 100)
        claims, process = claims_at(store, 2), keeper_process(shop)
        shards = claims.shards()

        other = claims.take_over("host-2, process 8")
        told = [
            "nobody keeps the engine now: host-2, process 8 has taken it over, and is asked elsewhere if it keeps it"
        ]
        until(lambda: engine.troubles() == told, "that it lets go")
        claims.give_up(other)
        until(lambda: answers(engine), "the keeper")

        assert claims.keeper().epoch > other
        assert keeper_process(shop) == process
        assert claims.shards() == shards, "nobody has been opened anew"
        assert visits(engine) == 100
        assert engine.troubles() == []
        assert engine.pause_journey("visits").changes


class NeverOpen(Host):
    """Waits for shards that another keeper has ended."""

    async def start(self, *, publishes: bool = True) -> None:
        await asyncio.Event().wait()


def test_a_keeper_that_is_succeeded_while_it_opens_the_engine_gives_up(shop: Project, store: str) -> None:
    plan = Plan(shop, 1, store, records=("email",))
    prepare(store, shop.name, 1)
    claims, runtime = claims_at(store, 1), ClusterRuntime(plan, stays=True)
    runtime.epoch = claims.take_over("here")

    async def scenario() -> None:
        starting = KeeperDesk(plan)._start(NeverOpen(plan, runtime), runtime, publishes=False)
        claims.take_over("elsewhere")
        async with asyncio.timeout(PATIENCE_S):
            await starting

    with pytest.raises(ShardUnavailable, match="another process has taken it over"):
        asyncio.run(scenario())


class NeverAnswers(Host):
    """Asks shards that another keeper has ended."""

    async def troubles(self) -> list[str]:
        await asyncio.Event().wait()
        raise AssertionError("it never comes")


def test_a_call_that_is_under_way_when_its_keeper_is_succeeded_is_refused(shop: Project, store: str) -> None:
    plan = Plan(shop, 1, store, records=("email",))

    async def scenario() -> None:
        desk, succeeded = KeeperDesk(plan), asyncio.Event()
        desk._host, desk._watching = (
            NeverAnswers(plan, ClusterRuntime(plan, stays=True)),
            asyncio.ensure_future(_until(succeeded)),
        )
        call = asyncio.ensure_future(desk.call("troubles"))
        await asyncio.sleep(0)
        succeeded.set()
        async with asyncio.timeout(PATIENCE_S):
            await call

    with pytest.raises(ShardUnavailable, match="another process has taken it over meanwhile"):
        asyncio.run(scenario())


async def _until(event: asyncio.Event) -> None:
    await event.wait()


def test_whoever_asks_a_keeper_that_was_ended_opens_nothing_anew(shop: Project, store: str) -> None:
    with opened(shop, store) as engine:
        see(engine, 100)
        actor: Any = ray.get_actor(KEEPER, namespace_of(shop.name))
        claims = claims_at(store, 1)
        epoch = claims.keeper().epoch

        ray.get(actor.end.remote())
        with suppress(ShardUnavailable):
            engine.journeys()
        until(lambda: not is_there(shop), "the end of an actor that nobody ends")

    assert claims.keeper().epoch == epoch


def is_there(project: Project) -> bool:
    try:
        find(KEEPER, namespace_of(project.name))
    except ShardUnavailable:
        return False
    return True


def test_it_ends_for_all_when_it_is_shut_down(shop: Project, store: str) -> None:
    first, second = opened(shop, store), Engine.attach("auto", shop)
    first.shut_down()

    with pytest.raises(ShardUnavailable):
        second.journeys()
    assert second.troubles()[0].startswith("nobody keeps the engine now")
    second.close()
    with pytest.raises(ShardUnavailable):
        Engine.attach("auto", shop)


def test_a_store_that_somebody_else_has_is_refused_and_no_actor_is_left(shop: Project, store: str) -> None:
    with Engine.open(shop, store, shards=1, runtime="local", records=["email"]), pytest.raises(StoreBusy):
        opened(shop, store)
    assert claims_at(store, 1).keeper() == Held(1, None), "one attempt, and nobody keeps it"
    until(lambda: not named_actors(shop), "the end of all that it has started")
    with pytest.raises(ShardUnavailable):
        Engine.attach("auto", shop)


def test_the_example_of_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_starter("shop")
    (code,) = re.findall(r"^```python cluster\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)

    exec(compile(code, PAGE.name, "exec"), {})

    assert capsys.readouterr().out == "abandoned-cart\n"
