"""The engine keeps its promises under simulated faults; the same seed is the same run; failures are shrunk and kept."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.faults.plans import kept, read_plan

from parcours.shard.shard import Shard
from parcours.testing.faults import loop
from parcours.testing.faults.batch import Batch, run_batch
from parcours.testing.faults.command import SEEDS, main
from parcours.testing.faults.plan import KINDS, Call, CallFault, Plan, StoreFault, plan_of
from parcours.testing.faults.shrink import shrink
from parcours.testing.faults.simulate import Outcome, simulate

TRIED = range(SEEDS) if "PARCOURS_FAULTS_FULL" in os.environ else range(100, 210)
"""The seeds that are tried. Rare kinds of faults happen in one of a hundred seeds: the short form has one of each.

Where a change leaves a kind without a seed among these, the long form tells which others it happens in.
"""


def test_no_seed_breaks_a_promise_and_every_kind_of_fault_happens() -> None:
    batch = run_batch(TRIED)

    assert batch.failed == {}
    assert batch.missing == []
    assert min(batch.checked.values()) > len(TRIED)


def test_the_same_seed_is_the_same_run() -> None:
    plan = plan_of(11)

    one, same = simulate(plan), simulate(plan)

    assert one.injected == same.injected
    assert one.ledgers is not None and same.ledgers is not None
    assert one.ledgers.facts == same.ledgers.facts
    assert one.ledgers.attempts == same.ledgers.attempts


@pytest.mark.parametrize("path", kept("seeds"), ids=lambda path: path.stem)
def test_a_plan_that_failed_once_is_kept_and_fails_no_more(path: Path) -> None:
    assert simulate(read_plan(path)).violations == ()


def test_a_batch_without_some_kind_of_fault_is_invalid(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "1"]) == 1

    assert "never happened; run more seeds" in capsys.readouterr().out


def test_a_batch_counts_what_its_seeds_came_to() -> None:
    batch = Batch()

    batch.add(1, Outcome((), Counter(dict.fromkeys(KINDS, 1)), Counter({"order": 2})))
    batch.add(2, Outcome(("order: wrong",), Counter(), Counter({"order": 3})))

    assert (batch.seeds, batch.failed, batch.missing) == (2, {2: ("order: wrong",)}, [])
    assert batch.checked == {"order": 5}


def test_a_shard_that_stops_whenever_it_is_opened_is_told_with_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def passing(*_given: object) -> None:
        raise KeyError("no such entry")

    monkeypatch.setattr(Shard, "passing", passing)
    monkeypatch.setattr(loop, "ROUNDS_MAX", 3_000)

    (violation,) = simulate(plan_of(11)).violations

    assert violation.startswith("rest: 3,000 rounds of the loop, and no end; shard ")
    assert "has stopped at" in violation and "no such entry" in violation


def test_a_failing_plan_is_shrunk_to_what_it_takes() -> None:
    needed = CallFault("late", 0, "take", 3)
    others = tuple(StoreFault("crash after", 0, "append", number) for number in range(9))
    calls = tuple(Call(float(number), ({"userId": "p", "number": number},)) for number in range(12))
    plan = Plan(1, calls, (*others, needed, *others))

    def run(tried: Plan) -> Outcome:
        fails = needed in tried.faults and calls[5] in tried.calls
        return Outcome(("order: it is wrong",) if fails else ())

    assert shrink(plan, run=run) == replace(plan, calls=(calls[5],), faults=(needed,))
