"""A batch of seeds: run one after the other, counted together, and judged as a whole.

A batch is invalid in which a kind of fault never happened: it would prove nothing about it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import monotonic

from parcours.testing.faults.plan import KINDS, plan_of
from parcours.testing.faults.simulate import Outcome, simulate


@dataclass(slots=True)
class Batch:
    """What a batch came to. `failed` has the violations of each seed that has some."""

    seeds: int = 0
    commits: int = 0
    failed: dict[int, tuple[str, ...]] = field(default_factory=dict)
    injected: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)

    def add(self, seed: int, outcome: Outcome) -> None:
        self.seeds += 1
        self.commits += outcome.commits
        self.injected += outcome.injected
        self.checked += outcome.checked
        if outcome.violations:
            self.failed[seed] = outcome.violations

    @property
    def missing(self) -> list[str]:
        """Kinds of faults that never happened."""
        return [kind for kind in KINDS if not self.injected[kind]]


def run_batch(
    seeds: Iterable[int],
    seconds: float | None = None,
    progress: Callable[[int, Batch], None] | None = None,
    *,
    until_failure: bool = False,
) -> Batch:
    """Run these seeds, or as many as there is time for; `progress` is called after each.

    until_failure  stop after the first seed that fails
    """
    batch = Batch()
    until_s = None if seconds is None else monotonic() + seconds
    for seed in seeds:
        if until_s is not None and monotonic() >= until_s:
            break
        batch.add(seed, simulate(plan_of(seed)))
        if progress is not None:
            progress(seed, batch)
        if until_failure and batch.failed:
            break
    return batch
