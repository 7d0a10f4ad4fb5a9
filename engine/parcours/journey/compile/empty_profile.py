"""Audiences that hold for an empty profile: a person enters such an audience by her first event, whatever it is."""

from __future__ import annotations

from collections.abc import Iterable

from parcours.expression.expression import Expression
from parcours.expression.values import NoHistory, Scope
from parcours.journey.program import Audience, ConsentPolicy


class _EmptyProfile(NoHistory):
    """The history of an empty profile: no events, no audience that was saved, and the consent that is assumed."""

    __slots__ = ("_policy",)

    def __init__(self, policy: ConsentPolicy) -> None:
        self._policy = policy

    def consent(self, channel: str, purpose: str) -> bool:
        return self._policy.assumes(channel)


def waking(audiences: Iterable[Audience], policy: ConsentPolicy, events: Iterable[str]) -> set[str]:
    """The event types that a person enters audiences by: all of them if some audience may hold for an empty profile."""
    holds = any(may_hold_for_empty_profile(audience.condition, policy) for audience in audiences)
    return set(events) if holds else set()


def may_hold_for_empty_profile(condition: Expression, policy: ConsentPolicy) -> bool:
    """Whether an audience's condition is met by an empty profile at any time.

    The condition's change times do not depend on the person where there are no traits and no history. So it is enough
    to evaluate it at the beginning of time and at each of them.
    """
    now_ms: int | None = 0
    while now_ms is not None:
        scope = Scope(now_ms=now_ms, history=_EmptyProfile(policy))
        if condition.holds(scope):
            return True
        now_ms = condition.next_change(scope)
    return False
