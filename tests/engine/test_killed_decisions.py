"""Is no answered offer lost and no cap exceeded, wherever and whenever an engine that decides is killed?

After each kill what the store has is held against what was answered (decisions_until_killed.py). In the end one more
life asks until nothing is left, which shows that nothing that was granted and not used is kept from everybody.
"""

from __future__ import annotations

import logging
import os
import signal
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
from tests.engine.decisions_until_killed import PLACES, SHARDS, Ledger, Life
from tests.engine.lives import Lives
from tests.projects import write_texts

from parcours import Project
from parcours.config import DAY_MS
from parcours.core.fact import Decided, Fact, Learned, OfferGiven, OfferMarked
from parcours.core.fact_block import decode_facts
from parcours.simulation.simulation import simulate
from parcours.simulation.store_inputs import write_inputs
from parcours.store.address import open_store
from parcours.testing.doubles import SmtpServer

log = logging.getLogger(__name__)

KILLS = 200 if "PARCOURS_FAULTS_FULL" in os.environ else 10
KILLS_OF_A_STORE = 10 if "PARCOURS_FAULTS_FULL" in os.environ else 5

ANY_TIME = 6
"""So many kills at any time come to one at each of the places."""

CALLS_MAX = {"one is given back": 5}
"""At which calls of a place the process ends at the latest, where not at the fortieth."""

LONGEST_LIFE_S = 2.0
"""Of one that ends at a place, if it comes there."""

TIMES_MS = ((50, 40), (50, 0), (500, 100), (2_000, 0))
"""For answers to decisions, and what shards tell one another is under way for so long at most: some is too late."""

PATIENCE_MS = 60_000
"""In a last life a busy machine is no reason for an answer that comes too late."""

FEW_MAX = 70
SEATS_MAX = 50

SHOP = {
    "profile.yaml": "traits: {email: string, shy: boolean}\n",
    "events.yaml": "events: {Told: {}, Later: {}, Gone: {}}\n",
    "offers.yaml": f"""\
        placements:
          agent: {{channel: agent, format: text}}
          banner: {{channel: web, format: text}}
          hero: {{channel: email, format: text}}
        offers:
          few:
            priority: 9
            tags: [scarce]
            caps: [{{max: {FEW_MAX}, by: everybody}}, {{max: 4}}]
            content: &all {{agent: {{text: A}}, banner: {{text: B}}, hero: {{text: H}}}}
          seat:
            priority: 8
            tags: [scarce]
            caps: [{{max: {SEATS_MAX}, by: everybody, per: day}}, {{max: 3, of: shown}}]
            content: *all
          thrice: {{tags: [own], caps: [{{max: 3, of: shown}}], content: *all}}
          slowly: {{tags: [own], caps: [{{max: 1, per: 1s}}, {{max: 9}}], content: *all}}
          rest: {{tags: [own], content: *all}}
        collections: {{scarce: {{tags: {{any: [scarce]}}}}, own: {{tags: {{any: [own]}}}}}}
        rankings: {{learned: {{bandit: clicked, of: shown, every: 1s, prior: [1, 3]}}}}
        decisions:
          best: {{choose: [{{collection: scarce}}, {{collection: own, ranking: learned}}]}}
          scarce: {{choose: [{{collection: scarce}}]}}
    """,
    "messages/hero.yaml": """\
        message: hero
        class: transactional
        offers: {hero: {decision: best, placement: {email: hero}}}
        email: {subject: Hello, text: "{% if profile.shy %}{% abort 'shy' %}{% endif %}{{ offers.hero.content }}"}
    """,
    "journeys/tell.yaml": """\
        journey: tell
        entry: {event: Told}
        reentry: always
        exit: [{event: Gone}]
        steps: [{id: tell, send: hero}, {id: stay, wait: 100ms}]
    """,
    "journeys/later.yaml": """\
        journey: later
        entry: {event: Later}
        reentry: always
        steps: [{id: soon, wait: 50ms}, {id: pick, decide: best, placement: agent, as: best}, {id: done, end: true}]
    """,
}


class Cap(NamedTuple):
    """A cap of one person, as the project above has it."""

    most: int
    of: str = "decided"
    window_ms: int = 300 * DAY_MS


CAPS = {
    "few": (Cap(4),),
    "seat": (Cap(3, "shown"),),
    "thrice": (Cap(3, "shown"),),
    "slowly": (Cap(1, window_ms=1_000), Cap(9)),
    "rest": (),
}

Told = Mapping[str, Sequence[Fact]]
"""The facts of everybody, in their order."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("decisions") / "shop"
    with SmtpServer() as server:
        channel = f"{{host: 127.0.0.1, port: {server.port}, sender: shop@luma.example, tls: none}}"
        settings = (
            "project: shop\n"
            "insight: {inputs: true}\n"
            "policies: {consent: {default: opt_out}}\n"
            f"channels: {{email: {channel}}}\n"
        )
        write_texts(folder, {**SHOP, "parcours.yaml": settings})
        yield folder


@pytest.fixture(scope="module")
def lives(shop: Path) -> Iterator[Lives]:
    with closing(Lives("tests.engine.decisions_until_killed", str(shop))) as opened:
        yield opened


def test_no_answered_offer_is_lost_and_no_cap_exceeded_wherever_it_is_killed(
    lives: Lives, shop: Path, tmp_path: Path
) -> None:
    chance, at, seen, kills = Random(20_261_130), Counter[str](), Counter[str](), 0
    places = _places(chance)
    while kills < KILLS:
        store, ledger = tmp_path / f"store-{kills}", tmp_path / f"ledger-{kills}"
        for number in range(KILLS_OF_A_STORE):
            place, times_ms = next(places), chance.choice(TIMES_MS)
            call = chance.randint(1, CALLS_MAX.get(place or "", 40))
            life = Life(str(store), str(ledger), number, *times_ms, is_last=False, place=place, call=call)
            lasts_s = chance.uniform(0.05, 1.0) if place is None else LONGEST_LIFE_S
            ended, said = lives.live(life.written(), life_s=lasts_s)
            assert ended in (-signal.SIGKILL, -signal.SIGALRM), f"{ended}: {said[-3:]}"
            at[place if ended == -signal.SIGKILL and place is not None else "any time"] += 1
            _check(_facts(store), ledger)
        kills += KILLS_OF_A_STORE

        life = Life(str(store), str(ledger), KILLS_OF_A_STORE, PATIENCE_MS, 0, is_last=True, place=None, call=0)
        ended, said = lives.live(life.written())

        assert ended == 0, said[-3:]
        assert all("under way when the engine stopped" in each for each in said[-1]["troubles"]), said[-1]
        told = _facts(store)
        seen += _check(told, ledger)
        _check_all_is_given_out(told)
        _check_twin(store, told, Project.load(shop))
    log.info("%s kills: %s; %s", kills, dict(sorted(at.items())), dict(sorted(seen.items())))
    assert at["any time"] and len(at) > 1
    assert (
        not {"answered", "decided", "refused", "unknown", "given_back", "shown", "clicked", "dismissed"} - seen.keys()
    )


def _places(chance: Random) -> Iterator[str | None]:
    """Where one life after the other is to end; None: at any time."""
    while True:
        some = [*PLACES, *[None] * ANY_TIME]
        chance.shuffle(some)
        yield from some


def _facts(store: Path) -> Told:
    """All facts of a store that no engine has open, by person."""
    told: dict[str, list[Fact]] = {}
    if store.exists():
        for shard in range(SHARDS):
            with closing(open_store(f"sqlite:///{store}", shard)) as kept:
                for record in kept.records():
                    for fact in decode_facts(record.facts, "a record"):
                        told.setdefault(fact.person, []).append(fact)
    return told


def _check(told: Told, path: Path) -> Counter[str]:
    """What holds at any time: answers and marks are there once, and no cap is exceeded. Returns what there was."""
    with closing(Ledger(path)) as ledger:
        _check_answers(told, ledger)
        _check_marks(told, ledger)
        _check_totals(told)
        for person, facts in told.items():
            _check_caps(person, facts)
        return Counter({"answered": len(ledger.answers), "late": ledger.late}) + _figures(told)


def _check_answers(told: Told, ledger: Ledger) -> None:
    """Each request was decided at most once, and those that were answered as they were answered."""
    made: dict[str, list[Decided]] = {}
    for facts in told.values():
        for fact in facts:
            if isinstance(fact, Decided) and fact.origin in ledger.asked:
                made.setdefault(fact.origin, []).append(fact)
    for request, decided in made.items():
        person, asked = ledger.asked[request]
        assert [(each.person, each.decision, each.placement) for each in decided] == [
            (person, each.decision, each.placement) for each in asked
        ], f"{request} is decided once"
    for request, answer in ledger.answers.items():
        given = [
            [each.decision, each.placement, [[one.offer, one.proposition, one.score] for one in each.offers]]
            for each in made.get(request, ())
        ]
        assert given == answer, f"{request} was answered so"


def _check_marks(told: Told, ledger: Ledger) -> None:
    """Each mark is there once, of an offer that was given, and none that was acknowledged is missing."""
    marks = Counter(
        (fact.proposition, fact.mark) for facts in told.values() for fact in facts if isinstance(fact, OfferMarked)
    )
    given = {key for key, _ in marks}
    assert given <= {one.proposition for facts in told.values() for fact in facts for one in _offers(fact)}
    assert not ledger.marked - marks.keys()
    assert all(times == 1 for times in marks.values()), marks.most_common(3)


def _offers(fact: Fact) -> Sequence[OfferGiven]:
    return fact.offers if isinstance(fact, Decided) else ()


def _check_totals(told: Told) -> None:
    few, seats = _held(told)
    assert few <= FEW_MAX
    assert all(each <= SEATS_MAX for each in seats.values()), seats


def _held(told: Told) -> tuple[int, Counter[int]]:
    """Of the few, and of the seats by day (UTC), how many everybody has together: without what was given back."""
    days: dict[str, int] = {}
    few: set[str] = set()
    for facts in told.values():
        for fact in facts:
            if isinstance(fact, Decided):
                few |= {one.proposition for one in fact.offers if one.offer == "few"}
                days |= {one.proposition: fact.at // DAY_MS for one in fact.offers if one.offer == "seat"}
            elif isinstance(fact, OfferMarked) and fact.mark == "given_back":
                few.discard(fact.proposition)
                days.pop(fact.proposition, None)
    return len(few), Counter(days.values())


def _check_caps(person: str, facts: Sequence[Fact]) -> None:
    """At each decision there was room for what it chose under every cap of the person's own."""
    held: dict[str, tuple[str, int, set[str]]] = {}
    for fact in facts:
        if isinstance(fact, OfferMarked):
            if fact.mark == "given_back":
                del held[fact.proposition]
            else:
                held[fact.proposition][2].add(fact.mark)
        elif isinstance(fact, Decided):
            for one in fact.offers:
                for cap in CAPS[one.offer]:
                    counted = sum(
                        offer == one.offer and fact.at - cap.window_ms < at <= fact.at and _counts(cap, marks)
                        for offer, at, marks in held.values()
                    )
                    assert counted < cap.most, f"{person} got {one} beyond {cap}: {fact}"
                held[one.proposition] = one.offer, fact.at, set()


def _counts(cap: Cap, marks: set[str]) -> bool:
    """Whether a cap counts something: it was shown, or may still be."""
    return cap.of == "decided" or "shown" in marks or "dismissed" not in marks


def _check_all_is_given_out(told: Told) -> None:
    """Everybody has asked until there was no more: nothing that was granted and not used is kept from them."""
    few, seats = _held(told)
    today = max(fact.at for facts in told.values() for fact in facts if isinstance(fact, Decided)) // DAY_MS
    assert (few, seats[today]) == (FEW_MAX, SEATS_MAX)


def _check_twin(store: Path, told: Told, project: Project) -> None:
    """The inputs of the store decide the same once more."""
    out = store.with_name(f"{store.name}.ndjson")
    write_inputs(f"sqlite:///{store}", out)
    rejected: list[str] = []
    twin = simulate(project, out.read_bytes().splitlines(), rejected=lambda _, why: rejected.append(why))
    lived: dict[str, list[Fact]] = {}
    for fact in twin.facts:
        lived.setdefault(fact.person, []).append(fact)
    assert rejected == []
    for person in (*told, *lived):
        assert _deciding(lived.get(person, ())) == _deciding(told.get(person, ())), person


def _deciding(facts: Sequence[Fact]) -> list[Fact]:
    return [each for each in facts if isinstance(each, Decided | OfferMarked | Learned)]


def _figures(told: Told) -> Counter[str]:
    """What has come of it all, in numbers."""
    seen = Counter[str]()
    for facts in told.values():
        for fact in facts:
            if isinstance(fact, OfferMarked):
                seen[fact.mark] += 1
            elif isinstance(fact, Learned):
                seen["learned"] += 1
            elif isinstance(fact, Decided):
                seen["decided"] += 1
                seen["unknown"] += any(look[1] == "u" for tried in fact.trace for look in tried.looked)
                seen["refused"] += any(look[1] == "t" for tried in fact.trace for look in tried.looked)
    return seen
