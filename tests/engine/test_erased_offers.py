"""Whoever is erased is in nothing that offers leave: decisions, what became of them, mails with them, kept inputs."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.engine.canaries import PERSON, SETTINGS, done, found
from tests.projects import write_texts

from parcours.core.identity import SlotMap
from parcours.journey.project import Project
from parcours.service.decided import Asking
from parcours.service.engine import Engine
from parcours.shard.offer_totals import name_of_offer

SHARDS = 2

PEOPLE = {"canary": PERSON, "other": "u1"}
"""By their words."""

CANARIES = {f"canary-{word}".encode() for word in ("name", "mail", "request", "context", "trait")}

SHOP = {
    "parcours.yaml": """\
        project: shop
        insight: {inputs: true}
        policies: {consent: {default: opt_out}}
    """,
    "profile.yaml": "traits: {email: string, city: string}\n",
    "events.yaml": "events: {Told: {}}\n",
    "offers.yaml": """\
        placements: {agent: {channel: agent, format: text}, hero: {channel: email, format: text}}
        offers:
          class:
            caps: [{max: 5, by: everybody}]
            content: {agent: {text: "A class in {{ profile.city }}"}, hero: {text: "A class in {{ profile.city }}"}}
          mat:
            eligible: has(context.page)
            content: {agent: {text: "A mat for {{ profile.email }}"}}
        decisions:
          best: {choose: [{collection: all}], context: {page: string}}
    """,
    "messages/hero.yaml": """\
        message: hero
        class: transactional
        offers: {hero: {decision: best, placement: {email: hero}}}
        email: {subject: Hello, text: "{{ offers.hero.content }}"}
    """,
    "journeys/tell.yaml": """\
        journey: tell
        entry: {event: Told}
        steps: [{id: tell, send: hero}, {id: stay, wait: 30d}]
    """,
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    write_texts(tmp_path / "shop", SHOP)
    return Project.load(tmp_path / "shop")


def open_in(folder: Path, project: Project) -> Engine:
    address = f"sqlite:///{folder}"
    return Engine.open(project, address, shards=SHARDS, runtime="local", records=["email"], settings=SETTINGS)


def live(engine: Engine) -> None:
    """Two people get offers by a request and in a mail, and one is shown, each in words of her own."""
    for words, person in PEOPLE.items():
        engine.identify(person, {"email": f"{words}-mail@mail.example", "city": f"{words}-trait"}).result()
        asked = [Asking("best", "agent", 2)]
        context, request = {"page": f"{words}-context"}, f"{words}-request"
        given = engine.decisions(person, asked, context=context, request_id=request).result(60).decisions[0].offers
        assert [each.name for each in given] == ["class", "mat"]
        assert given[0].proposition is not None
        engine.mark_offer(person, given[0].proposition, "clicked").result(60)
        engine.track(person, "Told").result(60)
    engine.drain(30)


def test_no_byte_is_left_of_offers_that_she_got(tmp_path: Path, project: Project) -> None:
    owners, folder = SlotMap(SHARDS), tmp_path / "store"
    assert owners.shard(name_of_offer("class")) != owners.shard(PERSON), "another shard was asked for her"
    with open_in(folder, project) as engine:
        live(engine)
    assert {canary for _, canary in found(folder, CANARIES)} == CANARIES, "they were planted"

    with open_in(folder, project) as engine:
        job = engine.erase(PERSON)
        assert engine.profile(PERSON) is None and engine.facts(PERSON) == []
        done(engine, folder, job)

        assert found(folder, CANARIES) == set()
        assert engine.troubles() == []
        other = engine.record("u1")
        assert other is not None and b"other-context" in b"".join(other.document())
