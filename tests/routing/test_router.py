"""Does every line get to its shard exactly once, and does every call hear what became of its lines?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.config import Settings
from parcours.core.identity import SlotMap, slot_of
from parcours.errors import Overloaded, ShardUnavailable, StoreBroken
from parcours.routing.lane import LISTENING_ROUNDS_MAX
from parcours.routing.router import UNREAD, Router
from parcours.routing.taken import Taken

if TYPE_CHECKING:
    from tests.routing.conftest import Fault, ScriptedShard

    Run = Callable[[Coroutine[Any, Any, None]], None]
    NewShard = Callable[..., ScriptedShard]
    NewRouter = Callable[..., Router]


def line(number: int, note: str = "") -> bytes:
    return b'{"type":"track","event":"Started","userId":"u%d","note":"%b"}' % (number, note.encode())


def counts(taken: Taken) -> tuple[int, int, list[tuple[int, str]]]:
    return taken.accepted, taken.duplicate, taken.rejected


def test_lines_go_to_the_shard_of_their_person(run: Run, new_shard: NewShard, new_router: NewRouter) -> None:
    async def scenario() -> None:
        shards = [new_shard() for _ in range(3)]
        lines = [line(number) for number in range(50)]

        await new_router(*shards).take(lines)

        for number in range(50):
            owner = SlotMap(3).shard(f"u{number}")
            assert [shard for shard in range(3) if line(number) in dict(shards[shard].applied).values()] == [owner]

    run(scenario())


def test_whoever_lives_elsewhere_gets_her_lines_there_whatever_slot_is_said_of_them(
    run: Run, new_shard: NewShard, new_router: NewRouter
) -> None:
    async def scenario() -> None:
        shards = [new_shard() for _ in range(3)]
        lines = [line(number) for number in range(50)]
        slots = [UNREAD if number % 5 == 0 else slot_of(f"u{number}") for number in range(50)]
        homes = {f"u{number}": 3 * number for number in range(0, 50, 4)}

        await new_router(*shards, slot_map=SlotMap(3, homes)).start(lines, slots)

        for number in range(50):
            owner = SlotMap(3).owner(homes.get(f"u{number}", slot_of(f"u{number}")))
            assert [shard for shard in range(3) if line(number) in dict(shards[shard].applied).values()] == [owner]

    run(scenario())


def test_the_time_of_each_recorded_line_goes_along_with_it(
    run: Run, new_shard: NewShard, new_router: NewRouter
) -> None:
    async def scenario() -> None:
        shards = [new_shard() for _ in range(3)]
        lines = [b"rubbish" if number == 20 else line(number) for number in range(50)]
        times = [1_000 + number for number in range(50)]

        await new_router(*shards, batch_events_max=4).start(lines, times=times)

        batches = [batch for shard in shards for batch in shard.batches]
        given = [pair for batch in batches for pair in zip(batch.times, batch.lines, strict=True)]
        assert sorted(given) == [pair for pair in zip(times, lines, strict=True) if pair[1] != b"rubbish"]

    run(scenario())


def test_batches_are_no_longer_than_allowed_but_for_a_single_line(
    run: Run, new_shard: NewShard, new_router: NewRouter
) -> None:
    async def scenario() -> None:
        shard = new_shard()
        lines = [line(number, "x" * (500 if number == 4 else 10)) for number in range(9)]
        router = new_router(shard, batch_bytes_max=3 * len(lines[0]), batches_in_flight_max=2)

        taken = router.start(lines)
        assert not router.has_room(), "what waits is bounded by its length, too"
        await taken

        assert [len(batch.lines) for batch in shard.batches] == [3, 1, 1, 3, 1]
        assert [each for batch in shard.batches for each in batch.lines] == lines
        assert router.has_room()

    run(scenario())


def test_batches_are_no_larger_and_no_more_than_allowed(run: Run, new_shard: NewShard, new_router: NewRouter) -> None:
    async def scenario() -> None:
        shard = new_shard(["slow"] * 20)

        await new_router(shard, batch_events_max=3, batches_in_flight_max=2).take([line(n) for n in range(20)])

        assert shard.most_under_way == 2
        assert [len(batch.lines) for batch in shard.batches] == [3] * 6 + [2]
        assert [batch.number for batch in shard.batches] == list(range(1, 8))

    run(scenario())


def test_a_line_leaves_at_once_if_none_is_under_way_and_what_comes_meanwhile_shares_the_next_batch(
    run: Run, new_shard: NewShard, new_router: NewRouter
) -> None:
    async def scenario() -> None:
        shard = new_shard()
        shard.gate.clear()
        router = new_router(shard, batches_in_flight_max=2)

        futures = [router.start([line(n)]) for n in range(4)]
        await asyncio.sleep(0)
        assert shard.under_way == 1
        shard.gate.set()
        await asyncio.gather(*futures)

        assert [len(batch.lines) for batch in shard.batches] == [1, 3]

    run(scenario())


def test_full_batches_leave_beside_others_while_there_is_credit(
    run: Run, new_shard: NewShard, new_router: NewRouter
) -> None:
    async def scenario() -> None:
        shard = new_shard()
        shard.gate.clear()
        router = new_router(shard, batches_in_flight_max=3, batch_events_max=2)

        futures = [router.start([line(n)]) for n in range(8)]
        await asyncio.sleep(0)
        assert shard.under_way == 3, "the first line, and two that are full by now"
        shard.gate.set()
        await asyncio.gather(*futures)

        assert [len(batch.lines) for batch in shard.batches] == [1, 2, 2, 2, 1]

    run(scenario())


def test_what_arrives_while_a_shard_holds_up_the_loop_shares_the_next_commit(
    run: Run, new_shard: NewShard, new_router: NewRouter
) -> None:
    async def scenario() -> None:
        shard = new_shard()
        router = new_router(shard, shares_loop=True)

        async def caller(number: int) -> None:
            for call in range(4):
                await router.take([line(number * 10 + call)])

        await asyncio.gather(*(caller(number) for number in range(50)))

        assert [len(batch.lines) for batch in shard.batches] == [50] * 4

    run(scenario())


def test_callers_whom_the_loop_hears_one_after_the_other_share_a_commit(
    run: Run, new_shard: NewShard, new_router: NewRouter
) -> None:
    async def scenario() -> None:
        shard = new_shard()
        router = new_router(shard, shares_loop=True)

        async def caller(number: int) -> None:
            for _ in range(number):
                await asyncio.sleep(0)
            await router.take([line(number)])

        await asyncio.gather(*(caller(number) for number in range(10)))

        assert [len(batch.lines) for batch in shard.batches] == [10]

    run(scenario())


async def spoken_until_answered(router: Router) -> int:
    """How many lines come, one in each round of the loop, until the first one is answered."""
    first = router.start([line(0)])
    spoken = 0
    while not first.done():
        spoken += 1
        router.start([line(spoken)])
        await asyncio.sleep(0)
    return spoken


def test_a_batch_leaves_though_callers_go_on_speaking(run: Run, new_shard: NewShard, new_router: NewRouter) -> None:
    async def scenario() -> None:
        assert await spoken_until_answered(new_router(new_shard(), shares_loop=True)) < 2 * LISTENING_ROUNDS_MAX

    run(scenario())


def test_a_batch_leaves_after_the_first_round_of_a_loop_that_is_busy(
    run: Run, new_shard: NewShard, new_router: NewRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("parcours.routing.lane.LISTENING_MAX_S", 0.0)  # any round takes longer

    async def scenario() -> None:
        shard = new_shard()
        await spoken_until_answered(new_router(shard, shares_loop=True))
        assert len(shard.batches[0].lines) <= 2

    run(scenario())


def test_a_lane_that_has_not_loaded_yet_is_full_all_the_same(
    run: Run, new_shard: NewShard, new_router: NewRouter
) -> None:
    async def scenario() -> None:
        router = new_router(new_shard(), shares_loop=True, batch_events_max=2, batches_in_flight_max=2)

        futures = [router.start([line(number)]) for number in range(4)]
        assert not router.has_room() and not router.is_idle()
        await asyncio.gather(*futures)

        assert router.has_room() and router.is_idle()

    run(scenario())


def test_a_batch_whose_answer_stays_out_is_never_left_so_far_behind_that_it_is_forgotten(
    run: Run, new_shard: NewShard, new_router: NewRouter
) -> None:
    async def scenario() -> None:
        # given a first batch that is taken, whose answer gets lost after a while, and quick ones behind it
        shard = new_shard(["lost late"], Settings(batches_in_flight_max=3))
        router = new_router(shard, batch_events_max=1, batches_in_flight_max=3)

        await router.take([line(n) for n in range(30)])

        assert [text for _, text in shard.applied] == [line(n) for n in range(30)]

    run(scenario())


FAULTS: st.SearchStrategy[Fault] = st.sampled_from(["fine", "fine", "unreachable", "answer lost", "lost late", "slow"])


@given(
    st.lists(st.lists(FAULTS, max_size=12), min_size=2, max_size=2),
    st.lists(st.integers(0, 9), min_size=1, max_size=5),
    st.integers(1, 4),
    st.integers(1, 4),
)
def test_no_line_is_lost_or_applied_twice_whatever_fails(
    run: Run,
    new_shard: NewShard,
    new_router: NewRouter,
    scripts: list[list[Fault]],
    calls: list[int],
    batch_events_max: int,
    in_flight: int,
) -> None:
    async def scenario() -> None:
        router_settings = {"batch_events_max": batch_events_max, "batches_in_flight_max": in_flight}
        shards = [new_shard(script, Settings.model_validate(router_settings)) for script in scripts]
        router = new_router(*shards, **router_settings)
        texts = [line(number) for number in range(sum(calls))]
        starts = [sum(calls[:place]) for place in range(len(calls))]

        futures = [router.start(texts[start : start + size]) for start, size in zip(starts, calls, strict=True)]
        outcomes = await asyncio.gather(*futures)

        assert [taken.accepted for taken in outcomes] == calls
        assert sorted(text for shard in shards for _, text in shard.applied) == sorted(texts)
        for shard in shards:
            numbers = [number for number, _ in shard.applied]
            assert numbers == sorted(numbers), "and they keep their order"
        assert router.is_idle()

    run(scenario())


def test_calls_that_share_a_batch_hear_of_their_own_lines_only(
    run: Run, new_shard: NewShard, new_router: NewRouter
) -> None:
    async def scenario() -> None:
        shard = new_shard()
        shard.gate.clear()
        router = new_router(shard, batches_in_flight_max=1)
        first = router.start([line(0)])  # takes the only credit, so that the others share a batch
        second = router.start([line(1), line(2, "duplicate"), line(3, "bad")])
        third = router.start([b"rubbish", line(4, "bad"), line(5)])
        fourth = router.start([line(6, "undeclared")])

        shard.gate.set()
        taken = await asyncio.gather(first, second, third, fourth)
        outcomes = [counts(each) for each in taken]

        assert len(shard.batches) == 2
        assert [each.undeclared for each in taken] == [0, 0, 0, 1]
        assert [each.repeated for each in taken] == [[], [1], [], []]
        assert outcomes[0] == (1, 0, [])
        assert outcomes[1] == (1, 1, [(2, "bad")])
        assert outcomes[2][:2] == (1, 0)
        assert [place for place, _ in outcomes[2][2]] == [0, 1]
        assert outcomes[3] == (1, 0, [])

    run(scenario())


def test_a_call_spread_over_batches_and_shards_is_answered_once_all_of_it_is(
    run: Run, new_shard: NewShard, new_router: NewRouter
) -> None:
    async def scenario() -> None:
        shards = [new_shard(["slow"]), new_shard()]
        lines = [line(n, "bad" if n % 5 == 0 else "duplicate" if n % 5 == 1 else "") for n in range(25)]

        taken = await new_router(*shards, batch_events_max=2).take(lines)

        assert counts(taken) == (15, 5, [(n, "bad") for n in range(0, 25, 5)])

    run(scenario())


def test_a_call_without_lines_and_one_of_rubbish_are_answered_too(
    run: Run, new_shard: NewShard, new_router: NewRouter
) -> None:
    async def scenario() -> None:
        router = new_router(new_shard())

        assert counts(await router.take([])) == (0, 0, [])
        assert [place for place, _ in (await router.take([b"{", b"[]", b"1"])).rejected] == [0, 1, 2]

    run(scenario())


def test_whoever_feeds_it_is_held_back_and_let_in_one_by_one(
    run: Run, new_shard: NewShard, new_router: NewRouter
) -> None:
    async def scenario() -> None:
        shard = new_shard()
        shard.gate.clear()
        router = new_router(shard, batch_events_max=1, batches_in_flight_max=1)
        let_in: dict[int, int] = {}

        async def feed(number: int) -> None:
            await router.room()
            assert router.has_room(), "those who waited together do not rush in together"
            let_in[number] = len(shard.applied)
            await router.take([line(number)])

        assert router.has_room()
        first = router.start([line(90), line(91), line(92)])
        assert not router.has_room()
        feeders = [asyncio.ensure_future(feed(number)) for number in range(5)]
        asyncio.get_running_loop().call_soon(shard.gate.set)  # after each of them has had its turn

        await first
        await asyncio.gather(*feeders)

        assert router.has_room()
        assert sorted(let_in) == [0, 1, 2, 3, 4]
        assert min(let_in.values()) > 0, "nobody was let in before the shard had taken something"

    run(scenario())


def test_a_shard_that_knows_the_router_no_more_fails_what_is_under_way_and_takes_what_follows(
    run: Run, new_shard: NewShard, new_router: NewRouter
) -> None:
    async def scenario() -> None:
        shard = new_shard()
        router = new_router(shard)
        await router.take([line(1)])
        shard.forget()

        with pytest.raises(ShardUnavailable, match="hand the lines in again"):
            await router.take([line(2)])

        assert (await router.take([line(2)])).accepted == 1

    run(scenario())


@pytest.mark.parametrize("script", [["broken"], ["unreachable", "broken"]])  # at first, or when sent again
def test_an_error_reaches_the_callers_concerned_and_nobody_after_them(
    script: list[Fault], run: Run, new_shard: NewShard, new_router: NewRouter
) -> None:
    async def scenario() -> None:
        shard = new_shard(script)
        shard.error = StoreBroken("the disk is full")
        router = new_router(shard)

        with pytest.raises(StoreBroken, match="full"):
            await router.take([line(1)])

        assert (await router.take([line(2)])).accepted == 1
        assert router.is_idle()

    run(scenario())


def test_closing_fails_calls_under_way_calls_queued_and_calls_that_wait_for_room(
    run: Run, new_shard: NewShard, new_router: NewRouter
) -> None:
    async def scenario() -> None:
        shard = new_shard()
        shard.gate.clear()
        router = new_router(shard, batch_events_max=1, batches_in_flight_max=1)
        asked = asyncio.Event()

        async def feed() -> None:
            asked.set()
            await router.room()
            await router.take([line(9)])

        calls: list[asyncio.Future[Any]] = [router.start([line(1)]), router.start([line(2), line(3)])]
        calls.append(asyncio.ensure_future(feed()))
        await asked.wait()
        assert shard.under_way == 1
        await router.close()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)

        assert [type(outcome) for outcome in outcomes] == [ShardUnavailable] * 3
        assert shard.under_way == 0
        with pytest.raises(ShardUnavailable, match="closed"):
            await router.take([line(4)])

    run(scenario())


def test_a_shard_that_refuses_events_gets_reports_only_until_it_wants_them_again(
    run: Run, new_shard: NewShard, new_router: NewRouter
) -> None:
    async def scenario() -> None:
        shards = [new_shard(), new_shard()]
        router = new_router(*shards)
        owners = SlotMap(2)
        refusing, other = (next(n for n in range(50) if owners.shard(f"u{n}") == shard) for shard in (0, 1))
        shards[0].refuses = "9 deliveries wait for the channel 'email'"
        await router.take([line(refusing, "fills it")])

        with pytest.raises(Overloaded, match="'email'"):
            await router.take([line(other, "with others"), line(refusing, "with others")])
        assert counts(await router.take([line(other)])) == (1, 0, [])
        assert counts(await router.take([line(refusing, "consent")], are_reports=True)) == (1, 0, [])
        assert b"with others" not in b"".join(line for shard in shards for _, line in shard.applied)

        shards[0].refuses = None
        await asyncio.sleep(1)
        assert counts(await router.take([line(refusing)])) == (1, 0, [])
        await router.close()

    run(scenario())
