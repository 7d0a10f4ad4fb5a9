"""Scores that are kept as traits, in a simulation: what an independent account says, on any number of shards."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from hashlib import blake2b
from math import exp
from pathlib import Path
from random import Random

import pytest
from tests.projects import write_texts
from tests.training.conftest import BEGIN

from parcours.core.fact import Changed, Fact, Moved
from parcours.core.time_text import time_text
from parcours.instants import floor_ms
from parcours.journey.project import Project
from parcours.simulation.simulation import simulate

START, HOUR, DAY = floor_ms(BEGIN), 3_600_000, 86_400_000
EVERY, WINDOW = 6 * HOUR, 2 * DAY

SHOP = {
    "parcours.yaml": "project: shop\n",
    "profile.yaml": "traits: {likely: number}\n",
    "events.yaml": "events: {Seen: {}, Looked: {}, Bought: {}}\n",
    "audiences.yaml": "audiences: {likely: profile.likely > 0.5}\n",
    "scores.yaml": """\
        scores:
          buy:
            predicts: {event: Bought, within: 7d}
            features: {seen: 'count("Seen", "2d")', looked: 'count("Looked", "2d")'}
            model: {file: buy.json, kind: logistic}
            keep: {trait: likely, on: [Seen], every: 6h}
    """,
    "buy.json": """{"format": 1, "score": "buy", "kind": "logistic", "intercept": -2, "weights": [1, 0.5], "features": [
        {"name": "seen", "text": "count(\\"Seen\\", \\"2d\\")"},
        {"name": "looked", "text": "count(\\"Looked\\", \\"2d\\")"}]}""",
    "journeys/likely.yaml": """\
        journey: likely
        entry: {audience: likely}
        reentry: always
        exit: [{audience: likely, change: left}]
        steps: [{id: there, wait: 90d}]
    """,
}

Days = dict[str, list[tuple[int, str]]]


def days_of(seed: int, people: int = 6) -> Days:
    """What some people do within five days; the last thing of all lies nine days after the first."""
    chance, done = Random(seed), Days()
    for number in range(people):
        times = sorted(chance.sample(range(5 * DAY), chance.randrange(1, 14)))
        done[f"u{number}"] = [(START + at, chance.choice(["Seen", "Looked"])) for at in times]
    done["last"] = [(START + 9 * DAY, "Looked")]
    return done


def kept_of(person: str, done: Sequence[tuple[int, str]], end: int) -> list[tuple[int, float]]:
    """By hand: what is kept of her, from when on. `end` is the last instant that is looked at."""
    begin = int.from_bytes(blake2b(f"buy\0{person}".encode()).digest()[:8], "big") % EVERY
    first = done[0][0]
    ticks = range(first + EVERY - (first - begin) % EVERY, end + 1, EVERY)
    looks = sorted({*ticks, *(at for at, name in done if name == "Seen")})
    kept: list[tuple[int, float]] = []
    for at in looks:
        counts = [bisect_right(times, at) - bisect_right(times, at - WINDOW)
                  for times in ([t for t, name in done if name == kind] for kind in ("Seen", "Looked"))]  # fmt: skip
        score = round(1 / (1 + exp(2 - counts[0] - 0.5 * counts[1])), 6)
        if not kept or kept[-1][1] != score:
            kept.append((at, score))
    return kept


def entered_of(kept: Sequence[tuple[int, float]]) -> list[int]:
    before = [0.0, *(score for _, score in kept)]
    return [at for (at, score), old in zip(kept, before, strict=False) if score > 0.5 >= old]


def lines_of(days: Days) -> list[bytes]:
    calls = [
        {"type": "track", "userId": who, "event": event, "timestamp": time_text(at)}
        for who, done in days.items()
        for at, event in done
    ]
    return [json.dumps(each).encode() for each in sorted(calls, key=lambda call: (call["timestamp"], call["userId"]))]


def project(folder: Path) -> Project:
    write_texts(folder, SHOP)
    return Project.load(folder)


def told_of(facts: Sequence[Fact], who: str) -> tuple[list[int], list[int]]:
    """When her trait changed, and when she entered."""
    mine = [each for each in facts if getattr(each, "person", None) == who]
    return (
        [each.at for each in mine if isinstance(each, Changed) and each.name == "likely" and each.what == "trait"],
        [each.at for each in mine if isinstance(each, Moved) and each.what == "entered"],
    )


@pytest.mark.parametrize("seed", range(3))
def test_it_is_as_an_independent_account_says_on_any_number_of_shards(tmp_path: Path, seed: int) -> None:
    shop, days = project(tmp_path), days_of(seed)
    end = START + 9 * DAY

    results = [list(simulate(shop, lines_of(days), until_ms=end, shards=shards).facts) for shards in (1, 2, 8)]

    total = 0
    for who, done in days.items():
        kept = [each for each in kept_of(who, done, end) if each[0] < end]
        told = told_of([each for each in results[0] if each.at < end], who)
        assert told == ([at for at, _ in kept], entered_of(kept)), who
        total += len(entered_of(kept))
    assert total > 3
    assert sorted(map(repr, results[0])) == sorted(map(repr, results[1])) == sorted(map(repr, results[2]))
