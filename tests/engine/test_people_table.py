"""Everybody as of one instant, from an engine in this process."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import TypeVar

import pytest
from tests.engine.people_tables import is_of_one_instant, shop, table

from parcours.core.fact import Looked
from parcours.errors import CallerError
from parcours.routing.ports import ShardPort
from parcours.service import people_table
from parcours.service.host import Host
from parcours.service.service import Service
from parcours.shard.messages import Look
from parcours.shard.request import Request
from parcours.shard.requests import AwaitScan, GetHolding

T = TypeVar("T")


async def scans_of(service: Service) -> list[str]:
    return [name for port in service._host.ports for name in (await port.ask(GetHolding())).scans]


async def no_scan(service: Service) -> None:
    async with asyncio.timeout(30):
        while await scans_of(service):  # noqa: ASYNC110  # what is waited for happens in a shard
            await asyncio.sleep(0.01)


def opened(folder: Path) -> Service:
    return Service.open(shop(folder), f"sqlite:///{folder}/store", shards=2, runtime="local")


def test_it_tells_declared_traits_that_are_not_personal_audiences_and_consents(tmp_path: Path) -> None:
    async def look() -> None:
        async with opened(tmp_path) as service:
            await service.identify("anna", {"email": "a@x.example", "city": "Lille", "home": {"rooms": 3}, "other": 1})
            await service.consent("anna", "email", granted=True)
            await service.track(None, "Seen", anonymous_id="v")

            rows = await table(service)

            anna = rows.pop("anna")
            assert anna.traits == {"city": "Lille", "home.rooms": 3}
            assert (anna.audiences, anna.consents) == (["northern"], ["email"])
            visitor = rows.pop("@anonymous/v")
            assert (visitor.traits, visitor.audiences, visitor.consents) == ({}, [], [])
            assert rows == {}
            await no_scan(service)

    asyncio.run(look())


def test_a_visitor_who_has_become_somebody_is_told_once(tmp_path: Path) -> None:
    async def look() -> None:
        async with opened(tmp_path) as service:
            for number in range(10):
                await service.track(None, "Seen", anonymous_id=f"v{number}")
                await service.identify(f"u{number}", {"city": "Lille"}, anonymous_id=f"v{number}")

            assert sorted(await table(service)) == [f"u{number}" for number in range(10)]

    asyncio.run(look())


def test_all_are_of_one_instant_though_everybody_changes(tmp_path: Path) -> None:
    asyncio.run(is_of_one_instant(tmp_path, "local"))


def test_whoever_takes_no_more_rows_leaves_no_scan_behind(tmp_path: Path) -> None:
    async def look() -> None:
        async with opened(tmp_path) as service:
            await service.identify("anna", {"city": "Lille"})
            async with aclosing(service.everybody()) as slices:
                await anext(slices)
                assert len(await scans_of(service)) == 2
            await no_scan(service)
            assert [*await table(service)] == ["anna"]

    asyncio.run(look())


def test_a_scan_that_nobody_collects_ends_when_the_engine_is_opened_again(tmp_path: Path) -> None:
    async def leave() -> None:
        async with opened(tmp_path) as service:
            await service.identify("anna", {"city": "Lille"})
            slices = service.everybody()
            await anext(slices)
            await service.close()
            await slices.aclose()

    async def look() -> None:
        async with opened(tmp_path) as service:
            assert await scans_of(service) == []

    asyncio.run(leave())
    asyncio.run(look())


def test_who_takes_too_long_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people_table, "TAKEN_WITHIN_S", 0.0)

    async def look() -> None:
        async with opened(tmp_path) as service:
            await service.identify("anna", {"city": "Lille"})
            async with aclosing(service.everybody()) as slices:

                async def take() -> None:
                    async for _ in slices:  # the first may be there in time
                        await no_scan(service)

                with pytest.raises(CallerError, match="has to be taken within 0 s"):
                    await take()

    asyncio.run(look())


class LatePort:
    """A shard that is told of scans only when `may_come` is set."""

    def __init__(self, port: ShardPort, asked: asyncio.Event, may_come: asyncio.Event) -> None:
        self._port, self._asked, self._may_come = port, asked, may_come

    async def ask(self, request: Request[T], /) -> T:
        if isinstance(request, AwaitScan):
            self._asked.set()
            await self._may_come.wait()
        return await self._port.ask(request)


def test_who_goes_away_while_shards_stand_still_leaves_none_standing_and_no_scan(tmp_path: Path) -> None:
    async def look() -> None:
        async with opened(tmp_path) as service:
            first, second = service._host.ports
            asked, may_come = asyncio.Event(), asyncio.Event()
            assert isinstance(service._host, Host)
            service._host.people._scans._ports = [first, LatePort(second, asked, may_come)]
            taking = asyncio.ensure_future(table(service))
            await asked.wait()

            taking.cancel()
            await asyncio.wait({taking})
            may_come.set()

            await no_scan(service)
            assert [(await port.ask(GetHolding())).held for port in (first, second)] == [False, False]
            await service.identify("anna", {"city": "Lille"})
            assert [*await table(service)] == ["anna"]

    asyncio.run(look())


def test_who_hangs_keeps_others_no_longer_than_the_time_allows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people_table, "TAKEN_WITHIN_S", 0.2)

    async def look() -> None:
        async with opened(tmp_path) as service:
            await service.identify("anna", {"city": "Lille"})
            async with aclosing(service.everybody()) as hangs:
                await anext(hangs)
                async with asyncio.timeout(60), aclosing(service.everybody()) as slices:
                    assert [row.person for row in await anext(slices)] in ([], ["anna"])

    asyncio.run(look())


def test_that_somebody_has_looked_at_all_of_them_is_a_fact_of_nobody(tmp_path: Path) -> None:
    look = Look("care", "GET /people.ndjson")

    async def ask() -> None:
        async with opened(tmp_path) as service:
            await service.identify("anna", {"city": "Lille"})
            async with aclosing(service.everybody(look=look)) as slices:
                assert [each.person for rows in [rows async for rows in slices] for each in rows] == ["anna"]
            assert not [fact for fact in await service.facts("anna") if isinstance(fact, Looked)]

    asyncio.run(ask())
