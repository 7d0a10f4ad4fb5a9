"""Is it told, before a source is read again, what would be applied again, and does just that happen then?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from tests.sources.conftest import beside, bought, carts, reading, source_of, state_of, until, until_taken

from parcours.errors import CallerError, RewindOutdated
from parcours.journey.project import Project
from parcours.service.service import Service
from parcours.service.source_rewinds import PlaceBehind, Rewind
from parcours.source import Read
from parcours.sources import looking_back
from parcours.sources.looking_back import ReadAgain
from parcours.testing.doubles import Log, LogSource

FORGETFUL = {"message_ids_for_ms": 1}
"""No line is recognised that was taken more than a millisecond ago."""


async def again(service: Service, to: PlaceBehind, **more: Any) -> ReadAgain:
    """What would come of it, of one partition."""
    (partition,) = (await service.rewind_source("stream", to, dry=True, **more)).partitions
    assert partition.foreseen is not None
    return partition.foreseen


async def done(service: Service, told: Rewind, to: PlaceBehind) -> None:
    """Do what was told dry."""
    rewound = await service.rewind_source("stream", to, token=told.token)
    assert not rewound.dry and rewound.partitions[0].foreseen is None


def filled(lines: int, partition: str = "0") -> Log:
    log = Log()
    for number in range(lines):
        log.append(partition, bought(f"u{number % 7}", f"{partition}-{number}"), timestamp_ms=1_000 * number)
    return log


def test_what_has_been_taken_lately_is_recognised_and_nothing_is_applied_again(project: Project) -> None:
    async def backend() -> None:
        log = filled(20)
        async with reading(project, "memory:", source_of(log)) as service:
            await until_taken(service, 20)

            told = await service.rewind_source("stream", 5, dry=True)
            assert (told.dry, told.not_here) == (True, 0)
            assert [(each.partition, each.position, each.end) for each in told.partitions] == [("0", 5, 20)]
            assert told.partitions[0].foreseen == ReadAgain(0, 15, 0, 0, True)

            await done(service, told, 5)
            await until(lambda: _counts(service, duplicate=15), "the lines are recognised")
            assert await carts(service, "u0") == 3

    asyncio.run(backend())


def test_what_is_known_no_more_is_applied_again_and_what_is_of_no_use_set_aside(project: Project) -> None:
    async def backend() -> None:
        log = filled(20)
        for value in (None, b"no JSON", b'{"type":"track","event":"Bought"}'):
            log.append("0", value)
        async with reading(project, "memory:", source_of(log), settings=FORGETFUL) as service:
            await until_taken(service, 23)
            before = await carts(service, "u0")

            told = await service.rewind_source("stream", "earliest", dry=True)
            assert told.partitions[0].foreseen == ReadAgain(20, 0, 2, 1, True)
            assert await carts(service, "u0") == before
            outcomes = (await state_of(service)).outcomes
            assert (outcomes["accepted"], outcomes["set_aside"]) == (20, 2)

            await done(service, told, "earliest")
            await until(lambda: _counts(service, accepted=40, set_aside=4, ignored=2), "all is read again")
            assert await carts(service, "u0") == 2 * before

    asyncio.run(backend())


async def _counts(service: Service, **numbers: int) -> bool:
    outcomes = (await state_of(service)).outcomes
    return all(outcomes.get(name, 0) == number for name, number in numbers.items())


def test_a_line_with_a_message_id_is_recognised_wherever_its_person_lives_by_now(project: Project) -> None:
    def call(**said: str) -> bytes:
        return msgspec.json.encode({"type": "track", "event": "Bought", "properties": {"cart": "c"}, **said})

    async def backend() -> None:
        log = Log()
        for number in range(20):
            log.append("0", call(anonymousId=f"visitor-{number}", messageId=f"m{number}"))
        for number in range(20):
            log.append("0", call(type="identify", userId="anna", anonymousId=f"visitor-{number}"))
        async with reading(project, "memory:", source_of(log)) as service:
            await until_taken(service, 40)
            await service.drain(30)
            assert await again(service, 0) == ReadAgain(0, 40, 0, 0, True)

            log.append("0", call(anonymousId="visitor-3", messageId="new"))
            await until_taken(service, 41)
            await service.pause_source("stream")
            told = await service.rewind_source("stream", 0, dry=True)
            await done(service, told, 0)
            await service.resume_source("stream")
            await until(lambda: _counts(service, accepted=41, duplicate=41), "all is recognised")

    asyncio.run(backend())


def test_a_time_is_a_place_behind_where_the_source_can_tell_it(project: Project) -> None:
    class Timeless(LogSource):
        position_at = None  # type: ignore[assignment]  # it cannot tell

    async def backend() -> None:
        log = filled(20)
        async with reading(project, "memory:", source_of(log)) as service:
            await until_taken(service, 20)
            assert (await again(service, datetime.fromtimestamp(15, UTC))).recognised == 5
            with pytest.raises(
                CallerError, match="nothing has been read of 'stream' from there on: 0 has been read to"
            ):
                await again(service, datetime.fromtimestamp(60, UTC))
            with pytest.raises(CallerError, match="a time with a zone"):
                await again(service, datetime.fromtimestamp(60, UTC).replace(tzinfo=None))
            async with beside(service, Timeless(log.settings()), "others") as other:
                await until(lambda: _read(other), "it is read")
                with pytest.raises(CallerError, match="the source 'others' cannot tell where a time is"):
                    await other.rewind_source("others", datetime.fromtimestamp(15, UTC), dry=True)

    asyncio.run(backend())


async def _read(service: Service) -> bool:
    return any(each.state == "reading" for each in (await state_of(service)).partitions)


def test_the_oldest_place_is_the_first_that_the_log_holds(project: Project) -> None:
    async def backend() -> None:
        log = filled(20)
        async with reading(project, "memory:", source_of(log)) as service:
            await until_taken(service, 20)
            log.drop_before("0", 12)
            told = await service.rewind_source("stream", "earliest", dry=True)
            assert told.partitions[0].position == 12
            with pytest.raises(CallerError, match="cannot be read there: the log does not hold position 3; the oldest"):
                await again(service, 3)

    asyncio.run(backend())


def test_all_partitions_go_back_together_and_only_one_to_a_position(project: Project) -> None:
    async def backend() -> None:
        log = filled(10)
        for number in range(5):
            log.append("1", bought("bert", f"1-{number}"))
        async with reading(project, "memory:", source_of(log), settings=FORGETFUL) as service:
            await until_taken(service, 15)
            with pytest.raises(CallerError, match="a position is one of a partition, and stream has 2: say which"):
                await again(service, 3)
            assert await again(service, 3, partition="1") == ReadAgain(2, 0, 0, 0, True)

            told = await service.rewind_source("stream", "earliest", dry=True)
            assert [each.partition for each in told.partitions] == ["0", "1"]
            await done(service, told, "earliest")
            await until(lambda: _counts(service, accepted=30), "both are read again")

    asyncio.run(backend())


class Given(LogSource):
    """Has the partitions that a group gives it, as a consumer of Kafka."""

    given: Sequence[str] = ()

    async def partitions(self) -> list[str]:
        return list(self.given)


def test_partitions_that_another_process_reads_go_back_as_well(project: Project) -> None:
    async def backend() -> None:
        log = filled(10)
        for partition, lines in (("1", 5), ("2", 1)):
            for number in range(lines):
                log.append(partition, bought("bert", f"{partition}-{number}"))
        first, second = Given(log.settings()), Given(log.settings())
        first.given, second.given = ["0"], ["1", "2"]
        async with reading(project, "memory:", first, settings=FORGETFUL) as service, beside(service, second) as other:
            await until_taken(service, 10)
            await until_taken(other, 6)
            second.given = ["1"]
            del log.partitions["2"]

            told = await service.rewind_source("stream", "earliest", dry=True)
            assert [(each.partition, each.end) for each in told.partitions] == [("0", 10), ("1", 5)]
            assert [each.foreseen and each.foreseen.again for each in told.partitions] == [10, 5]
            assert told.not_here == 1

            await done(service, told, "earliest")
            await until(lambda: _counts(other, accepted=11), "the other one reads it again")
            await until(lambda: _counts(service, accepted=20), "and the first one what is its own")

    asyncio.run(backend())


@pytest.mark.parametrize("meanwhile", ["rewound", "published"])
def test_it_is_not_done_if_something_else_has_come_since_it_was_told(meanwhile: str, project: Project) -> None:
    async def backend() -> None:
        log = filled(20)
        async with reading(project, "memory:", source_of(log), settings=FORGETFUL) as service:
            await until_taken(service, 20)
            told = await service.rewind_source("stream", 5, dry=True)
            log.append("0", bought("anna", "new"))
            await until_taken(service, 21)
            assert (await service.rewind_source("stream", 5, dry=True)).token == told.token, "more may be read"

            if meanwhile == "rewound":
                await service.move_source("stream", "0", 21)
                await until(lambda: _read(service), "it is read on")
            else:
                await service.pause_journey("carts")
            with pytest.raises(RewindOutdated):
                await service.rewind_source("stream", 5, token=told.token)
            with pytest.raises(RewindOutdated):
                await service.rewind_source("stream", 6, token=told.token, dry=True)
            assert (await state_of(service)).outcomes["accepted"] == 21

    asyncio.run(backend())


def test_a_token_serves_once_also_where_several_use_it_at_once(project: Project) -> None:
    async def backend() -> None:
        log = filled(20)
        async with reading(project, "memory:", source_of(log)) as service:
            await until_taken(service, 20)
            told = await service.rewind_source("stream", 5, dry=True)

            calls = (service.rewind_source("stream", 5, token=told.token) for _ in range(3))
            became = await asyncio.gather(*calls, return_exceptions=True)

            refused = [each for each in became if isinstance(each, RewindOutdated | CallerError)]
            assert (len(refused), sum(isinstance(each, Rewind) for each in became)) == (2, 1)

    asyncio.run(backend())


def test_of_many_lines_some_stand_for_all(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking_back, "LOOKED_AT_MAX", 200)
    monkeypatch.setattr("parcours.service.source_rewinds.LOOKED_AT_MAX", 200)
    looked: list[int] = []

    class Watched(LogSource):
        async def read(self, partition: str, position: int | None, most: int) -> Read:
            read = await super().read(partition, position, most)
            looked.append(len(read.lines))
            return read

    async def backend() -> None:
        log = filled(2_000)
        for number in range(2_000):
            log.append("0", None if number % 2 else b"no JSON")
        async with reading(project, "memory:", Watched(log.settings()), settings=FORGETFUL) as service:
            await until_taken(service, 4_000)
            await service.pause_source("stream")
            looked.clear()
            told = await again(service, 0)
            assert sum(looked) <= 400 + looking_back.PLACES
            assert not told.is_whole
            assert told.again == pytest.approx(2_000, rel=0.15)
            assert told.set_aside == pytest.approx(1_000, rel=0.15) == told.ignored

    asyncio.run(backend())


def test_what_cannot_be_is_refused_in_words(project: Project) -> None:
    async def backend() -> None:
        log = filled(5)
        async with reading(project, "memory:", source_of(log)) as service:
            await until_taken(service, 5)
            for to, more, words in (
                (5, {}, "nothing has been read of 'stream' from there on: 0 has been read to 5"),
                (-1, {}, "a whole number from 0 on, a time or 'earliest' is expected"),
                ("latest", {}, "a whole number from 0 on, a time or 'earliest' is expected"),
                (1, {"partition": "9"}, "the partition '9' of 'stream' has never been read"),
            ):
                with pytest.raises(CallerError, match=words):
                    await again(service, to, **more)  # type: ignore[arg-type]  # as somebody may write it
            with pytest.raises(CallerError, match="token: that of a dry answer is expected"):
                await service.rewind_source("stream", 1)
            with pytest.raises(CallerError, match="no source 'steam' is read"):
                await service.rewind_source("steam", 1, dry=True)
            with (
                log.away(),
                pytest.raises(CallerError, match="source stream cannot be read there: .* cannot be reached"),
            ):
                await again(service, 1)
            del log.partitions["0"]
            await until(lambda: _nothing(service), "it is read no more")
            with pytest.raises(CallerError, match="source stream cannot be read there: .* has no partition '0'"):
                await again(service, 1, partition="0")
            with pytest.raises(CallerError, match="nothing has been read of 'stream' from there on"):
                await again(service, "earliest")

    asyncio.run(backend())


async def _nothing(service: Service) -> bool:
    return not (await state_of(service)).partitions


def test_a_log_that_takes_a_while_is_looked_into_all_the_same(project: Project) -> None:
    class Slow(LogSource):
        calls = 0

        async def read(self, partition: str, position: int | None, most: int) -> Read:
            self.calls += 1
            await asyncio.sleep(0)
            if self.calls % 3 and position is not None:
                return Read([], position)
            return await super().read(partition, position, min(most, 4))

    async def backend() -> None:
        log = filled(20)
        async with reading(project, "memory:", Slow(log.settings())) as service:
            await until_taken(service, 20)
            await service.pause_source("stream")
            assert (await again(service, 0)).recognised == 20

    asyncio.run(backend())


def test_while_a_look_goes_through_a_partition_nobody_reads_on_in_between(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking_back, "ASKED_AT_ONCE", 2)
    read: list[int | None] = []

    class Watched(LogSource):
        async def read(self, partition: str, position: int | None, most: int) -> Read:
            read.append(position)
            return await super().read(partition, position, most)

    async def backend() -> None:
        log = filled(20)
        async with reading(project, "memory:", Watched(log.settings())) as service:
            await until_taken(service, 20)
            read.clear()
            assert (await again(service, 0)).recognised == 20
            log.append("0", bought("u0", "later"))
            await until_taken(service, 21)

    asyncio.run(backend())
    first = read.index(0)
    assert read[first : first + 10] == [*range(0, 20, 2)]
