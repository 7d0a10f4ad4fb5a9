"""Rankings learn in a running engine, over restarts, and its inputs decide the same once more."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.projects import write_texts

from parcours import Engine
from parcours.clock import ManualClock
from parcours.config import DAY_MS, Settings
from parcours.core.fact import Decided, Fact, Learned
from parcours.core.offers.bandit import drawn
from parcours.insight.exporter.opening import recall_exported
from parcours.insight.offers_foreseen import DecisionForeseen, OffersQuestion
from parcours.journey.project import Project
from parcours.shard.closed_person import read_all_of
from parcours.shard.resharding import reshard
from parcours.simulation.people_look import PeopleLook
from parcours.simulation.simulation import simulate
from parcours.simulation.store_inputs import write_inputs
from parcours.simulation.stored import look_into_store

START, MINUTE = 1_772_442_000_000, 60_000
PRIOR = (1.0, 3.0)
PEOPLE = [f"u{number}" for number in range(12)]

SHOP = {
    "parcours.yaml": "project: shop\ninsight: {inputs: true}\n",
    "profile.yaml": "traits: {city: string}\n",
    "events.yaml": "events: {Seen: {}}\n",
    "offers.yaml": """\
        placements: {agent: {channel: agent, format: text}}
        offers:
          a: {content: {agent: {text: A}}}
          b: {content: {agent: {text: B}}}
        rankings: {learned: {bandit: clicked, of: shown, every: 1m, prior: [1, 3]}}
        decisions: {best: {choose: [{collection: all, ranking: learned}]}}
    """,
    "journeys/later.yaml": """\
        journey: later
        entry: {event: Seen}
        steps: [{id: wait, wait: 90s}, {id: pick, decide: best, placement: agent, as: best}, {id: done, end: true}]
    """,
}


class Shop:
    """A shop on a clock of the test; `cases` is by hand what its ranking can know by now."""

    def __init__(self, folder: Path) -> None:
        write_texts(folder / "shop", SHOP)
        self.project = Project.load(folder / "shop")
        self.folder, self.store = folder / "store", f"sqlite:///{folder / 'store'}"
        self.clock = ManualClock(START)
        self.cases = {"a": [0, 0], "b": [0, 0]}

    @contextmanager
    def open(self, shards: int = 2) -> Iterator[Engine]:
        settings = Settings(decision_timeout_ms=60_000, export_lag_max_ms=30 * DAY_MS)
        with Engine.open(
            self.project, self.store, shards=shards, runtime="local", clock=self.clock, settings=settings
        ) as engine:
            yield engine

    def give(self, engine: Engine, request: str) -> None:
        """Everybody is given an offer and sees it; who gets a clicks it."""
        for person in PEOPLE:
            (offer,) = engine.decide(person, "best", placement="agent", request_id=request).result().offers
            assert offer.proposition is not None
            engine.mark_offer(person, offer.proposition, "shown").result()
            self.cases[offer.name][0] += 1
            if offer.name == "a":
                engine.mark_offer(person, offer.proposition, "clicked").result()
                self.cases["a"][1] += 1

    def pass_a_tick(self, engine: Engine) -> None:
        """Time goes on to the next tick, and the engine knows by then what was counted by hand."""
        self.clock.move_to((self.clock.now_ms() // MINUTE + 1) * MINUTE + 1)
        tick, until = self.clock.now_ms() // MINUTE, time.monotonic() + 60
        known = {name: drawn(PRIOR, (n, s), ("best", name, "asks"), tick) for name, (n, s) in self.cases.items()}
        best = max(known, key=lambda name: known[name])
        while True:
            (offer,) = engine.decide("asks", "best", placement="agent", dry=True).result().offers
            if offer.name == best and offer.score == known[best]:
                return
            assert time.monotonic() < until, f"no lesson has come: {offer.score} is not that of {self.cases}"
            self.clock.move_to(self.clock.now_ms() + 1)  # a lesson holds from an instant on that no shard has reached
            time.sleep(0.05)

    def facts(self, people: list[str]) -> dict[str, list[Fact]]:
        told = {}
        for person in people:
            exported = recall_exported(self.folder, person)
            told[person] = [*exported.facts, *read_all_of(self.store, [person], exported.through).facts]
        return told


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_a_ranking_learns_at_ticks_and_goes_on_where_it_was_on_any_number_of_shards(shop: Shop, tmp_path: Path) -> None:
    with shop.open() as engine:
        shop.give(engine, "first")
        shop.pass_a_tick(engine)
        shop.give(engine, "second")  # is counted, and no lesson comes of it in this life
    with shop.open() as engine:
        shop.pass_a_tick(engine)
        shop.give(engine, "third")
    reshard(shop.store, f"sqlite:///{tmp_path / 'wide'}", 3)
    shop.store = f"sqlite:///{tmp_path / 'wide'}"
    with shop.open(shards=3) as engine:
        shop.pass_a_tick(engine)
        assert sum(n for n, _ in shop.cases.values()) == 3 * len(PEOPLE) and shop.cases["a"][1] > 5


def test_a_look_at_a_closed_store_goes_by_what_was_known(shop: Shop) -> None:
    with shop.open() as engine:
        for number in range(3):
            shop.give(engine, f"r{number}")
        shop.pass_a_tick(engine)
        tried = {each: engine.decide(each, "best", placement="agent", dry=True).result().offers for each in PEOPLE}

    found: list[DecisionForeseen] = []
    question = OffersQuestion("best", where="true", sample=len(PEOPLE))
    look_into_store(shop.project, shop.store, look=PeopleLook(question, None, found.append))

    given = {each.person: each.placements["agent"] for each in found[0].sample}
    assert given == {person: [each.name for each in offers] for person, offers in tried.items()}


def test_the_twin_of_a_store_is_given_the_same_lessons_and_decides_the_same(shop: Shop, tmp_path: Path) -> None:
    with shop.open() as engine:
        for number in range(3):
            shop.give(engine, f"r{number}")
            for person in PEOPLE[number::3]:
                engine.track(person, "Seen").result()
            shop.pass_a_tick(engine)
        shop.clock.move_to(shop.clock.now_ms() + 2 * MINUTE)
        engine.drain(30)
    everybody = [*PEOPLE, ""]
    facts = shop.facts(everybody)
    write_inputs(shop.store, tmp_path / "inputs.ndjson")

    assert [fact.subject for fact in facts[""] if isinstance(fact, Learned)] == ["clicked of shown every 60000"] * 3
    for shards in (1, 3):
        twin = simulate(shop.project, (tmp_path / "inputs.ndjson").read_bytes().splitlines(), shards=shards).facts
        for person in PEOPLE:
            mine = [fact for fact in facts[person] if isinstance(fact, Decided)]
            assert [fact for fact in twin if isinstance(fact, Decided) and fact.person == person] == mine
            assert {"later" in fact.origin for fact in mine} == {True, False}
        assert [fact for fact in twin if isinstance(fact, Learned)] == [
            fact for fact in facts[""] if isinstance(fact, Learned)
        ]


def test_a_ranking_that_comes_back_learns_again_with_its_next_tick(shop: Shop, tmp_path: Path) -> None:
    write_texts(
        tmp_path / "plain", {**SHOP, "offers.yaml": SHOP["offers.yaml"].replace("all, ranking: learned", "all")}
    )
    with shop.open() as engine:
        for number in range(3):
            shop.give(engine, f"r{number}")
        shop.pass_a_tick(engine)
        for project in (Project.load(tmp_path / "plain"), shop.project):
            shop.clock.move_to(shop.clock.now_ms() + 1)
            engine.publish(project)
        (new,) = engine.decide("asks", "best", placement="agent", dry=True).result().offers
        tick = shop.clock.now_ms() // MINUTE
        assert new.score == max(drawn(PRIOR, (0, 0), ("best", name, "asks"), tick) for name in shop.cases)
        shop.pass_a_tick(engine)
