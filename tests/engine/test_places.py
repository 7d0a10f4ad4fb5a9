"""A running engine tells of the same entries and exits as an independent program, and goes on after it was closed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from tests.engine.test_campaigns import until
from tests.model.reference.whereabouts import DAY, Told, told_of
from tests.model.walks import START, spots, walk
from tests.simulation.test_places import project_of

from parcours import Engine
from parcours.clock import ManualClock
from parcours.core.fact import Changed

WORDS = {"fix": ("Location Updated", ("lat", "lon", "accuracy")), "phone": ("Region Crossed", ("region", "way"))}


def told_by(engine: Engine) -> list[tuple[int, str | None, str]]:
    facts = engine.facts("sarah")
    return [(each.at, each.value, each.name) for each in facts if isinstance(each, Changed) and each.what == "place"]


def as_facts(told: list[Told]) -> list[tuple[int, str | None, str]]:
    return [(each.at, each.way, each.place) for each in told]


@pytest.mark.parametrize("seed", [0, 1, 2, 5])
def test_a_walk_is_told_as_it_happens_whoever_has_the_store_open(tmp_path: Path, seed: int) -> None:
    chance, clock = Random(seed), ManualClock(START)
    places = spots(chance)
    heard = [replace(each, told_at=each.at) for each in walk(chance, places)]
    expected = as_facts(told_of(places, heard))
    assert expected

    for part in (heard[: len(heard) // 2], heard[len(heard) // 2 :]):
        with Engine.open(project_of(places), f"sqlite:///{tmp_path}", runtime="local", shards=2, clock=clock) as engine:
            for each in part:
                clock.move_to(each.at)
                event, names = WORDS[each.what[0]]
                engine.track("sarah", event, dict(zip(names, each.what[1:], strict=True))).result()
            if part[-1] is heard[-1]:
                clock.move_to(clock.now_ms() + 9 * DAY)
                until(lambda: len(told_by(engine)) >= len(expected))
                assert told_by(engine) == expected
