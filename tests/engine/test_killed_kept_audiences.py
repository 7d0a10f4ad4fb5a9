"""Is an audience that is kept up to date made once, and never half, wherever the process that makes it is killed?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.engine.kept_until_killed import PEOPLE, PLACES
from tests.engine.lives import Lives
from tests.simulation.test_kept_audiences import keeping
from tests.simulation.test_kept_audiences import shop as project_in

CALLS = {"made": (1, 2), "kept": (1, 2, 3, 4)}
"""At which calls of a place the process ends, where not at the first one."""

KILLS = 100 if "PARCOURS_FAULTS_FULL" in os.environ else 3
"""How often a process is killed at any time."""

LOST = PEOPLE - PEOPLE // 3


@pytest.fixture(scope="module")
def lives() -> Iterator[Lives]:
    with closing(Lives("tests.engine.kept_until_killed")) as opened:
        yield opened


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop whose schedule has long begun, so that the audience is made by hand."""
    folder = tmp_path_factory.mktemp("killed") / "shop"
    project_in(folder, keeping(rule="FREQ=YEARLY"))
    return folder


@pytest.fixture(scope="module")
def undisturbed(lives: Lives, shop: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What comes of it if nothing is killed."""
    told = lives.lived(str(shop), f"sqlite:///{tmp_path_factory.mktemp('undisturbed') / 'store'}")
    assert told is not None
    assert (told["state"], told["inside"], told["instants"], told["runs"]) == ("done", LOST, 1, 1)
    assert told["sizes"] == {"people": {"main": LOST}, "save": {"main": LOST}}
    assert (told["changes"], told["journey"]) == ({"entered": LOST}, {"1": LOST})
    assert told["troubles"] == []
    return told


@pytest.mark.parametrize(("place", "call"), [(place, call) for place in PLACES for call in CALLS.get(place, (1,))])
def test_wherever_it_is_killed_the_audience_is_made_once(
    lives: Lives, shop: Path, undisturbed: dict[str, Any], tmp_path: Path, place: str, call: int
) -> None:
    store = f"sqlite:///{tmp_path / 'store'}"

    assert lives.lived(str(shop), store, place, str(call)) is None, "the process ended at the place"
    assert lives.lived(str(shop), store) == undisturbed


def test_whenever_it_is_killed_the_audience_is_made_once(
    lives: Lives, shop: Path, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    chance, kills, stores = Random(20_261_130), 0, 0
    while kills < KILLS:
        stores += 1
        store = f"sqlite:///{tmp_path / f'store-{stores}'}"
        for _ in range(chance.randint(1, 3)):
            lives.killed_within(chance.uniform(0.1, 2.0), str(shop), store)
            kills += 1
        assert lives.lived(str(shop), store) == undisturbed
