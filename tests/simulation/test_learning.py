"""Rankings that learn, in a simulation: everybody gets what counting by hand gives her, on any number of shards."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from random import Random
from statistics import NormalDist
from typing import Any, NamedTuple

import pytest
from tests.projects import write_texts

from parcours.core.delivery.proposition_key import proposition_key
from parcours.core.fact import Decided, Learned
from parcours.core.time_text import time_text
from parcours.journey.project import Project
from parcours.simulation.result_files import write_results
from parcours.simulation.simulation import simulate

START, SECOND, MINUTE = 1_772_442_000_000, 1_000, 60_000
CITIES = ("Atlanta", "Boston", None)
OFFERS = ("a", "b", "c")


def shop(folder: Path, ranking: str) -> Project:
    texts = {
        "parcours.yaml": "project: shop\n",
        "profile.yaml": "traits: {city: string}\n",
        "events.yaml": "events: {Asked: {}}\n",
        "offers.yaml": f"""\
            placements: {{agent: {{channel: agent, format: text}}}}
            offers:
              a: {{content: {{agent: {{text: A}}}}}}
              b: {{content: {{agent: {{text: B}}}}}}
              c: {{eligible: profile.city != "Boston", content: {{agent: {{text: C}}}}}}
            rankings: {{learned: {ranking}}}
            decisions: {{best: {{choose: [{{collection: all, ranking: learned}}]}}}}
        """,
        "journeys/ask.yaml": """\
            journey: ask
            entry: {event: Asked}
            reentry: always
            steps: [{id: later, wait: 10s}, {id: pick, decide: best, placement: agent, as: best}, {id: done, end: true}]
        """,
    }
    write_texts(folder, texts)
    return Project.load(folder)


class Mark(NamedTuple):
    at: int
    ask: int
    what: str


class Life(NamedTuple):
    """What one person does: when she asks, and the marks of what she gets, by the number of the ask."""

    city: str | None
    asks: list[int]
    marks: list[Mark]


def lives_of(seed: int, people: int = 12) -> dict[str, Life]:
    chance = Random(seed)
    lives = {}
    for number in range(people):
        times = sorted(chance.sample(range(0, 40 * MINUTE, 15 * SECOND), 8))
        asks = [START + at for at in times]
        marks = []
        for ask, at in enumerate(asks):
            decided = at + 10 * SECOND
            if chance.random() < 0.8:
                shown = decided + chance.choice((1, SECOND, MINUTE - decided % MINUTE, 7 * MINUTE))
                marks.append(Mark(shown, ask, "shown"))
                if chance.random() < 0.5:
                    marks.append(Mark(shown + chance.choice((1, MINUTE)), ask, "clicked"))
        lives[f"u{number}"] = Life(chance.choice(CITIES), asks, marks)
    return lives


def key_of(who: str, ask: int) -> str:
    return proposition_key("shop", who, "best", "agent", f"ask/{ask + 1}/pick/1", 0)


def lines_of(lives: Mapping[str, Life]) -> list[bytes]:
    calls: list[tuple[int, str, dict[str, Any]]] = []
    for who, life in lives.items():
        if life.city is not None:
            calls.append((START - MINUTE, who, {"type": "identify", "traits": {"city": life.city}}))
        calls += [(at, who, {"type": "track", "event": "Asked"}) for at in life.asks]
        for mark in life.marks:
            told = {"type": "proposition", "mark": mark.what, "proposition": key_of(who, mark.ask)}
            calls.append((mark.at, who, told))
    ordered = sorted(calls, key=lambda call: call[0])
    return [
        json.dumps({**call, "userId": who, "messageId": f"m{number}", "timestamp": time_text(at)}).encode()
        for number, (at, who, call) in enumerate(ordered)
    ]


def hashed(*names: object) -> int:
    return int(hashlib.blake2b("\0".join(map(str, names)).encode()).hexdigest()[:16], 16)


def by_hand(lives: Mapping[str, Life], every: int, explore: int, *, apart: bool) -> dict[str, list[str]]:
    """What everybody gets, by going through all that has been marked before the newest tick each time."""
    got: dict[str, list[str]] = {who: [] for who in lives}
    marked: list[tuple[int, str, str | None, str]] = []
    asks = sorted((at + 10 * SECOND, who) for who, life in lives.items() for at in life.asks)
    for at, who in asks:
        tick, city = at // every, lives[who].city
        scores = {}
        for offer in OFFERS if city != "Boston" and city is not None else OFFERS[:2]:
            if hashed("explore", "best", "", who, tick) % 10_000 < explore:
                scores[offer] = (hashed("explore", "best", offer, who, tick) + 0.5) / 2**64
                continue
            told = [each for each in marked if each[0] < tick * every and each[1] == offer]
            told = [each for each in told if not apart or each[2] == city]
            shown, clicked = (sum(each[3] == what for each in told) for what in ("shown", "clicked"))
            a, b = 1 + clicked, 3 + max(shown - clicked, 0)
            spread = math.sqrt(a * b / ((a + b) ** 2 * (a + b + 1)))
            drawn = NormalDist().inv_cdf((hashed("best", offer, who, tick) + 0.5) / 2**64)
            scores[offer] = a / (a + b) + spread * drawn
        chosen = max(scores, key=lambda offer: (scores[offer], [-byte for byte in offer.encode()]))
        number = len(got[who])
        got[who].append(chosen)
        marked += [(each.at, chosen, city, each.what) for each in lives[who].marks if each.ask == number]
    return got


RANKINGS = {
    "alone": ("{bandit: clicked, of: shown, every: 1m, prior: [1, 3]}", MINUTE, 0, False),
    "by-seconds": ("{bandit: clicked, of: shown, every: 7s, prior: [1, 3]}", 7 * SECOND, 0, False),
    "exploring": ("{bandit: clicked, of: shown, prior: [1, 3], explore: 25%}", MINUTE, 2_500, False),
    "apart": ("{bandit: clicked, of: shown, prior: [1, 3], within: profile.city}", MINUTE, 0, True),
}


@pytest.mark.parametrize("name", RANKINGS)
def test_everybody_gets_what_counting_by_hand_gives_her(tmp_path: Path, name: str) -> None:
    ranking, every, explore, apart = RANKINGS[name]
    project, lives = shop(tmp_path / "shop", ranking), lives_of(1)
    files = []
    for shards in (1, 2, 8):
        found = simulate(project, lines_of(lives), shards=shards)
        decided = [each for each in found.facts if isinstance(each, Decided)]
        got = {who: [each.offers[0].offer for each in decided if each.person == who] for who in lives}
        assert got == by_hand(lives, every, explore, apart=apart)
        write_results(tmp_path / str(shards), found.facts, found.summary)
        files.append({path.name: path.read_bytes() for path in (tmp_path / str(shards)).iterdir()})

    assert files[0] == files[1] == files[2]


def test_a_lesson_is_told_at_the_tick_after_something_was_new_and_at_no_other(tmp_path: Path) -> None:
    project = shop(tmp_path / "shop", RANKINGS["alone"][0])
    life = Life("Atlanta", [START], [Mark(START + 20 * SECOND, 0, "shown"), Mark(START + 30 * MINUTE, 0, "clicked")])
    year = Life("Atlanta", [START + 365 * 1_440 * MINUTE], [])

    found = simulate(project, lines_of({"u0": life, "u1": year}))

    told = [(each.at, each.groups) for each in found.facts if isinstance(each, Learned)]
    offer = next(each for each in found.facts if isinstance(each, Decided)).offers[0].offer
    tick = (START // MINUTE + 1) * MINUTE
    assert told == [(tick, {"": {offer: (1, 0)}}), (tick + 30 * MINUTE, {"": {offer: (1, 1)}})]
