"""Does each destination have whoever is a member in the end, wherever the engine that tells it was killed?"""

from __future__ import annotations

import json
import logging
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.engine.destinations_until_killed import PEOPLE, PLACES, line
from tests.engine.lives import Life, Lives
from tests.engine.test_destinations import Desk
from tests.projects import write_texts

log = logging.getLogger(__name__)

KILLS = 200 if "PARCOURS_FAULTS_FULL" in os.environ else 16
KILLS_OF_A_STORE = 10 if "PARCOURS_FAULTS_FULL" in os.environ else 8

LONGEST_LIFE_S = 0.6
LAST_LINES = 40


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with Desk() as desk:
        yield desk


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, desk: Desk) -> Path:
    folder = tmp_path_factory.mktemp("destinations") / "shop"
    write_texts(
        folder,
        {
            "parcours.yaml": "project: shop\nanonymous_history: used\npolicies: {consent: {default: opt_in}}\n",
            "profile.yaml": "traits: {email: string, city: string}\n",
            "events.yaml": "events: {Bought: {}}\n",
            "audiences.yaml": 'audiences:\n  vip: profile.city == "Paris"\n  buyers: count("Bought", "365d") > 0\n',
            "destinations.yaml": f"""
            destinations:
              hook:
                audience: vip
                to: {{webhook: {{url: "{desk.url}"}}}}
                key: profile.email
                consent: {{channel: email, purpose: ads}}
                batch: 3
              file: {{audience: buyers, to: {{file: out/buyers.ndjson}}}}
            """,
        },
    )
    return folder


@pytest.fixture(scope="module")
def lives(shop: Path) -> Iterator[Lives]:
    with closing(Lives("tests.engine.destinations_until_killed", str(shop))) as opened:
        yield opened


def test_wherever_it_is_killed_the_other_side_has_the_members(
    lives: Lives, shop: Path, desk: Desk, tmp_path: Path
) -> None:
    chance, kills, stores, at = Random(20_261_130), 0, 0, Counter[str]()
    file = shop / "out" / "buyers.ndjson"
    while kills < KILLS:
        store, taken = tmp_path / f"store-{stores}", 0
        desk.requests.clear()
        file.unlink(missing_ok=True)
        for _ in range(KILLS_OF_A_STORE):
            place = chance.choice([*PLACES, None])
            lasts_s = chance.uniform(0.01, LONGEST_LIFE_S) if place is None else LONGEST_LIFE_S
            taken = lives.killed(Life(str(store), taken, None, lasts_s, place, chance.randint(1, 9)), at)
        kills, stores = kills + KILLS_OF_A_STORE, stores + 1

        ended, said = lives.live(Life.last(store, taken, LAST_LINES).written())

        assert ended == 0, said[-3:]
        vips, buyers = expected(taken + LAST_LINES)
        told = [change for request in desk.requests for change in request]
        assert members(told) == members(once(told)) == vips
        lines = [json.loads(text) for text in file.read_text().splitlines()]
        assert lines == once(lines), "each change is in the file once"
        assert members(lines) == buyers
    log.info("%s kills in %s stores: %s", kills, stores, dict(sorted(at.items())))
    assert len(at) > 4


def once(changes: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Each change where it came first."""
    return list({change["id"]: change for change in reversed([*changes])}.values())[::-1]


def members(changes: Iterable[Mapping[str, Any]]) -> set[str]:
    """The keys that the other side has if it does as it is told."""
    there = set[str]()
    for change in changes:
        (there.add if change["change"] == "entered" else there.discard)(change["key"])
    return there


def expected(lines: int) -> tuple[set[str], set[str]]:
    """By the last word of each kind: the addresses of members in Paris who agree, and the names of those who bought."""
    traits, agreed = defaultdict[object, dict[str, object]](dict), dict[object, object]()
    bought, linked = set[str](), set[str]()
    for said in map(line, range(lines)):
        match said["type"]:
            case "identify":
                given = said["traits"]
                assert isinstance(given, dict)
                traits[said["userId"]] |= given
                if "anonymousId" in said:
                    linked.add(str(said["userId"])[1:])
            case "consent":
                agreed[said["userId"]] = said["granted"]
            case _:
                bought.add(str(said["anonymousId"])[1:])
    inside = [of for who, of in traits.items() if of.get("city") == "Paris" and agreed.get(who)]
    vips = {str(of["email"]) for of in inside if "email" in of}
    assert bought <= {str(number) for number in range(PEOPLE)}
    return vips, {f"u{number}" if number in linked else f"@anonymous/v{number}" for number in bought}
