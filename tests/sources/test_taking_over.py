"""Of several that read one partition, who is it, what becomes of the others, and what is read twice?"""

from __future__ import annotations

import asyncio

import pytest
from tests.sources.conftest import beside, bought, carts, is_, reading, source_of, state_of, until, until_taken

from parcours.journey.project import Project
from parcours.service.service import Service
from parcours.sources import partition_reader, session
from parcours.testing.doubles import Log


async def until_carts(service: Service, number: int) -> None:
    async def applied() -> bool:
        return await carts(service, "anna") == number

    await until(applied, f"{number} lines are applied")


def test_of_two_readers_of_a_partition_one_stands_by_and_follows_the_other(project: Project) -> None:
    async def backend() -> None:
        log = Log()
        log.append("0", bought("anna", "c0"))
        async with reading(project, "memory:", source_of(log)) as service:
            await until_taken(service, 1)
            async with beside(service, source_of(log)):
                await until(lambda: is_(service, "standing by"), "the first one stands by")
                for number in range(1, 20):
                    log.append("0", bought("anna", f"c{number}"))
                await until_carts(service, 20)
                assert await service.troubles() == []

            log.append("0", bought("anna", "last"))
            await until_carts(service, 21)
            assert await is_(service, "reading")

    asyncio.run(backend())


def test_whoever_takes_over_reads_once_more_what_was_not_told_and_applies_nothing_twice(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one has read all, and tells nobody before the second one begins."""
    monkeypatch.setattr(session, "TELL_EVERY_S", 3_600)
    monkeypatch.setattr(partition_reader, "SILENCE_S", 3_600)

    async def backend() -> None:
        log = Log()
        for number in range(20):
            log.append("0", bought("anna", f"c{number}"))
        async with reading(project, "memory:", source_of(log), settings={"message_ids_for_ms": 1}) as service:
            await until_taken(service, 20)
            async with beside(service, source_of(log)) as other:
                await until_taken(other, 20)
                log.append("0", bought("anna", "last"))
                await until_taken(other, 21)
                await until(lambda: is_(service, "standing by"), "the first one stands by")

                outcomes = [(await state_of(each)).outcomes for each in (service, other)]
                assert [(each["accepted"], each["duplicate"]) for each in outcomes] == [(20, 0), (1, 20)]
                assert await carts(service, "anna") == 21

    asyncio.run(backend())
