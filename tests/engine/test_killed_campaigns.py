"""Does a campaign come to the same sets and deliveries wherever the process that conducts it is killed?"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.engine.campaign_until_killed import PEOPLE, PLACES
from tests.engine.lives import Lives
from tests.simulation.campaign_shop import campaign, project_in

STEPS: tuple[dict[str, Any], ...] = (
    {"id": "all", "read": {"where": "has(profile.email)"}},
    {
        "id": "half",
        "split": {"even": ["a", "b"]},
        "experiment": {"goal": {"event": "Bought", "within": "1d"}, "control": "b"},
    },
    {"id": "kept", "from": "half.a", "save": "best"},
    {"id": "rest", "from": "half.b", "filter": "profile.score >= 0"},
    {"id": "mail", "send": "news", "channels": ["email"], "rate": "1000/s"},
    {"id": "later", "wait": "200ms"},
    {"id": "again", "filter": "profile.score < 1000000"},
    {"id": "second", "send": "news", "channels": ["email"], "waves": {"parts": 2, "every": "200ms"}},
)

HALF = PEOPLE // 2

CALLS = {"before_sets": (1, 5), "after_sets": (3, 7), "slice": (2, 5), "noted": (4, 12), "kept": (2, 6, 10, 16)}
"""At which calls of a place the process ends, where not at the first one."""


KILLS = 200 if "PARCOURS_FAULTS_FULL" in os.environ else 4
"""How often a process is killed at any time."""

LONGEST_LIFE_S = 3.0


@pytest.fixture(scope="module")
def lives() -> Iterator[Lives]:
    with closing(Lives("tests.engine.campaign_until_killed")) as opened:
        yield opened


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("killed") / "shop"
    project_in(folder, campaign(*STEPS))
    return folder


@pytest.fixture(scope="module")
def undisturbed(lives: Lives, shop: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What comes of the campaign if nothing is killed."""
    told = lives.lived(str(shop), f"sqlite:///{tmp_path_factory.mktemp('undisturbed') / 'store'}")
    assert told is not None
    assert told["state"] == "done"
    assert told["sizes"]["mail.main"] == told["sizes"]["second.main"] == told["sizes"]["kept.main"] == HALF
    assert told["reached"] == {"mail": {"1": HALF}, "second": {"1": HALF}}
    assert told["saved"] == [HALF]
    assert Counter(part for _, step, part in told["parts"] if step == "half") == {"0": HALF, "1": HALF}
    return told


@pytest.mark.parametrize(("place", "call"), [(place, call) for place in PLACES for call in CALLS.get(place, (1,))])
def test_wherever_it_is_killed_everybody_gets_everything_once(
    lives: Lives, shop: Path, undisturbed: dict[str, Any], tmp_path: Path, place: str, call: int
) -> None:
    store = f"sqlite:///{tmp_path / 'store'}"

    assert lives.lived(str(shop), store, place, str(call)) is None, "the process ended at the place"
    assert lives.lived(str(shop), store) == undisturbed


def test_whenever_it_is_killed_everybody_gets_everything_once(
    lives: Lives, shop: Path, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    chance, kills, stores = Random(20_261_129), 0, 0
    while kills < KILLS:
        stores += 1
        store = f"sqlite:///{tmp_path / f'store-{stores}'}"
        for _ in range(chance.randint(1, 4)):
            lives.killed_within(chance.uniform(0.1, LONGEST_LIFE_S), str(shop), store)
            kills += 1
        assert lives.lived(str(shop), store) == undisturbed
