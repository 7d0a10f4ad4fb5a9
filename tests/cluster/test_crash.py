"""Processes are killed in the middle: nothing acknowledged is lost, nothing happens twice, and the engine goes on."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from parcours.channel import CALL
from parcours.config import Settings
from parcours.core.profile import Profile
from parcours.errors import ShardUnavailable, StoreBroken
from parcours.journey.project import Project
from parcours.journey.publish.publications import Publications
from parcours.routing.change_protocol import carry_out, publishing, settle
from parcours.routing.plan import Plan
from parcours.routing.ports import ShardPort
from parcours.routing.router import Router
from parcours.runtime.cluster.runtime import ClusterRuntime
from parcours.runtime.local import LocalRuntime
from parcours.shard.requests import GetHolding, GetProfile
from parcours.testing.doubles import Hang, SmtpServer

if TYPE_CHECKING:
    from tests.engine.conftest import Desk

PATIENCE_S = 60.0
"""Far longer than Ray takes to start a process anew."""

PEOPLE = 20

NewShop = Callable[..., Project]
AskingShop = Callable[[str], Project]


def seen(person: int, number: int) -> bytes:
    return b'{"type":"track","event":"Seen","userId":"u%d","messageId":"m%d"}' % (person, number)


@asynccontextmanager
async def running(plan: Plan) -> AsyncIterator[tuple[ClusterRuntime, Router]]:
    """The plan on Ray, with a router of its own."""
    runtime = ClusterRuntime(plan)
    try:
        await runtime.start()
        router = Router("router", runtime.ports, plan.project.program, plan.settings)
        yield runtime, router
        await router.close()
    finally:
        await runtime.stop()


async def profile_of(port: ShardPort, person: str) -> Profile | None:
    """The profile, as soon as the shard answers."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return (await port.ask(GetProfile(person))).profile
            except ShardUnavailable:
                await asyncio.sleep(0.05)


async def until_states(port: ShardPort, person: str, states: list[str]) -> None:
    """Wait until the person's deliveries stand like this."""
    found: list[str] = []
    try:
        async with asyncio.timeout(PATIENCE_S):
            while found != states:
                profile = await profile_of(port, person)
                runs = [*profile.runs, *profile.past] if profile else []
                found = [delivery.state for run in runs for delivery in run.deliveries]
    except TimeoutError:
        raise AssertionError(f"the deliveries stayed {found} and did not become {states}") from None


@pytest.mark.ray
def test_a_shard_killed_while_it_takes_events_loses_and_repeats_nothing(tmp_path: Path, new_shop: NewShop) -> None:
    async def scenario() -> None:
        settings = Settings(batch_events_max=50)
        plan = Plan(new_shop(), 1, f"sqlite:///{tmp_path / 'store'}", records=("email",), settings=settings)
        events = [seen(number % PEOPLE, number) for number in range(4_000)]
        async with running(plan) as (runtime, router):
            # given a shard with several batches behind it and many to come
            calls = [router.start(events[start : start + 500]) for start in range(0, len(events), 500)]
            assert (await calls[0]).accepted == 500
            before = (await runtime.process_ids())["shard 0"]

            # when its process is killed
            assert not calls[-1].done()
            os.kill(before, signal.SIGKILL)

            # then every call is answered without anybody's help
            async with asyncio.timeout(PATIENCE_S):
                taken = await asyncio.gather(*calls)
            assert [each.accepted for each in taken] == [500] * len(calls)
            assert (await runtime.process_ids())["shard 0"] != before

            # and each event counts once, also when all come again
            for _ in range(2):
                profiles = [await profile_of(runtime.ports[0], f"u{person}") for person in range(PEOPLE)]
                assert [profile and profile.counts["visits"] for profile in profiles] == [
                    len(events) // PEOPLE
                ] * PEOPLE
                again = await router.take(events)
                assert (again.accepted, again.duplicate) == (0, len(events))

    asyncio.run(scenario())


@pytest.mark.ray
def test_a_shard_that_answers_nothing_is_ended_and_told_of_and_started_anew(
    tmp_path: Path, new_shop: NewShop, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        settings = Settings(actor_silence_ms=5_000)
        plan = Plan(new_shop(), 1, f"sqlite:///{tmp_path / 'store'}", records=("email",), settings=settings)
        async with running(plan) as (runtime, router):
            assert (await router.take([seen(1, 1)])).accepted == 1

            os.kill((await runtime.process_ids())["shard 0"], signal.SIGSTOP)
            taking = router.start([seen(1, 2)])

            told = await until_troubles(runtime, "shard 0: ")
            assert told == "shard 0: no answer within 5 s, so its process is ended"
            async with asyncio.timeout(PATIENCE_S):
                assert (await taking).accepted == 1
            profile = await profile_of(runtime.ports[0], "u1")
            assert profile is not None and profile.counts["visits"] == 2
            assert await until_troubles(runtime, "") == ""

    asyncio.run(scenario())
    assert "shard 0: no answer within 5 s, so its process is ended" in caplog.text


async def until_troubles(runtime: ClusterRuntime, begins: str) -> str:
    """The first trouble that begins so, once there is one; with nothing to begin with, wait until there is none."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            troubles = await runtime.troubles()
            if not begins and not troubles:
                return ""
            told = [trouble for trouble in troubles if begins and trouble.startswith(begins)]
            if told:
                return told[0]
            await asyncio.sleep(0.05)


@pytest.mark.ray
def test_what_a_killed_dispatcher_was_sending_is_ambiguous_and_its_successor_goes_on(
    tmp_path: Path, new_shop: NewShop
) -> None:
    async def scenario(smtp: SmtpServer) -> None:
        server = {"host": smtp.host, "port": smtp.port, "sender": "Shop <shop@shop.example>", "tls": "none"}
        shop = new_shop(email=server)
        plan = Plan(shop, 1, f"sqlite:///{tmp_path / 'store'}", {"email": server})
        async with running(plan) as (runtime, router):
            # given a mail that the server has taken in without a word
            smtp.next("body", Hang())
            await router.take(lines_of("anna"))
            await until_states(runtime.ports[0], "anna", ["claimed"])
            async with asyncio.timeout(PATIENCE_S):
                while not smtp.mailbox:
                    await profile_of(runtime.ports[0], "anna")

            # when the dispatcher's process is killed
            (state,) = await runtime.channel_states()
            assert (state.channel, state.breaker, state.trouble) == ("email", "closed", None)
            os.kill((await runtime.process_ids())["dispatcher email"], signal.SIGKILL)

            # then nobody can say whether it left, it is not sent twice, and the next person's is sent
            await until_states(runtime.ports[0], "anna", ["unknown"])
            await router.take(lines_of("bert"))
            await until_states(runtime.ports[0], "bert", ["sent"])
        assert sorted(mail.to for mail in smtp.mailbox) == ["anna@mail.example", "bert@mail.example"]

    with SmtpServer() as smtp:
        asyncio.run(scenario(smtp))


def lines_of(person: str) -> list[bytes]:
    """Somebody who will be reminded by mail."""
    name = person.encode()
    return [
        b'{"type":"identify","userId":"%b","traits":{"email":"%b@mail.example"}}' % (name, name),
        b'{"type":"track","event":"Started","userId":"%b","properties":{"cart":"c1"}}' % name,
    ]


@pytest.mark.ray
def test_a_shard_whose_store_was_its_memory_says_that_all_is_lost(new_shop: NewShop) -> None:
    async def scenario() -> None:
        plan = Plan(new_shop(), 1, "memory:", records=("email",))
        async with running(plan) as (runtime, router):
            await router.take([seen(1, 1)])
            os.kill((await runtime.process_ids())["shard 0"], signal.SIGKILL)

            with pytest.raises(StoreBroken, match="start again, or use a store on disk"):
                async with asyncio.timeout(PATIENCE_S):
                    await router.take([seen(1, 2)])

    asyncio.run(scenario())


CALLS = {"allowed_networks": ["127.0.0.0/8"]}
"""Calls of this machine are allowed."""


@pytest.mark.ray
def test_a_shard_killed_while_it_holds_still_takes_the_change_and_lets_the_first_calls_leave(
    tmp_path: Path, new_shop: NewShop, asking_shop: AskingShop, desk: Desk
) -> None:
    async def scenario() -> None:
        # given a project that calls nobody, for which nobody waits to make calls
        plan = Plan(new_shop(), 1, f"sqlite:///{tmp_path / 'store'}", {CALL: CALLS}, ("email",))
        async with running(plan) as (runtime, router):
            await router.take([seen(1, 1)])
            assert list(await runtime.process_ids()) == ["shard 0"]
            before = await settle(runtime.ports)

            async def kill(publications: Publications) -> None:
                await runtime.publish(publications)
                os.kill((await runtime.process_ids())["shard 0"], signal.SIGKILL)

            # when one that does is published, and the shard's process ends before it hears of it
            change = publishing(asking_shop(desk.url), reopen=False)
            async with asyncio.timeout(PATIENCE_S):
                after = await carry_out(runtime.ports, before, change, 0, kill, 1)

            # then it has the change, with the time that it was given, and goes on
            async with asyncio.timeout(PATIENCE_S):
                holding = await runtime.ports[0].ask(GetHolding())
                assert (holding.publications.ledger, holding.held) == (after.ledger, False)
                await router.take([seen(1, 2), seen(2, 3)])

            # and it knows who makes its calls
            for person in ("u1", "u2"):
                await until_states(runtime.ports[0], person, ["sent"])
            assert len(desk.asked) == 2
            assert list(await runtime.process_ids()) == ["shard 0", "dispatcher call"]

    asyncio.run(scenario())


@pytest.mark.ray
def test_a_call_that_an_older_version_left_behind_is_made_by_the_next_engine(
    tmp_path: Path, new_shop: NewShop, asking_shop: AskingShop, desk: Desk
) -> None:
    store = f"sqlite:///{tmp_path / 'store'}"

    async def leave_a_call_behind() -> None:
        plan = Plan(asking_shop(desk.url), 1, store, records=("email",))
        local = LocalRuntime(plan)
        await local.start()
        router = Router("router", local.ports, plan.project.program, plan.settings)
        await router.take([seen(1, 1)])
        await router.close()
        change = publishing(new_shop(), reopen=False)
        await carry_out(local.ports, await settle(local.ports), change, 0, local.publish, 1)
        await local.stop()

    async def scenario() -> None:
        # given a call that was not made before a project was published that makes none
        await leave_a_call_behind()
        assert desk.asked == []

        # when that project is opened on Ray
        plan = Plan(new_shop(), 1, store, {CALL: CALLS}, ("email",))
        async with running(plan) as (runtime, _):
            # then somebody is there who makes it
            assert list(await runtime.process_ids()) == ["shard 0", "dispatcher call"]
            await until_states(runtime.ports[0], "u1", ["sent"])
        assert len(desk.asked) == 1

    asyncio.run(scenario())
