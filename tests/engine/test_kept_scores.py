"""A running engine keeps scores as traits as the simulation does, whoever has the store open meanwhile."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from tests.engine.test_campaigns import until
from tests.simulation.test_kept_scores import DAY, START, days_of, kept_of, lines_of, project, told_of

from parcours import Engine
from parcours.clock import ManualClock
from parcours.simulation.simulation import simulate

END = START + 9 * DAY


@pytest.mark.parametrize("shards", [1, 2])
def test_a_running_engine_keeps_what_the_simulation_keeps(tmp_path: Path, shards: int) -> None:
    shop, days, clock = project(tmp_path / "shop"), days_of(7, people=4), ManualClock(START)
    simulated = [each for each in simulate(shop, lines_of(days), until_ms=END).facts if each.at < END]
    ordered = sorted((at, who, event) for who, done in days.items() for at, event in done)

    for part in (ordered[: len(ordered) // 2], ordered[len(ordered) // 2 :]):
        store = f"sqlite:///{tmp_path / 'store'}"
        with Engine.open(shop, store, runtime="local", shards=shards, clock=clock) as engine:
            for at, who, event in part:
                clock.move_to(at)
                engine.track(who, event).result()
            if part[-1] is not ordered[-1]:
                continue
            for who in days.keys() - {"last"}:
                expected = told_of(simulated, who)
                until(partial(_agrees, engine, who, expected))
                person = engine.profile(who)
                assert person is not None and person.traits["likely"] == kept_of(who, days[who], END)[-1][1]


def _agrees(engine: Engine, who: str, expected: tuple[list[int], list[int]]) -> bool:
    return told_of([each for each in engine.facts(who) if each.at < END], who) == expected
