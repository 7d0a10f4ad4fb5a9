"""Total caps in a running engine: asked by requests, journeys and mails, tried, told, and lived through once more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from tests.projects import write_texts

from parcours import Engine
from parcours.clock import ManualClock
from parcours.config import DAY_MS, Settings
from parcours.core.fact import Decided, Fact
from parcours.core.fact_block import decode_facts
from parcours.journey.project import Project
from parcours.service.decided import Asking
from parcours.shard.resharding import reshard
from parcours.simulation.simulation import simulate
from parcours.simulation.store_inputs import write_inputs
from parcours.store.address import open_store
from parcours.testing.virtual_project import VirtualProject

START = 1_772_442_000_000
PEOPLE = [f"u{number}" for number in range(12)]

SHOP = {
    "parcours.yaml": """\
        project: shop
        insight: {inputs: true}
        policies: {consent: {default: opt_out}}
    """,
    "profile.yaml": "traits: {email: string}\n",
    "events.yaml": "events: {Asked: {}, Told: {}}\n",
    "offers.yaml": """\
        placements: {agent: {channel: agent, format: text}, hero: {channel: email, format: text}}
        offers:
          few: {priority: 9, caps: [{max: 5, by: everybody}], content: {agent: {text: Few}, hero: {text: Few}}}
          some: {priority: 8, caps: [{max: 6, by: everybody, per: day}], content: {agent: {text: Some}}}
          rest: {content: {agent: {text: Rest}, hero: {text: Rest}}}
        decisions: {best: {choose: [{collection: all}]}}
    """,
    "messages/hero.yaml": """\
        message: hero
        class: transactional
        offers: {hero: {decision: best, placement: {email: hero}}}
        email: {subject: Hello, text: "{{ offers.hero.content }}"}
    """,
    "journeys/ask.yaml": """\
        journey: ask
        entry: {event: Asked}
        reentry: always
        steps: [{id: pick, decide: best, placement: agent, as: best}, {id: tell, send: hero}, {id: done, end: true}]
    """,
}
SETTINGS = Settings(decision_timeout_ms=60_000, export_every_ms=300 * DAY_MS, export_lag_max_ms=400 * DAY_MS)
"""A busy machine is no reason for fallbacks here, and every fact can be read as it was told."""


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    write_texts(tmp_path / "shop", SHOP)
    return Project.load(tmp_path / "shop")


def opened(shop: Project, store: str = "memory:", shards: int = 3, settings: Settings = SETTINGS) -> Engine:
    clock = ManualClock(START)
    return Engine.open(shop, store, runtime="local", shards=shards, clock=clock, settings=settings, records=["email"])


@pytest.mark.parametrize("shards", [1, 2, 8])
def test_whoever_asks_gets_one_as_long_as_there_is_one(shop: Project, shards: int) -> None:
    with opened(shop, shards=shards) as engine:
        asked = [engine.decide(name, "best", placement="agent") for name in PEOPLE]
        got = Counter(each.offers[0].name for each in (one.result(60) for one in asked))

    assert got == {"few": 5, "some": 6, "rest": 1}


def test_of_a_request_for_several_each_is_counted(shop: Project) -> None:
    with opened(shop) as engine:
        engine.identify("u1", {}).result(60)
        before = [{"event": "Asked"}]
        told = engine.decisions("u1", [Asking("best", "agent"), Asking("best", "hero")], before=before).result(60)
        got = Counter(each.offer for fact in engine.facts("u1") if isinstance(fact, Decided) for each in fact.offers)

    assert [each.offers[0].name for each in told.decisions] == ["few", "rest"]
    assert got == {"few": 2, "rest": 1}, "no mail leaves without an address"


def test_to_try_asks_nothing_and_takes_nothing(shop: Project) -> None:
    with opened(shop) as engine:
        for _ in range(9):
            tried = engine.decide("u1", "best", placement="agent", dry=True).result(60)
            assert tried.offers[0].name == "few"
        got = [engine.decide(name, "best", placement="agent").result(60).offers[0].name for name in PEOPLE[:5]]

    assert got == ["few"] * 5


def test_a_stop_of_the_engine_forgets_no_count(shop: Project, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store'}"
    with opened(shop, store) as engine:
        for name in PEOPLE[:4]:
            engine.decide(name, "best", placement="agent").result(60)
    with opened(shop, store) as engine:
        got = [engine.decide(name, "best", placement="agent").result(60).offers[0].name for name in PEOPLE[4:6]]

    assert got == ["few", "some"]


def test_counts_go_along_into_another_number_of_shards(shop: Project, tmp_path: Path) -> None:
    store, target = (f"sqlite:///{tmp_path / name}" for name in ("store", "target"))
    with opened(shop, store) as engine:
        for name in PEOPLE[:4]:
            engine.decide(name, "best", placement="agent").result(60)
    reshard(store, target, 2)
    with opened(shop, target, shards=2) as engine:
        got = [engine.decide(name, "best", placement="agent").result(60).offers[0].name for name in PEOPLE[4:6]]

    assert got == ["few", "some"]


def test_a_changed_cap_keeps_what_was_counted(shop: Project, tmp_path: Path) -> None:
    write_texts(tmp_path / "shop", {"offers.yaml": SHOP["offers.yaml"].replace("max: 5", "max: 2")})
    smaller = Project.load(tmp_path / "shop")
    with opened(smaller) as engine:
        got = [engine.decide(name, "best", placement="agent").result(60).offers[0].name for name in PEOPLE[:3]]
        engine.publish(shop)
        got += [engine.decide(name, "best", placement="agent").result(60).offers[0].name for name in PEOPLE[3:7]]

    assert got == ["few", "few", "some", "few", "few", "few", "some"]


def facts_of(store: str, shards: int) -> list[Fact]:
    found: list[Fact] = []
    for shard in range(shards):
        with closing(open_store(store, shard)) as kept:
            for record in kept.records():
                found += decode_facts(record.facts, "a record")
    return found


def told(facts: Sequence[Fact]) -> dict[str, list[Decided]]:
    by_person: dict[str, list[Decided]] = {}
    for fact in facts:
        if fact.person and isinstance(fact, Decided):
            by_person.setdefault(fact.person, []).append(fact)
    return by_person


def test_what_was_answered_is_lived_through_once_more(shop: Project, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store'}"
    with opened(shop, store) as engine:
        for name in PEOPLE:
            engine.identify(name, {"email": f"{name}@mail.example"})
        asked = [engine.track(name, "Asked") for name in PEOPLE]
        asked += [engine.track(name, "Asked") for name in PEOPLE]
        got = [engine.decide(name, "best", placement="agent") for name in PEOPLE]
        for each in asked:
            each.result(60)
        for one in got:
            one.result(60)
        engine.drain(60)
    out = tmp_path / "inputs.ndjson"

    write_inputs(store, out)

    lived = told(facts_of(store, 3))
    given = Counter(offer.offer for own in lived.values() for fact in own for offer in fact.offers)
    assert (given["few"], given["some"]) == (5, 6)
    rejected: list[str] = []
    for shards in (1, 2):
        lines = out.read_bytes().splitlines()
        twin = simulate(shop, lines, shards=shards, rejected=lambda _, why: rejected.append(why))
        assert rejected == [] and told(twin.facts) == lived


def test_a_project_in_a_test_counts_them_too(shop: Project) -> None:
    with VirtualProject(shop) as project:
        for name in PEOPLE[:7]:
            project.track(name, "Asked")
        facts = [each for each in project.facts() if isinstance(each, Decided)]

    got = Counter(offer.offer for fact in facts for offer in fact.offers)
    assert got == {"few": 5, "some": 2}
