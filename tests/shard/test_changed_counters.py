"""Whoever asks a shard again and again for the counters that have changed knows all of them at any time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from tests.shard.test_steps import host_of
from tests.shard.test_totals import LIVES, SEVERAL_STORES, SLOT, check, live, with_wrong_totals

from parcours.config import Settings
from parcours.core.totals import Totals
from parcours.shard.requests import GetChangedCounters, decode_answer, decode_request, encode_answer, encode_request
from parcours.shard.step_requests import CountersChanged

if TYPE_CHECKING:
    from tests.shard.conftest import Lines, World


class Follower:
    """Knows what it has been told."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._epoch, self._number = -1, 0
        self._known: dict[object, object] = {}

    def look(self) -> CountersChanged:
        told = asyncio.run(host_of(self._world).ask(GetChangedCounters(self._epoch, self._number)))
        if told.whole:
            self._known.clear()
        self._epoch, self._number = told.epoch, told.number
        self._known.update((*told.totals.steps, *told.totals.ways, *told.totals.deliveries))
        return told

    def knows_all(self) -> bool:
        totals = self._world.shard.totals.totals()
        return self._known == dict((*totals.steps, *totals.ways, *totals.deliveries))


@given(LIVES, st.sets(st.integers(0, 19)), st.sets(st.integers(0, 19)), st.sampled_from(SEVERAL_STORES))
def test_whoever_follows_knows_all_counters_whatever_happens_between_two_looks(
    new_world: Callable[..., World],
    lines: Lines,
    life: list[object],
    crashes: set[int],
    looks: set[int],
    settings: Settings,
) -> None:
    world = new_world(slot=SLOT, settings=settings)
    follower = Follower(world)

    for number, part in enumerate(life):
        live(world, lines, part)
        if number in crashes:
            world.reopen()
        if number in looks:
            follower.look()
            assert follower.knows_all()


def test_only_what_has_changed_is_told(world: World, lines: Lines) -> None:
    world.take(lines.track("anna", "Started"), lines.track("bert", "Ordered"))
    follower = Follower(world)
    assert follower.look().whole

    assert follower.look().totals == Totals()
    world.take(lines.track("cleo", "Started"))
    told = follower.look()

    assert not told.whole
    assert {step for step, _ in told.totals.steps} == {("remind", 1, "bought")}
    assert follower.knows_all()


def test_what_is_put_right_is_told_as_a_change(world: World, lines: Lines) -> None:
    with_wrong_totals(world, lines)
    follower = Follower(world)
    follower.look()

    assert check(world), "something was wrong"
    assert follower.look().totals.steps and follower.knows_all()


def test_it_is_asked_for_across_processes(world: World, lines: Lines) -> None:
    world.take(lines.track("anna", "Started"))
    request = GetChangedCounters(-1, 0)
    asked = decode_request(encode_request(request))
    answer = asyncio.run(host_of(world).ask(asked))

    assert decode_answer(request, encode_answer(answer)) == answer
