"""Do lines of people who are moving get where they have gone, once and in order, and hold up nobody else's?"""

from __future__ import annotations

import asyncio
import random

import msgspec
import pytest
from tests.routing.conftest import Run
from tests.routing.moving_shard import MovingShard, People

from parcours.config import Settings
from parcours.errors import ShardUnavailable
from parcours.journey.program import Program
from parcours.routing.router import Router

SEEDS = 60


def line(name: str, number: int, note: str = "") -> bytes:
    return msgspec.json.encode({"type": "track", "event": "Started", "userId": name, "number": number, "note": note})


def names_of(people: People, shard: int, count: int) -> list[str]:
    return [name for name in (f"u{number}" for number in range(500)) if people.shard(name) == shard][:count]


def router_to(shards: list[MovingShard], program: Program, **settings: int) -> Router:
    return Router("r", shards, program, Settings.model_validate(settings))


async def _move_about(people: People, names: list[str], chance: random.Random) -> None:
    """For a while somebody is always moving; then all come to rest, wherever they are."""
    for _ in range(60):
        await asyncio.sleep(chance.random() * 0.02)
        name, owner = chance.sample(names, 2)
        match chance.randrange(4):
            case 0:
                people.busy.add(name)
            case 1:
                people.busy.clear()
            case 2 if owner not in people.owner_of and name not in people.owner_of.values():
                people.owner_of[name] = owner
            case _:
                people.owner_of.pop(name, None)
    people.busy.clear()


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_line_arrives_once_and_in_its_order_wherever_people_go(seed: int, run: Run, program: Program) -> None:
    async def scenario() -> None:
        chance = random.Random(seed)
        people = People(3)
        shards = [MovingShard(people, chance, chance.choice([1, 3, 1_000])) for _ in range(3)]
        settings = {"batch_events_max": chance.choice([1, 3, 50]), "batches_in_flight_max": chance.choice([1, 4])}
        router = router_to(shards, program, **settings, later_max_s=1_000)
        names = [name for shard in range(3) for name in names_of(people, shard, 3)]
        moving = asyncio.ensure_future(_move_about(people, names, chance))
        texts = [line(chance.choice(names), number) for number in range(150)]
        left, calls = list(texts), []
        while left:
            size = chance.randint(1, 12)
            await router.room()
            calls.append(router.start(left[:size]))
            del left[:size]
            await asyncio.sleep(chance.random() * 0.02)
        taken = await asyncio.wait_for(asyncio.gather(*calls), 200)
        await moving

        assert sum(each.accepted for each in taken) == len(texts)
        assert sorted(people.applied) == sorted(texts)
        for name in names:
            of_name = [each for each in people.applied if msgspec.json.decode(each)["userId"] == name]
            assert of_name == [each for each in texts if each in of_name], f"{name}'s lines keep their order"
        assert router.is_idle() and router.waiting_lines() == (0, 0, 0)
        await router.take([line(name, 1_000) for name in names])
        people.owner_of.clear()
        await router.take([line(name, 1_001) for name in names])
        await router.take([line(name, 1_002) for name in names])
        assert not any(shard.waiting() for shard in shards), "and no name is deferred for ever"
        await router.close()

    run(scenario())


def test_later_is_asked_again_after_a_short_and_then_longer_pauses_and_holds_up_nobody_else(
    run: Run, program: Program
) -> None:
    async def scenario() -> None:
        people = People(1)
        shard = MovingShard(people)
        router = router_to([shard], program)
        people.busy.add("u1")
        waits = router.start([line("u1", 1), line("u1", 2)])
        assert (await router.take([line("u2", 3)])).accepted == 1
        await asyncio.sleep(0.4)
        people.busy.clear()
        assert (await waits).accepted == 2

        asked = [at for at, batch in zip(shard.asked_s, shard.batches, strict=True) if batch.again]
        assert [round(at - shard.asked_s[0], 2) for at in asked] == [0.05, 0.25, 0.45]
        assert people.applied == [line("u2", 3), line("u1", 1), line("u1", 2)]
        await router.close()

    run(scenario())


def test_a_line_that_has_moved_tells_the_other_shard_whose_it_is_and_the_next_one_asks_again(
    run: Run, program: Program
) -> None:
    async def scenario() -> None:
        people = People(2)
        shards = [MovingShard(people) for _ in range(2)]
        (name,), (owner,) = names_of(people, 0, 1), names_of(people, 1, 1)
        people.owner_of[name] = owner
        router = router_to(shards, program)
        for number in range(2):
            await router.take([line(name, number)])

        assert [batch.again for batch in shards[0].batches] == [[], []]
        assert [[(each.name, each.owner) for each in batch.again] for batch in shards[1].batches] == [
            [(name, owner)]
        ] * 2
        assert [len(batch.settled) for batch in shards[0].batches] == [0, 1], "the first has been dealt with by then"
        await router.close()

    run(scenario())


def test_a_line_that_comes_again_is_answered_like_any(run: Run, program: Program) -> None:
    async def scenario() -> None:
        people = People(1)
        router = router_to([MovingShard(people)], program)
        people.busy.add("u1")
        lines = [
            line("u2", 0, "bad"),
            line("u1", 1, "bad"),
            line("u1", 2, "duplicate"),
            line("u1", 3),
            line("u3", 4, "bad"),
        ]
        waits = router.start(lines)
        await asyncio.sleep(0.01)
        assert router.waiting_lines() == (3,) and not router.is_idle()
        people.busy.clear()
        taken = await waits

        assert (taken.accepted, taken.repeated) == (1, [2])
        assert taken.rejected == [(place, f"bad {lines[place].decode()}") for place in (0, 1, 4)]
        assert taken.committed() == [2, 3]
        await router.close()

    run(scenario())


def test_a_person_who_moves_for_too_long_fails_the_call(run: Run, program: Program) -> None:
    async def scenario() -> None:
        people = People(1)
        router = router_to([MovingShard(people)], program, later_max_s=3)
        people.busy.add("u1")
        waits = router.start([line("u1", 1)])
        with pytest.raises(ShardUnavailable, match="moving for 3 s"):
            await waits
        assert asyncio.get_running_loop().time() < 3.5

        people.busy.clear()
        assert (await router.take([line("u1", 2)])).accepted == 1
        assert people.applied == [line("u1", 2)] and router.is_idle()
        await router.close()

    run(scenario())


def test_lines_that_are_held_back_take_up_room(run: Run, program: Program) -> None:
    async def scenario() -> None:
        people = People(1)
        router = router_to([MovingShard(people)], program, batch_events_max=2, batches_in_flight_max=2)
        people.busy.add("u1")
        waits = router.start([line("u1", number) for number in range(4)])
        await asyncio.sleep(0.01)
        assert not router.has_room()
        people.busy.clear()
        await waits
        assert router.has_room()
        await router.close()

    run(scenario())


def test_closing_fails_lines_that_are_held_back(run: Run, program: Program) -> None:
    async def scenario() -> None:
        people = People(2)
        router = router_to([MovingShard(people) for _ in range(2)], program)
        people.busy.add("u1")
        waits = router.start([line("u1", 1)])
        await asyncio.sleep(0.01)
        await router.close()
        with pytest.raises(ShardUnavailable, match="closed"):
            await waits
        assert router.waiting_lines() == (0, 0)

    run(scenario())


def test_a_shard_that_knows_the_router_no_more_fails_what_is_held_back_there(run: Run, program: Program) -> None:
    async def scenario() -> None:
        people = People(1)
        shard = MovingShard(people)
        router = router_to([shard], program)
        people.busy.add("u1")
        waits = router.start([line("u1", 1), line("u1", 2)])
        await asyncio.sleep(0.01)
        shard.forget()
        with pytest.raises(ShardUnavailable, match="hand the lines in again"):
            await waits

        people.busy.clear()
        assert (await router.take([line("u1", 1), line("u1", 2)])).accepted == 2
        assert people.applied == [line("u1", 1), line("u1", 2)] and router.is_idle()
        await router.close()

    run(scenario())
