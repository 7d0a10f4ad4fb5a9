"""Is a log read to its end, at the pace of the shards, with each line applied once and its troubles told?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from tests.sources.conftest import bought, carts, reading, source_of, state_of, until, until_taken

from parcours.core.input import Input
from parcours.errors import CallerError
from parcours.journey.project import Project
from parcours.service.service import Service
from parcours.shard.inputs import Inputs
from parcours.shard.resharding import reshard
from parcours.shard.work import Work
from parcours.source import Line, Read
from parcours.sources import partition_reader, session
from parcours.sources.lines import as_it_is
from parcours.testing.doubles import Log, LogSource


def test_a_log_is_read_to_its_end_and_on_as_it_grows(project: Project) -> None:
    async def backend() -> None:
        log = Log()
        for number in range(100):
            log.append(str(number % 3), bought("anna", f"c{number}"))
        async with reading(project, "memory:", source_of(log)) as service:
            await until_taken(service, 100)
            log.append("1", bought("bert", "b1"))
            log.append("new", bought("bert", "b2"))
            await until_taken(service, 102)

            state = await state_of(service)
            assert (await carts(service, "anna"), await carts(service, "bert")) == (100, 2)
            assert state.outcomes == {"accepted": 102, "undeclared": 0, "duplicate": 0, "set_aside": 0}
            assert [(each.partition, each.state, each.position, each.lag) for each in state.partitions] == [
                ("0", "reading", 34, 0),
                ("1", "reading", 34, 0),
                ("2", "reading", 33, 0),
                ("new", "reading", 1, 0),
            ]
            assert await service.troubles() == []

    asyncio.run(backend())


def test_a_service_that_is_opened_again_goes_on_where_the_last_one_was(project: Project, tmp_path: Path) -> None:
    async def backend() -> None:
        log, store = Log(), f"sqlite:///{tmp_path}/store"
        read: list[int | None] = []

        class Watched(LogSource):
            async def read(self, partition: str, position: int | None, most: int) -> Read:
                read.append(position)
                return await super().read(partition, position, most)

        for life in range(3):
            for number in range(10):
                log.append("0", bought("anna", f"{life}-{number}"))
            read.clear()
            source = Watched(log.settings())
            async with reading(project, store, source) as service:
                await until_taken(service, 10)
                assert (await state_of(service)).outcomes["accepted"] == 10
                assert await carts(service, "anna") == 10 * (life + 1)
            assert read[0] == (10 * life or None)

    asyncio.run(backend())


def test_nothing_is_lost_and_nothing_repeated_where_the_position_was_not_told(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service ends without a word, again and again."""
    monkeypatch.setattr(session, "TELL_EVERY_S", 3_600)
    monkeypatch.setattr(partition_reader, "SETTLE_WITHIN_S", 0)

    async def backend() -> None:
        log, store = Log(), f"sqlite:///{tmp_path}/store"
        for life in range(5):
            for number in range(20):
                log.append("0", bought(f"u{number % 7}", f"{life}-{number}"))
            async with reading(
                project, store, source_of(log), settings={"batch_events_max": 3, "message_ids_for_ms": 1}
            ) as service:
                await until(partial(_applied, service, 20 * (life + 1)), "all lines are applied")

        async with reading(project, store, source_of(log), settings={"message_ids_for_ms": 1}) as service:
            await until_taken(service, 1)
            assert await _carts_of_all(service) == 100

    asyncio.run(backend())


async def _carts_of_all(service: Service) -> int:
    return sum([await carts(service, f"u{number}") for number in range(7)])


async def _applied(service: Service, lines: int) -> bool:
    return await _carts_of_all(service) == lines


@pytest.mark.parametrize("lines", [50, 400])
def test_a_backup_that_is_made_while_it_reads_goes_on_with_what_it_has_not(
    lines: int, project: Project, tmp_path: Path
) -> None:
    settings = {"batch_events_max": 3, "message_ids_for_ms": 1}

    async def backend() -> None:
        log = Log()
        for number in range(400):
            log.append("0", bought(f"u{number % 7}", f"c{number}"))
        async with reading(project, f"sqlite:///{tmp_path}/store", source_of(log), settings=settings) as service:
            await until_taken(service, lines)
            await service.backup(tmp_path / "backup")

        async with reading(project, f"sqlite:///{tmp_path}/backup", source_of(log), settings=settings) as service:
            await until(lambda: _applied(service, 400), "all lines are applied")
            assert (await state_of(service)).outcomes.get("accepted", 0) <= 400 - lines

    asyncio.run(backend())


def test_a_store_that_is_shared_out_anew_goes_on_where_the_old_one_was(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "TELL_EVERY_S", 3_600)
    monkeypatch.setattr(partition_reader, "SETTLE_WITHIN_S", 0)
    settings = {"batch_events_max": 3, "message_ids_for_ms": 1}

    async def read(store: str, shards: int, lines: int) -> int:
        async with reading(project, store, source_of(log), settings=settings, shards=shards) as service:
            await until_taken(service, lines)
            await until(lambda: _applied(service, log.end("0")), "all lines are applied")
            return (await state_of(service)).outcomes["accepted"]

    log = Log()
    for number in range(100):
        log.append("0", bought(f"u{number % 7}", f"c{number}"))
    assert asyncio.run(read(f"sqlite:///{tmp_path}/old", 2, 100)) == 100

    reshard(f"sqlite:///{tmp_path}/old", f"sqlite:///{tmp_path}/new", 3)
    for number in range(100, 150):
        log.append("0", bought(f"u{number % 7}", f"c{number}"))

    assert asyncio.run(read(f"sqlite:///{tmp_path}/new", 3, 50)) == 50


def test_what_is_of_no_use_goes_aside_and_is_told_and_sent_again(project: Project) -> None:
    async def backend() -> None:
        log = Log()
        values: Sequence[bytes] = (
            b"no JSON",
            b'{"type":"track","event":"Bought"}',
            b"x" * 10_000_000,
            b'{"type":"identify","userId":"anna","traits":[]}',
            b'{"type":"track","userId":"anna","event":"Nobody heard of it"}',
            b"",
            bought("anna", "c"),
        )
        for value in values:
            log.append("0", value)
        async with reading(project, "memory:", source_of(log)) as service:
            await until_taken(service, len(values))
            letters = {letter.reason.partition(": ")[0]: letter for letter in await service.dead_letters()}

            assert (await state_of(service)).outcomes == {
                "accepted": 1, "undeclared": 1, "duplicate": 0, "set_aside": 5,
            }  # fmt: skip
            assert sorted(letters) == [f"stream/0 at offset {offset}" for offset in (0, 1, 2, 3, 5)]
            assert letters["stream/0 at offset 2"].reason.endswith("longer than event_bytes_max=32768")
            assert letters["stream/0 at offset 3"].person == "anna"
            assert all(len(letter.line or b"") <= 32_768 for letter in letters.values())
            assert [each for each in await service.troubles() if "dead letters" in each] != []
            assert await carts(service, "anna") == 1

    asyncio.run(backend())


def test_a_poison_message_goes_aside_and_everybody_else_goes_on(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply = Inputs.apply

    def mistaken(self: Inputs, work: Work, slot: int, person: str, given: Input) -> None:
        if person == "poison":
            raise ZeroDivisionError("a mistake of ours")
        apply(self, work, slot, person, given)

    monkeypatch.setattr(Inputs, "apply", mistaken)

    async def backend() -> None:
        log = Log()
        for number in range(20):
            log.append("0", bought("poison" if number == 7 else "anna", f"c{number}"))
        async with reading(project, f"sqlite:///{tmp_path}/store", source_of(log)) as service:
            await until_taken(service, 20)
            (letter,) = await service.dead_letters()
            assert (letter.person, letter.reason) == ("poison", "ZeroDivisionError: a mistake of ours")
            assert await carts(service, "anna") == 19
            assert (await state_of(service)).partitions[0].position == 20

    asyncio.run(backend())


def test_a_line_whose_value_is_gone_is_passed_over(project: Project) -> None:
    async def backend() -> None:
        log = Log()
        for value in (None, bought("anna", "c"), None):
            log.append("0", value)
        async with reading(project, "memory:", source_of(log)) as service:
            await until_taken(service, 3)
            state = await state_of(service)
            assert (state.outcomes["ignored"], state.outcomes["accepted"]) == (2, 1)
            assert state.partitions[0].position == 3

    asyncio.run(backend())


def test_a_line_without_a_time_has_that_of_the_log() -> None:
    at = 1_700_000_000_123
    plain, own = b'{"type":"track"}', b'{"type":"track","timestamp":"2020-01-01T00:00:00Z"}'

    assert as_it_is(Line(0, plain), "0", {}) == plain
    assert (
        as_it_is(Line(0, plain, timestamp_ms=at), "0", {}) == b'{"type":"track","timestamp":"2023-11-14T22:13:20.123Z"}'
    )
    assert as_it_is(Line(0, own, timestamp_ms=at), "0", {}) == own
    assert as_it_is(Line(0, b"no JSON", timestamp_ms=at), "0", {}) == b"no JSON"
    assert as_it_is(Line(0, b"[]", timestamp_ms=at), "0", {}) == b"[]"


def test_reading_waits_for_the_shards(project: Project) -> None:
    async def backend() -> None:
        log, most = Log(), 0
        for number in range(2_000):
            log.append("0", bought(f"u{number % 50}", f"c{number}"))
        settings = {"batch_events_max": 10, "batches_in_flight_max": 1, "source_lines_max": 40}
        async with reading(project, "memory:", source_of(log), settings=settings) as service:
            while (await state_of(service)).outcomes.get("accepted", 0) < 2_000:
                most = max(most, _under_way(service))
                await asyncio.sleep(0)
        assert 0 < most <= 40

    asyncio.run(backend())


def _under_way(service: Service) -> int:
    readers = [reader for reader, _ in service._pumps["stream"]._readers.values()]
    return sum(reader._session.lines for reader in readers if reader._session is not None)


def test_a_log_that_is_away_is_a_trouble_until_it_is_back(project: Project) -> None:
    async def backend() -> None:
        log = Log()
        log.append("0", bought("anna", "c1"))
        async with reading(project, "memory:", source_of(log)) as service:
            await until_taken(service, 1)
            with log.away():
                await until(lambda: _troubled(service, "cannot be reached"), "the trouble is told")
            log.append("0", bought("anna", "c2"))
            await until_taken(service, 2)
            await until(lambda: _untroubled(service), "the trouble is over")

    asyncio.run(backend())


async def _troubled(service: Service, words: str) -> bool:
    return any(words in trouble and trouble.startswith("source stream") for trouble in await service.troubles())


async def _untroubled(service: Service) -> bool:
    return await service.troubles() == []


def test_a_position_that_is_gone_is_never_taken_for_another_one(project: Project, tmp_path: Path) -> None:
    async def backend() -> None:
        log, store = Log(), f"sqlite:///{tmp_path}/store"
        for number in range(5):
            log.append("0", bought("anna", f"c{number}"))
        async with reading(project, store, source_of(log)) as service:
            await until_taken(service, 5)
        for number in range(5, 10):
            log.append("0", bought("anna", f"c{number}"))
        log.drop_before("0", 8)

        async with reading(project, store, source_of(log)) as service:
            await until(lambda: _troubled(service, "position 5; the oldest that there is: 8"), "the trouble is told")
            assert await carts(service, "anna") == 5
            (partition,) = (await state_of(service)).partitions
            assert partition.state == "waiting"

            await service.move_source("stream", "0", 8)
            await until(lambda: _has(service, "anna", 7), "what is left is applied")
            await until(lambda: _untroubled(service), "the trouble is over")

    asyncio.run(backend())


def test_a_move_to_nowhere_is_refused(project: Project) -> None:
    async def backend() -> None:
        async with reading(project, "memory:", source_of(Log())) as service:
            with pytest.raises(CallerError, match="no shard knows a partition '0' of 'stream'"):
                await service.move_source("stream", "0", 8)
            with pytest.raises(CallerError, match="a whole number from 0 on"):
                await service.move_source("stream", "0", -1)

    asyncio.run(backend())


def test_a_topic_that_vanishes_is_a_trouble_and_goes_on_when_it_is_back(project: Project) -> None:
    class Stubborn(LogSource):
        """Says that it has a partition, whatever the log says."""

        async def partitions(self) -> list[str]:
            return ["0"]

    async def backend() -> None:
        log = Log()
        log.append("0", bought("anna", "c1"))
        source = Stubborn(log.settings())
        async with reading(project, "memory:", source) as service:
            await until_taken(service, 1)
            lines = log.partitions.pop("0")
            await until(lambda: _troubled(service, "has no partition '0'"), "the trouble is told")
            log.partitions["0"] = lines
            log.append("0", bought("anna", "c2"))
            await until_taken(service, 2)
            assert await carts(service, "anna") == 2

    asyncio.run(backend())


def test_a_partition_that_is_not_named_any_more_is_read_no_more(project: Project) -> None:
    async def backend() -> None:
        log = Log()
        log.append("0", bought("anna", "c1"))
        log.append("1", bought("anna", "c2"))
        async with reading(project, "memory:", source_of(log)) as service:
            await until_taken(service, 2)
            del log.partitions["1"]

            async def alone() -> bool:
                return [each.partition for each in (await state_of(service)).partitions] == ["0"]

            await until(alone, "partition 1 is read no more")

    asyncio.run(backend())


async def _has(service: Service, person: str, number: int) -> bool:
    return await carts(service, person) == number


def test_a_source_that_breaks_is_a_trouble_in_words(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(LogSource):
        async def read(self, partition: str, position: int | None, most: int) -> Read:
            raise ZeroDivisionError("a mistake in it")

    async def backend() -> None:
        log = Log()
        log.append("0", bought("anna", "c1"))
        source = Broken(log.settings())
        async with reading(project, "memory:", source) as service:
            await until(lambda: _troubled(service, "ZeroDivisionError: a mistake in it"), "the trouble is told")

    asyncio.run(backend())
    assert "reading stream/0 has failed" in caplog.text


@pytest.mark.parametrize("name", ["", "a/b", "a\nb"])
def test_a_name_that_is_none_is_refused(name: str, project: Project) -> None:
    async def backend() -> None:
        async with reading(project, "memory:", source_of(Log())) as service:
            with pytest.raises(CallerError, match="a source's name is printable"):
                await service.read_source(name, source_of(Log()))

    asyncio.run(backend())


def test_a_source_that_there_is_not_is_refused_with_the_nearest_name(project: Project) -> None:
    async def backend() -> None:
        async with reading(project, "memory:", source_of(Log())) as service:
            with pytest.raises(CallerError, match="a source 'stream' is read already"):
                await service.read_source("stream", source_of(Log()))
            with pytest.raises(CallerError, match="stream"):
                await service.pause_source("steam")

    asyncio.run(backend())
