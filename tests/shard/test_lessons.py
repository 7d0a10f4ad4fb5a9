"""What rankings know stays as long as anything may go by it, and no longer."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.projects import write_texts
from tests.shard.moving_world import MovingWorld, name_in

from parcours.clock import ManualClock
from parcours.config import SECOND_MS
from parcours.core.offers.lessons import Lesson, Lessons
from parcours.journey.project import Project
from parcours.journey.publish.ledger import published
from parcours.journey.publish.publications import Publications, candidate_of, source_of
from parcours.routing.change_protocol import settle
from parcours.shard.host import ShardHost
from parcours.shard.lessons import AT_LEAST, LESSONS, ON_HER_WAY_MS, KeptLessons
from parcours.shard.shard import Shard

OFFERS = """\
    placements: {agent: {channel: agent, format: text}}
    offers: {a: {content: {agent: {text: A}}}}
    rankings: {learned: {bandit: clicked, of: shown}}
    decisions: {best: {choose: [{collection: all, ranking: learned}]}}
"""

SHOP = {
    "parcours.yaml": "project: shop\n",
    "events.yaml": "events: {Asked: {}}\n",
    "offers.yaml": OFFERS,
    "journeys/later.yaml": """\
        journey: later
        entry: {event: Asked}
        steps: [{id: soon, wait: 30s}, {id: done, end: true}]
    """,
}
SUBJECT = "clicked of shown"


def known(number: int) -> dict[str, Lesson]:
    return {SUBJECT: Lesson({"": {"a": (number, 1)}})}


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    write_texts(tmp_path / "shop", SHOP)
    return Project.load(tmp_path / "shop")


@pytest.fixture
def plain(tmp_path: Path) -> Project:
    """The same shop, in which nothing is learned."""
    texts = {**SHOP, "offers.yaml": OFFERS.replace(", ranking: learned", "")}
    write_texts(tmp_path / "plain", texts)
    return Project.load(tmp_path / "plain")


@pytest.fixture
def world(shop: Project) -> MovingWorld:
    return MovingWorld(shop, shards=1)


def learn(world: MovingWorld, times: int) -> None:
    for number in range(times):
        world.now_ms += SECOND_MS
        for shard in world.each:
            shard.learning.learn(Lessons(world.now_ms, known(number)))


def stored(shard: Shard) -> list[str]:
    return [name for name in shard._slots.own.profiles if name.startswith(LESSONS)]


def publish(world: MovingWorld, project: Project) -> None:
    shard = world.each[0]
    before = shard.holding().publications
    ledger = published(before.ledger, candidate_of(project), world.now_ms, reopen=True)
    shard.publish(Publications(ledger, {**before.sources, ledger.publication: source_of(project)}))


def test_lessons_of_which_nobody_asks_for_counts_do_not_pile_up(world: MovingWorld) -> None:
    learn(world, 50)

    assert len(stored(world.each[0])) <= AT_LEAST + 1


def test_what_is_late_keeps_the_lesson_that_it_goes_by_and_those_after_it(world: MovingWorld) -> None:
    world.track(name_in(0, 1, "anna"), "Asked")
    learn(world, 10)
    due = world.now_ms + 20 * SECOND_MS  # 30 s after she has asked
    learn(world, 40)

    kept = [int(name.removeprefix(LESSONS)) for name in stored(world.each[0])]
    assert due - SECOND_MS <= min(kept) <= due and due in kept and max(kept) == world.now_ms
    world.pass_ms(1)
    learn(world, 1)
    assert len(stored(world.each[0])) <= AT_LEAST + 1


def test_what_no_ranking_asks_for_is_known_no_more_and_is_forgotten(world: MovingWorld, plain: Project) -> None:
    (shard,) = world.each
    learn(world, 3)
    kept, before_ms = shard._published.lessons, world.now_ms

    world.now_ms += SECOND_MS
    publish(world, plain)

    assert kept.at(before_ms) == known(2) and kept.at(world.now_ms) == {}
    world.reopen(0)
    (shard,) = world.each
    kept = shard._published.lessons
    assert kept.at(before_ms) == known(2) and kept.at(world.now_ms) == {}
    world.pass_ms(ON_HER_WAY_MS)
    world.reopen(0)
    world.track(name_in(0, 1, "anna"), "Asked")
    (entry,) = stored(world.each[0])
    assert not world.each[0]._published.lessons.at(world.now_ms) and int(entry.removeprefix(LESSONS)) > before_ms


def test_a_ranking_that_comes_back_knows_nothing_until_it_learns(
    world: MovingWorld, shop: Project, plain: Project
) -> None:
    learn(world, 3)
    publish(world, plain)  # at the instant of the newest lesson
    world.now_ms += SECOND_MS
    publish(world, shop)

    assert not world.each[0]._published.lessons.at(world.now_ms)
    learn(world, 1)
    assert world.each[0]._published.lessons.at(world.now_ms) == known(0)


def test_what_one_shard_has_forgotten_by_a_publication_the_others_forget_with_it(shop: Project, plain: Project) -> None:
    world = MovingWorld(shop, shards=2)
    learn(world, 1)
    world.now_ms += SECOND_MS
    world.track(name_in(1, 2, "anna"), "Asked")  # of this instant the publication is, too
    for shard in world.each:
        shard.hold(held=True)
    publish(world, plain)  # and everything stops in the middle
    for number in range(2):
        world.reopen(number)

    async def opened() -> None:
        hosts = [
            ShardHost(shard, store, ManualClock(world.now_ms), lambda channel: None)
            for shard, store in zip(world.each, world.stores, strict=True)
        ]
        await settle(hosts)

    asyncio.run(opened())

    for shard in world.each:
        assert shard.holding().learned_ms == world.now_ms and not shard.holding().held
        assert not shard._published.lessons.at(world.now_ms)


def test_of_a_lesson_nothing_but_what_is_asked_for_stays() -> None:
    kept, other = KeptLessons(), Lesson({"": {"a": (9, 9)}})
    kept.learn(Lessons(1_000, {**known(0), "other": other}))

    kept.keep_to({SUBJECT, "new"}, 2_000)
    kept.keep_to({SUBJECT}, 3_000)

    assert (kept.at(1_999), kept.at(2_000)) == ({**known(0), "other": other}, known(0))
    assert [name for name, _ in kept.entries()] == [f"{LESSONS}1000", f"{LESSONS}2000"]
