"""Shrinking: faults and calls are left out of a plan for as long as it still breaks the same rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from msgspec.structs import replace

from parcours.testing.faults.plan import Call, Fault, Plan
from parcours.testing.faults.simulate import Outcome, simulate

T = TypeVar("T")

ATTEMPTS_MAX = 400
"""Runs spent on one plan: about a minute."""


def shrink(plan: Plan, attempts_max: int = ATTEMPTS_MAX, run: Callable[[Plan], Outcome] = simulate) -> Plan:
    """A smaller plan that breaks the rule that this one breaks first; the plan itself if it breaks none."""
    violations = run(plan).violations
    if not violations:
        return plan
    left = _Attempts(run, _rule(violations[0]), attempts_max)
    before: Plan | None = None
    while plan != before:
        before = plan
        plan = replace(plan, faults=_fewer(plan.faults, partial(_with_faults, left, plan)))
        plan = replace(plan, calls=_fewer(plan.calls, partial(_with_calls, left, plan)))
    return plan


def _with_faults(breaks: Callable[[Plan], bool], plan: Plan, faults: tuple[Fault, ...]) -> bool:
    return breaks(replace(plan, faults=faults))


def _with_calls(breaks: Callable[[Plan], bool], plan: Plan, calls: tuple[Call, ...]) -> bool:
    return breaks(replace(plan, calls=calls))


class _Attempts:
    def __init__(self, run: Callable[[Plan], Outcome], rule: str, left: int) -> None:
        self._run = run
        self._rule = rule
        self._left = left

    def __call__(self, plan: Plan) -> bool:
        """Whether the rule is still broken by this plan."""
        if self._left == 0:
            return False
        self._left -= 1
        return any(_rule(violation) == self._rule for violation in self._run(plan).violations)


def _rule(violation: str) -> str:
    return violation.partition(":")[0]


def _fewer(kept: Sequence[T], breaks: Callable[[tuple[T, ...]], bool]) -> tuple[T, ...]:
    """Leave out halves, then quarters ... then single ones."""
    kept = tuple(kept)
    size = max(1, len(kept) // 2)
    while kept:
        for end in range(len(kept), 0, -size):
            fewer = (*kept[: max(0, end - size)], *kept[end:])
            if len(fewer) < len(kept) and breaks(fewer):
                kept = fewer
        if size == 1:
            break
        size //= 2
    return kept
