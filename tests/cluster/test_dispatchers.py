"""Several dispatchers of one channel share its shards, and none of them is missed longer than its process is away."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import count, islice
from pathlib import Path

import pytest
from tests.cluster.test_crash import PATIENCE_S, lines_of, running, until_states

from parcours.channel import CALL
from parcours.core.identity import shard_of, slot_of
from parcours.errors import SettingInvalid
from parcours.journey.project import Project
from parcours.routing.plan import Plan
from parcours.runtime.cluster.dispatchers import Dispatchers, Share, shares_of
from parcours.runtime.cluster.runtime import ClusterRuntime
from parcours.testing.doubles import Hang, SmtpServer

NewShop = Callable[..., Project]


@pytest.fixture
def plan(shop: Project) -> Plan:
    """Nobody starts it."""
    return Plan(shop, 4, "memory:")


def shares(plan: Plan, settings: Mapping[str, object], channel: str = "email") -> list[Share]:
    return shares_of(replace(plan, channels={channel: settings}))[channel]


@pytest.mark.parametrize("channel", ["email", CALL])
def test_the_shards_are_dealt_out_among_the_dispatchers(plan: Plan, channel: str) -> None:
    several = shares(plan, {"dispatchers": 3}, channel)

    assert [list(share.shards(5)) for share in several] == [[0, 3], [1, 4], [2]]
    assert [share.part(5) for share in several] == [0.4, 0.4, 0.2]


def test_one_alone_has_the_channel_s_name_and_several_are_numbered(plan: Plan) -> None:
    assert list(map(str, shares(plan, {}))) == ["email"]
    assert list(map(str, shares(plan, {"dispatchers": 2}))) == ["email.0", "email.1"]


def test_a_shard_wakes_the_one_that_has_its_share(plan: Plan, shop: Project) -> None:
    email, call = {"dispatchers": 2}, {"dispatchers": 3}
    dispatchers = Dispatchers(replace(plan, channels={"email": email, CALL: call}))

    missing = dispatchers.missing(shop.program)
    dispatchers.actors |= {share: str(share) for share in missing}

    assert [dispatchers.of_shard(number) for number in range(4)] == 2 * [{"email": "email.0"}, {"email": "email.1"}]
    assert dispatchers.missing(shop.program) == [], "nothing that is published calls out"


def test_no_more_are_started_than_there_are_shards_which_is_said(plan: Plan, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "parcours"):
        assert len(shares(plan, {"dispatchers": 4})) == 4
        assert caplog.messages == []
        assert len(shares(plan, {"dispatchers": 6})) == 4

    assert caplog.messages == ["channels.email.dispatchers=6: no more than one for each shard is started, shards=4"]


def test_under_virtual_time_there_is_one(plan: Plan, caplog: pytest.LogCaptureFixture) -> None:
    assert shares(replace(plan, virtual=True), {"dispatchers": 6}) == [Share("email", 0, 1)]
    assert caplog.messages == []


def test_a_number_that_is_none_opens_no_engine(plan: Plan) -> None:
    with pytest.raises(SettingInvalid, match=r"channels\.email\.dispatchers: a whole number from 1 to 64 is expected"):
        shares(plan, {"dispatchers": 0})


def people_of(shard: int, shards: int, number: int) -> list[str]:
    """So many people who live in this shard."""
    names = (f"u{each}" for each in count())
    return list(islice((name for name in names if shard_of(slot_of(name), shards) == shard), number))


async def until(runtime: ClusterRuntime, wanted: Mapping[str, str]) -> None:
    """Wait until the one delivery of each of these people stands like this."""
    for person, state in wanted.items():
        await until_states(runtime.ports[shard_of(slot_of(person), 2)], person, [state])


def reminded(people: Iterable[str]) -> list[bytes]:
    """They will be reminded by mail."""
    return [line for person in people for line in lines_of(person)]


@pytest.mark.ray
def test_each_sends_for_its_own_shards_and_one_that_is_killed_holds_up_nobody_else(
    tmp_path: Path, new_shop: NewShop
) -> None:
    async def scenario(smtp: SmtpServer) -> None:
        server = {"host": smtp.host, "port": smtp.port, "sender": "Shop <shop@shop.example>", "tls": "none"}
        settings = {**server, "connections_max": 1, "dispatchers": 2}
        plan = Plan(new_shop(email=settings), 2, f"sqlite:///{tmp_path / 'store'}", {"email": settings})
        first, waiting = people_of(0, 2, 2)
        others = people_of(1, 2, 3)
        async with running(plan) as (runtime, router):
            # given a dispatcher for each shard, of which one can send no more: its mail is taken in without a word
            before = await runtime.process_ids()
            assert list(before) == ["shard 0", "shard 1", "dispatcher email.0", "dispatcher email.1"]
            smtp.next("body", Hang())
            await router.take(reminded([first]))
            await until(runtime, {first: "claimed"})
            await taken_in(smtp, 1)

            # when people of both shards are reminded, then those of the other shard alone have their mails
            await router.take(reminded([waiting, *others]))
            await until(runtime, {first: "claimed", **dict.fromkeys(others, "sent"), waiting: "queued"})
            (state,) = await runtime.channel_states()
            assert (state.channel, state.breaker, state.trouble) == ("email", "closed", None)

            # and when the process of the first one is killed, only what it was sending is in doubt
            os.kill(before["dispatcher email.0"], signal.SIGKILL)
            await until(runtime, {first: "unknown", waiting: "sent"})
            after = await runtime.process_ids()
            assert {name for name in after if after[name] != before[name]} == {"dispatcher email.0"}
        assert sorted(mail.to for mail in smtp.mailbox) == addresses([first, waiting, *others]), "each has one"

    with SmtpServer() as smtp:
        asyncio.run(scenario(smtp))


async def taken_in(smtp: SmtpServer, mails: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while len(smtp.mailbox) < mails:  # noqa: ASYNC110  # there is no event for it
            await asyncio.sleep(0.02)


def addresses(people: Iterable[str]) -> list[str]:
    return sorted(f"{person}@mail.example" for person in people)


@pytest.mark.ray
def test_what_is_kept_back_is_kept_back_by_all_of_them(tmp_path: Path, new_shop: NewShop) -> None:
    async def scenario(smtp: SmtpServer) -> None:
        server = {"host": smtp.host, "port": smtp.port, "sender": "Shop <shop@shop.example>", "tls": "none"}
        settings = {**server, "dispatchers": 2}
        plan = Plan(new_shop(email=settings), 2, f"sqlite:///{tmp_path / 'store'}", {"email": settings})
        people = [*people_of(0, 2, 1), *people_of(1, 2, 1)]
        async with running(plan) as (runtime, router):
            # given a journey that is about to be stopped
            await runtime.keep_back("cart")
            await router.take(reminded(people))
            await until(runtime, dict.fromkeys(people, "claimed"))
            assert smtp.mailbox == []

            # when it goes on after all
            await runtime.let_go("cart")

            # then all have their mails
            await until(runtime, dict.fromkeys(people, "sent"))
        assert sorted(mail.to for mail in smtp.mailbox) == addresses(people)

    with SmtpServer() as smtp:
        asyncio.run(scenario(smtp))
