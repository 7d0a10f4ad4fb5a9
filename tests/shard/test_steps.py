"""What a shard tells of a step: who waits there, what has happened there last, and what is new everywhere."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.shard.test_totals import EVERYWHERE, LIVES, PEOPLE, SEVERAL_STORES, SLOT, check, live

from parcours.channel import Accepted
from parcours.clock import ManualClock
from parcours.config import DAY_MS, HOUR_MS, Settings
from parcours.core.fact import DeliveryReached, Moved
from parcours.core.profile import decode_profile
from parcours.core.recent import Recent
from parcours.core.totals import Step
from parcours.figures_settings import FiguresSettings
from parcours.shard.host import ShardHost
from parcours.shard.requests import (
    GetFigures,
    ListWaiting,
    NewestOfChannel,
    NewestOfStep,
    Request,
    decode_answer,
    decode_request,
    encode_answer,
    encode_request,
)
from parcours.shard.step_requests import WaitingFound

if TYPE_CHECKING:
    from tests.shard.conftest import Lines, World


def host_of(world: World) -> ShardHost:
    return ShardHost(world.shard, world.store, ManualClock(world.now_ms), lambda _: None)


def ask_waiting(world: World, step: str, journey: str = "remind", **said: object) -> WaitingFound:
    request = ListWaiting(journey, step, **{"most": 50, "people_max": 20_000, **said})  # type: ignore[arg-type]
    return asyncio.run(host_of(world).steps.waiting(request))


def happened(recent: Recent) -> int:
    return sum(number for _, number in recent.hours)


def slots_by_step(world: World) -> dict[Step, Counter[int]]:
    """Who waits where, by everybody."""
    found: dict[Step, Counter[int]] = {}
    for number, slot in world.shard.census._slots.owned.items():
        for profile in map(decode_profile, slot.profiles.values()):
            for run in profile.runs:
                if run.step is not None:
                    found.setdefault((run.journey, run.version, run.step), Counter())[number] += 1
    return found


@given(LIVES, st.sets(st.integers(0, 19)), st.sampled_from(SEVERAL_STORES[:2]))
def test_a_restart_comes_to_the_same_counts_of_the_last_hours(
    new_world: Callable[..., World], lines: Lines, life: list[object], crashes: set[int], settings: Settings
) -> None:
    world = new_world(slot=SLOT, settings=settings)

    for number, part in enumerate(life):
        live(world, lines, part)
        if number in crashes:
            before = world.shard.totals.recent(world.now_ms)
            world.reopen()
            assert world.shard.totals.recent(world.now_ms) == before


def test_what_has_left_the_journal_does_not_come_back(new_world: Callable[..., World], lines: Lines) -> None:
    world = new_world(slot=SLOT, settings=Settings(journal_bytes_max=1))
    for _ in range(10):
        world.take(lines.track(PEOPLE[0], "Ordered"))
        world.store.read_through(world.shard.commits.sequence)
        world.pass_ms(HOUR_MS)

    before = world.shard.totals.recent(world.now_ms)
    world.reopen()

    came_back = world.shard.totals.recent(world.now_ms)
    assert 0 < happened(came_back) < happened(before)


@given(EVERYWHERE, st.lists(EVERYWHERE, min_size=1, max_size=6))
def test_the_counts_of_each_slot_are_those_of_its_people(
    new_world: Callable[..., World],
    lines: Lines,
    before: list[tuple[str, str]],
    meanwhile: list[list[tuple[str, str]]],
) -> None:
    world = new_world()
    world.take(*[lines.track(person, event) for person, event in before])
    world.reopen()

    for calls in meanwhile:
        world.shard.totals.check(2)
        world.take(*[lines.track(person, event) for person, event in calls])
        world.pass_ms(9_000)
    check(world)

    counts = world.shard.totals.waiting
    assert counts is not None and counts.is_swept
    for (journey, _, step), slots in slots_by_step(world).items():
        assert sorted(counts.slots_with(journey, step)) == sorted(slots)
    assert counts.slots_with("remind", "nowhere") == []


def test_the_longest_waiting_come_first(world: World, lines: Lines) -> None:
    for person in ("cleo", "anna", "bert"):
        world.take(lines.track(person, "Started"))
        world.pass_ms(1_000)

    first = ask_waiting(world, "bought", most=2)

    assert [run.person for run in first.runs] == ["cleo", "anna"]
    assert first.whole and first.looked_at == 3
    assert first.runs[0].until == first.runs[0].since + 20_000


def test_only_the_slots_are_looked_through_in_which_somebody_waits(world: World, lines: Lines) -> None:
    world.take(*[lines.track(str(number), "Ordered") for number in range(200)], lines.track("anna", "Started"))

    found = ask_waiting(world, "bought")

    assert [run.person for run in found.runs] == ["anna"]
    assert found.looked_at < 10


def test_no_more_people_are_looked_at_than_may_be_and_that_is_said(world: World, lines: Lines) -> None:
    world.take(*[lines.track(str(number), "Started") for number in range(30)])

    found = ask_waiting(world, "bought", people_max=10)

    assert len(found.runs) == found.looked_at == 10
    assert not found.whole
    assert ask_waiting(world, "bought", people_max=30).whole


def test_before_the_sweep_is_over_everybody_is_looked_at_who_may_wait_there(world: World, lines: Lines) -> None:
    world.take(*[lines.track(str(number), "Ordered") for number in range(20)], lines.track("anna", "Started"))

    world.reopen()

    found = ask_waiting(world, "bought")
    assert [run.person for run in found.runs] == ["anna"]
    assert found.looked_at == 21


def test_a_shard_takes_a_batch_while_it_looks_for_those_who_wait(
    world: World, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("parcours.shard.step_host.SLICE_PEOPLE", 1)
    world.take(*[lines.track(str(number), "Started") for number in range(50)])
    order: list[str] = []

    async def look(host: ShardHost) -> None:
        await host.steps.waiting(ListWaiting("remind", "bought", 50, 20_000))
        order.append("found")

    async def take(host: ShardHost) -> None:
        await host.take(world.batch(lines.track("anna", "Ordered")))
        order.append("taken")

    async def both() -> None:
        host = host_of(world)
        await asyncio.gather(look(host), take(host))
        await host.close()

    asyncio.run(both())
    assert order == ["taken", "found"]


def test_each_step_and_channel_has_its_newest_facts(new_world: Callable[..., World], lines: Lines) -> None:
    figures = FiguresSettings(step_facts_max=3, channel_facts_max=2)
    world = new_world(settings=Settings(figures=figures))
    for number in range(4):
        world.take(lines.identify(str(number)), lines.track(str(number), "Ordered"))
    world.settle(*[Accepted(each.key) for each in world.claim()])

    rings = world.shard.totals.rings

    at_step, on_channel = rings.of_step("ship", "way"), rings.of_channel("email")
    assert len(at_step) == 3 and at_step[-1].person == "3"
    assert all(isinstance(fact, Moved) and fact.step == "way" for fact in at_step)
    assert [fact.outcome for fact in on_channel if isinstance(fact, DeliveryReached)] == ["sent", "sent"]


def test_states_on_the_way_to_a_channel_are_no_news(world: World, lines: Lines) -> None:
    world.take(lines.identify("anna"), lines.track("anna", "Ordered"))
    world.claim()

    assert len(world.shard.totals.rings.of_channel("email")) == 0


def test_there_are_no_more_rings_than_may_be_and_what_was_silent_goes(
    new_world: Callable[..., World], lines: Lines
) -> None:
    world = new_world(settings=Settings(figures=FiguresSettings(fact_rings_max=1)))
    world.take(lines.track("anna", "Started"))
    world.pass_ms(1_000)
    world.take(lines.track("anna", "Posted"))

    rings = world.shard.totals.rings

    assert len(rings) == 1
    assert rings.of_step("remind", "bought") == []
    assert rings.of_step("text", "pause")


def test_newest_facts_come_back_after_a_restart(world: World, lines: Lines) -> None:
    world.take(lines.track("anna", "Started"))
    before = world.shard.totals.rings.of_step("remind", "bought")

    world.reopen()

    assert before and world.shard.totals.rings.of_step("remind", "bought") == before


def test_a_journey_is_late_whose_timer_has_not_fired(world: World, lines: Lines) -> None:
    world.take(lines.track("anna", "Started"), lines.track("bert", "Ordered"))
    world.now_ms += 27_000

    figures = asyncio.run(host_of(world).ask(GetFigures()))

    assert figures.late == {"remind": 7_000}
    world.now_ms += DAY_MS
    assert set(asyncio.run(host_of(world).ask(GetFigures())).late) == {"remind", "ship"}


def test_it_is_all_asked_for_across_processes(world: World, lines: Lines) -> None:
    world.take(lines.track("anna", "Started"))
    host = host_of(world)
    requests: list[Request[Any]] = [
        ListWaiting("remind", "bought", 50, 100),
        NewestOfStep("remind", "bought"),
        NewestOfChannel("email"),
        GetFigures(),
    ]
    for request in requests:
        asked = decode_request(encode_request(request))
        answer = asyncio.run(host.ask(asked))

        assert decode_answer(request, encode_answer(answer)) == answer
