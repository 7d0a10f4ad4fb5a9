"""Is somebody in an audience of whom nothing is known? Then whatever she does first brings her into it."""

from __future__ import annotations

from collections.abc import Iterable

from parcours.expression.expression import Expression
from parcours.expression.values import NoHistory, Scope
from parcours.journey.program import Audience, ConsentPolicy


class _EmptyProfile(NoHistory):
    """Did nothing yet, and is held to have agreed to what the policy says."""

    __slots__ = ("_policy",)

    def __init__(self, policy: ConsentPolicy) -> None:
        self._policy = policy

    def consent(self, channel: str, purpose: str) -> bool:
        return self._policy.assumes(channel)


def waking(audiences: Iterable[Audience], policy: ConsentPolicy, events: Iterable[str]) -> set[str]:
    """Those of a project's event types that make somebody known: all of them, if that may put her into an audience."""
    holds = any(may_hold_for_empty_profile(audience.condition, policy) for audience in audiences)
    return set(events) if holds else set()


def may_hold_for_empty_profile(condition: Expression, policy: ConsentPolicy) -> bool:
    """Whether an audience's condition is met by an empty profile, at whatever time.

    Where time matters, `now` is compared with instants that are the same for everybody who has no traits and no
    history: so the condition is looked at before the first of them and at each.
    """
    now_ms: int | None = 0
    while now_ms is not None:
        scope = Scope(now_ms=now_ms, history=_EmptyProfile(policy))
        if condition.holds(scope):
            return True
        now_ms = condition.next_change(scope)
    return False
