"""Is each line applied once and in its order, while people move between shards and anything may fail?"""

from __future__ import annotations

import os
from collections import Counter
from typing import get_args

import pytest
from tests.model.movers import Mutant
from tests.model.moving import World

FULL = "PARCOURS_FAULTS_FULL" in os.environ
SEEDS = 2_000 if FULL else 60
MUTANT_SEEDS = 400


def test_every_line_is_applied_once_and_in_order_whatever_fails() -> None:
    figures: Counter[str] = Counter()
    for seed in range(SEEDS):
        world = World(seed)
        wrong = world.run()
        assert wrong is None, f"seed {seed}: {wrong}"
        figures += world.figures
    seen = ("crashes", "routers lost", "later", "moved", "back", "package", "forgotten", "with all others", "too late")
    assert all(figures[each] for each in seen), "and all of it has happened"


@pytest.mark.parametrize("mutant", get_args(Mutant))
def test_each_rule_is_needed(mutant: Mutant) -> None:
    assert any(World(seed, mutant).run() for seed in range(MUTANT_SEEDS)), "no seed notices"


def test_without_the_rule_of_again_order_breaks_in_most_lives() -> None:
    wrong = [World(seed, "later lines are taken").run() is not None for seed in range(60)]
    assert sum(wrong) > len(wrong) / 2
