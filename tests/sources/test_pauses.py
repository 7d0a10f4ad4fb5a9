"""Does nobody read a source while it is paused, whoever has paused it, and whatever is opened again meanwhile?"""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.sources.conftest import beside, bought, carts, is_, reading, source_of, state_of, until, until_taken

from parcours.journey.project import Project
from parcours.service.service import Service
from parcours.shard.resharding import reshard
from parcours.source import Read
from parcours.sources import partition_reader
from parcours.testing.doubles import Log, LogSource


def test_a_source_that_is_paused_reads_nothing_until_it_is_resumed(project: Project) -> None:
    async def backend() -> None:
        log = Log()
        log.append("0", bought("anna", "c1"))
        async with reading(project, "memory:", source_of(log)) as service:
            await until_taken(service, 1)
            await service.pause_source("stream")
            await asyncio.sleep(0.05)  # a reading that is under way comes to its end
            log.append("0", bought("anna", "c2"))
            await asyncio.sleep(0.1)
            state = await state_of(service)
            assert (state.paused, state.partitions[0].state) == (True, "paused")
            assert await carts(service, "anna") == 1

            await service.resume_source("stream")
            await until_taken(service, 2)
            state = await state_of(service)
            assert (state.paused, state.partitions[0].state) == (False, "reading")

    asyncio.run(backend())


def test_a_pause_holds_after_a_restart_and_in_a_store_that_is_shared_out_anew(project: Project, tmp_path: Path) -> None:
    log = Log()
    read: list[int | None] = []

    class Watched(LogSource):
        async def read(self, partition: str, position: int | None, most: int) -> Read:
            read.append(position)
            return await super().read(partition, position, most)

    async def life(store: str, shards: int, *, resumes: bool) -> None:
        log.append("0", bought("anna", f"c{log.end('0') if log.partitions else 0}"))
        async with reading(project, f"sqlite:///{tmp_path}/{store}", Watched(log.settings()), shards=shards) as service:
            await until(lambda: _begun(service), "the partition is begun")
            await asyncio.sleep(0.1)
            state = await state_of(service)
            assert (state.paused, state.partitions[0].state, read) == (True, "paused", [])
            if resumes:
                await service.resume_source("stream")
                await until(lambda: _has(service, log.end("0")), "all is applied")

    async def first() -> None:
        async with reading(project, f"sqlite:///{tmp_path}/store", source_of(log)) as service:
            await service.pause_source("stream")

    asyncio.run(first())
    asyncio.run(life("store", 2, resumes=False))
    reshard(f"sqlite:///{tmp_path}/store", f"sqlite:///{tmp_path}/new", 3)
    asyncio.run(life("new", 3, resumes=True))


async def _begun(service: Service) -> bool:
    return bool((await state_of(service)).partitions)


def test_a_pause_holds_for_another_process_that_reads_and_the_reader_stays_the_reader(project: Project) -> None:
    async def backend() -> None:
        log = Log()
        log.append("0", bought("anna", "c0"))
        async with reading(project, "memory:", source_of(log)) as service, beside(service, source_of(log)) as other:
            await until(lambda: is_(service, "standing by"), "the first one stands by")

            await service.pause_source("stream")
            await until(lambda: _paused(other), "the other one has heard of it")
            await asyncio.sleep(0.05)  # a reading that is under way comes to its end
            log.append("0", bought("anna", "c1"))
            await asyncio.sleep(2 * partition_reader.SILENCE_S)
            assert await carts(service, "anna") == 1
            assert await is_(service, "standing by") and await is_(other, "paused")

            await service.resume_source("stream")
            await until(lambda: _has(service, 2), "the other one reads on")
            assert not await _paused(other)

    asyncio.run(backend())


async def _has(service: Service, number: int) -> bool:
    return await carts(service, "anna") == number


async def _paused(service: Service) -> bool:
    return (await state_of(service)).paused
