"""A running engine decides as the simulation does, whoever has the store open meanwhile."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from tests.engine.test_campaigns import until
from tests.simulation.test_decisions import DAY, START, asks_of, chosen_of, decided_of, lines_of, shop

from parcours import Engine
from parcours.clock import ManualClock
from parcours.core.fact import Decided, Fact
from parcours.simulation.simulation import simulate


@pytest.mark.parametrize("shards", [1, 2, 8])
def test_a_running_engine_gives_what_the_simulation_gives(tmp_path: Path, shards: int) -> None:
    project, asks, clock = shop(tmp_path / "shop"), asks_of(5, people=4), ManualClock(START)
    simulated = simulate(project, lines_of(asks)).facts
    ordered = sorted((at, who, total) for who, done in asks.items() for at, total in done)

    for part in (ordered[: len(ordered) // 2], ordered[len(ordered) // 2 :]):
        store = f"sqlite:///{tmp_path / 'store'}"
        with Engine.open(project, store, runtime="local", shards=shards, clock=clock) as engine:
            for at, who, total in part:
                clock.move_to(at)
                engine.track(who, "Asked", {"total": total}).result()
            if part[-1] is not ordered[-1]:
                continue
            clock.move_to(clock.now_ms() + DAY)
            for who, done in asks.items():
                until(partial(_agrees, engine, who, decisions(simulated, who)))
                assert decided_of(engine.facts(who), who) == chosen_of(done)
            told = engine.explain("u0")
            assert any("best at agent: weekly (score 9); large: " in note for _, note in told.notes)
            assert [(each.at, each.words) for each in told.decisions] == [
                note for note in told.notes if note[1].startswith("best at agent: ")
            ]
            assert any(each.startswith("large: ") for each in told.decisions[0].others)
            record = engine.record("u0")
            assert record is not None
            kept = json.loads(b"".join(record.document()))["profile"]["offers"]
            assert [each["offer"] for each in kept["propositions"]] == [name for _, name in chosen_of(asks["u0"])]


def decisions(facts: Sequence[Fact], who: str) -> list[Decided]:
    return [each for each in facts if isinstance(each, Decided) and each.person == who]


def _agrees(engine: Engine, who: str, expected: list[Decided]) -> bool:
    return decisions(engine.facts(who), who) == expected
