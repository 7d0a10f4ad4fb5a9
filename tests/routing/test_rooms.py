"""Room by the lanes that a call's lines need, corrections beside the lines, and what is known of a call that fails."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.core.identity import SlotMap
from parcours.errors import Overloaded, ShardUnavailable
from parcours.routing.router import Router
from parcours.service.acknowledgement import LinesTaken

if TYPE_CHECKING:
    from tests.routing.conftest import ScriptedShard

    Run = Callable[[Coroutine[Any, Any, None]], None]
    NewShard = Callable[..., ScriptedShard]
    NewRouter = Callable[..., Router]


def line(number: int, note: str = "") -> bytes:
    return b'{"type":"track","event":"Started","userId":"u%d","note":"%b"}' % (number, note.encode())


def people_of(shard: int, count: int, shards: int = 2) -> list[int]:
    """Numbers of people who live there."""
    return [number for number in range(1_000) if SlotMap(shards).shard(f"u{number}") == shard][:count]


@given(st.lists(st.lists(st.integers(-5, 5) | st.just(0), max_size=5), min_size=1, max_size=8), st.integers(1, 4))
def test_a_correction_stays_beside_its_line(
    run: Run, new_shard: NewShard, new_router: NewRouter, calls: list[list[int]], most: int
) -> None:
    async def scenario() -> None:
        shards = [new_shard() for _ in range(2)]
        router = new_router(*shards, batch_events_max=most, batches_in_flight_max=2)
        expected: dict[bytes, int] = {}
        handed_in = []
        for call, skews in enumerate(calls):
            lines = [line(place, f"{call}") for place in range(len(skews))]
            expected |= zip(lines, skews, strict=True)
            handed_in.append(router.hand_in(lines, router.deal(lines), skews if any(skews) else ()))
        await asyncio.gather(*(taken.done for taken in handed_in))

        batches = [batch for shard in shards for batch in shard.batches]
        arrived = {
            each: skew
            for batch in batches
            for each, skew in zip(batch.lines, batch.skews_ms or [0] * len(batch.lines), strict=True)
        }
        assert arrived == expected
        assert all(any(batch.skews_ms) or not batch.skews_ms for batch in batches), "nothing travels that says nothing"

    run(scenario())


def test_a_full_lane_holds_up_nobody_whose_lines_go_elsewhere(
    run: Run, new_shard: NewShard, new_router: NewRouter
) -> None:
    async def scenario() -> None:
        shards = [new_shard(), new_shard()]
        shards[0].gate.clear()
        router = new_router(*shards, batch_events_max=1, batches_in_flight_max=1)
        full = [line(number) for number in people_of(0, 3)]
        free = [line(number) for number in people_of(1, 2)]
        waiting = router.start(full)

        assert not router.has_room(router.deal(full)) and not router.has_room(router.deal([*free, full[0]]))
        assert (router.waiting_before(router.deal(full)), router.waiting_before(router.deal(free))) == (3, 0)
        await router.room(router.deal(free))
        assert (await router.take(free)).accepted == 2
        shards[0].gate.set()
        await router.room(router.deal(full))
        assert (await waiting).accepted == 3 and router.waiting_lines() == (0, 0)

    run(scenario())


def test_a_shard_that_does_not_answer_is_waited_for_by_those_who_ask_for_that(
    run: Run, new_shard: NewShard, new_router: NewRouter
) -> None:
    async def scenario() -> None:
        shard = new_shard(["unreachable"] * 4)
        router = new_router(shard)
        first = router.start([line(1)])
        await asyncio.sleep(0.1)
        dealt = router.deal([line(2)])

        assert router.has_room(dealt) and not router.has_room(dealt, reachable=True)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(router.room(dealt, reachable=True), 0.3)
        await router.room(dealt, reachable=True)

        assert (await first).accepted == 1

    run(scenario())


def test_an_error_that_ends_all_that_is_under_way_leaves_the_shard_reachable(
    run: Run, new_shard: NewShard, new_router: NewRouter
) -> None:
    async def scenario() -> None:
        router = new_router(new_shard(["unreachable", "broken"]))
        with pytest.raises(ValueError, match="a bug"):
            await router.take([line(1)])

        await router.room(router.deal([line(1)]), reachable=True)

    run(scenario())


def test_a_call_that_fails_can_tell_which_lines_are_durable(
    run: Run, new_shard: NewShard, new_router: NewRouter
) -> None:
    async def scenario() -> None:
        lost, kept = new_shard(), new_shard()
        router = new_router(lost, kept)
        (gone,), (new, again, bad) = people_of(0, 1), people_of(1, 3)
        await router.take([line(gone)])
        lost.forget()
        lines = [line(new), line(gone), line(again, "duplicate"), b"{", line(bad, "bad")]

        taken = router.hand_in(lines, router.deal(lines))
        with pytest.raises(ShardUnavailable):
            await taken.done
        await asyncio.sleep(0)

        assert taken.committed() == [0, 2]
        assert [place for place, _ in sorted(taken.rejected)] == [3, 4]

    run(scenario())


def test_what_is_not_answered_in_time_is_told_apart_from_what_is_durable(
    run: Run, new_shard: NewShard, new_router: NewRouter
) -> None:
    async def scenario() -> None:
        slow, quick = new_shard(), new_shard()
        slow.gate.clear()
        router = new_router(slow, quick)
        lines = [line(number) for shard in range(2) for number in people_of(shard, 2)]
        taken = router.hand_in(lines, router.deal(lines))

        early = await LinesTaken.within(0.1, taken)
        slow.gate.set()
        late = await LinesTaken.within(None, taken)

        assert isinstance(early.failure, ShardUnavailable) and early.committed == [2, 3]
        assert (late.failure, late.accepted, late.committed) == (None, 4, ())

    run(scenario())


def test_an_overload_says_how_many_lines_wait_also_in_another_process() -> None:
    for error, waiting in ((Overloaded("no room", 7), 7), (Overloaded("no room"), 0)):
        arrived = pickle.loads(pickle.dumps(error))
        assert (str(arrived), arrived.waiting_lines) == ("no room", waiting)
    assert str(Overloaded()).startswith("More is handed in")
