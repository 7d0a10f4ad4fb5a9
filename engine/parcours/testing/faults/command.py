"""The command line: `python -m parcours.testing.faults`."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Final

import msgspec

from parcours.testing.faults.batch import Batch, run_batch
from parcours.testing.faults.plan import KINDS, Plan, plan_of
from parcours.testing.faults.shrink import shrink
from parcours.testing.faults.simulate import simulate

SEEDS: Final = 300
"""As many as the tests run: each kind of fault happens in them."""

TOLD_EVERY: Final = 100


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if every seed kept every promise and every kind of fault happened, else 1."""
    given = _parser().parse_args(arguments)
    if given.plan is not None:
        return _replay(msgspec.json.decode(given.plan.read_bytes(), type=Plan), None)
    if given.seed is not None:
        return _replay(plan_of(given.seed), given.keep)
    many = given.seeds or (SEEDS if given.seconds is None else None)
    seeds = itertools.islice(itertools.count(given.start), many)
    begun = monotonic()
    batch = run_batch(seeds, given.seconds, _tell, until_failure=given.first)
    took_s = max(monotonic() - begun, 1e-9)
    _say(f"{batch.seeds} seeds in {took_s:.1f} s, {batch.seeds / took_s:.1f} a second, {batch.commits} commits")
    _say_table("faults injected", {kind: batch.injected[kind] for kind in KINDS})
    _say_table("checks done", dict(batch.checked))
    for kind in batch.missing:
        _say(f"invalid: {kind!r} never happened; run more seeds")
    return 1 if batch.failed or batch.missing else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m parcours.testing.faults", description=__doc__)
    parser.add_argument("--seeds", type=int, help=f"how many seeds ({SEEDS})")
    parser.add_argument("--from", dest="start", type=int, default=0, help="the first seed (0)")
    parser.add_argument("--seconds", type=float, help="stop after so long")
    parser.add_argument("--first", action="store_true", help="stop at the first seed that fails")
    parser.add_argument("--seed", type=int, help="this seed alone, told in full and shrunk if it fails")
    parser.add_argument("--plan", type=Path, help="a plan that was kept, instead of a seed")
    parser.add_argument("--keep", type=Path, help="with --seed: where to keep the shrunk plan if it fails")
    return parser


def _replay(plan: Plan, keep: Path | None) -> int:
    outcome = simulate(plan)
    _say_table("faults injected", dict(outcome.injected))
    for violation in outcome.violations:
        _say(violation)
    if not outcome.violations:
        _say("every promise was kept")
        return 0
    smaller = shrink(plan)
    _say(f"\nshrunk to {len(smaller.calls)} calls and {len(smaller.faults)} faults:")
    text = msgspec.json.format(msgspec.json.encode(smaller), indent=1)
    _say(text.decode())
    for violation in simulate(smaller).violations:
        _say(violation)
    if keep is not None:
        keep.write_bytes(text + b"\n")
    return 1


def _tell(seed: int, batch: Batch) -> None:
    if seed in batch.failed:
        _say(f"seed {seed} fails: {batch.failed[seed][0]}")
        _say(f"  again, and shrunk: python -m parcours.testing.faults --seed {seed}")
    if batch.seeds % TOLD_EVERY == 0:
        _say(f"{batch.seeds} seeds, {len(batch.failed)} failed")


def _say_table(title: str, rows: dict[str, int]) -> None:
    _say(f"\n{title}")
    width = max(map(len, rows), default=0)
    for name, count in rows.items():
        _say(f"  {name:<{width}}  {count:>7}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
