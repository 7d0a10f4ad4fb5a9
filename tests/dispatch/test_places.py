"""Which shard gets a free place, and is there never more claimed than there are places?"""

from __future__ import annotations

import random

import pytest

from parcours.dispatch.places import Places


def claimed(places: Places, *counts: int) -> Places:
    """So many deliveries are claimed of each shard."""
    for shard, count in enumerate(counts):
        places.answer(shard, 0, count)
    return places


@pytest.mark.parametrize(
    "counts, shard, settled, waiting, free",
    [
        ((0,), 0, 0, [0], 4),
        ((4,), 0, 0, [0], 0),
        ((4,), 0, 3, [0], 3),  # the places of what is answered for, in the same commit
        ((0, 0), 0, 0, [0, 1], 2),  # each has its share
        ((4, 0), 0, 1, [0, 1], 0),  # one that has had more leaves it to the other
        ((3, 0), 1, 0, [1], 1),
        ((0, 0, 0), 0, 0, [0, 1, 2], 2),  # its share, and what is left over
        ((1, 1, 1, 1, 0), 0, 1, [4, 1, 2, 3, 0], 0),  # more shards than places: the one that has waited is next
        ((0, 1, 1, 1, 0), 4, 0, [4, 1, 2, 3, 0], 1),
        ((6,), 0, 1, [0], 0),  # the channel has become smaller
    ],
)
def test_a_shard_may_claim_what_is_free_and_nobody_else_s_share(
    counts: tuple[int, ...], shard: int, settled: int, waiting: list[int], free: int
) -> None:
    assert claimed(Places(), *counts).free(4, shard, settled, waiting) == free


def test_what_is_asked_for_counts_as_claimed_until_it_is_answered() -> None:
    places = Places()

    places.ask(0, 0, 3)
    assert places.free(4, 1, 0, [1]) == 1
    places.answer(0, 0, 1)
    assert places.free(4, 1, 0, [1]) == 3

    places.ask(0, 1, 4)
    places.fail(0)
    assert places.free(4, 1, 0, [1]) == 3, "the receipt has not been taken, and nothing was handed over"


@pytest.mark.parametrize("seed", range(30))
def test_no_more_is_claimed_than_there_are_places_and_every_shard_has_its_turn(seed: int) -> None:
    chance = random.Random(seed)
    shards, capacity, places = chance.randrange(1, 6), chance.randrange(1, 6), Places()
    waiting, held, turns = list(range(shards)), [0] * shards, [0] * shards
    for _ in range(400):
        shard = chance.randrange(shards)
        settled = chance.randint(0, held[shard])
        most = places.free(capacity, shard, settled, waiting)
        if not settled and not most:
            continue
        places.ask(shard, settled, most)
        other = chance.randrange(shards)
        if other != shard:  # two requests at once
            assert sum(held) - settled + most + places.free(capacity, other, 0, waiting) <= capacity
        places.answer(shard, settled, most)
        held[shard] += most - settled
        assert sum(held) <= capacity
        if most:
            waiting.remove(shard)
            waiting.append(shard)
        turns[shard] += most

    assert min(turns) * 8 >= max(turns), f"somebody has to wait for ever: {turns}"
