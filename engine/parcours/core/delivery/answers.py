"""Answers to outbound calls: the response, cut to the paths and kinds that the action declares.

A missing path stays missing, and a value of another kind is left out with a reason: expressions then find nothing
there. A run keeps the paths that its journey names, until no listener can read them any more.
"""

from __future__ import annotations

from collections.abc import Mapping

from parcours.core.delivery.deliveries import reach
from parcours.core.paths import keep, pick
from parcours.core.profile import DeliveryState, Run
from parcours.core.storable import objection
from parcours.core.turn import Turn
from parcours.expression.kinds import IS_OF


def take_answer(
    turn: Turn, run: Run, delivery: DeliveryState, answer: Mapping[str, object], reason: str | None = None
) -> None:
    """Mark the call as answered, and keep the answer for the run's listeners.

    reason  why parts of the response are missing
    """
    journey = turn.program.journey(run.journey, run.version)
    action = journey.actions.get(delivery.message) if journey else None
    fitting, faults = matching(answer, action.answer if action else {})
    if journey is not None and run.ended_at is None:
        delivery.answer = keep(fitting, journey.event_paths)
    delivery.marks["answered"] = turn.at
    reasons = ([reason] if reason else []) + faults
    reach(turn, run, delivery, "answered", reason="; ".join(reasons) or None)


def matching(answer: Mapping[str, object], kinds: Mapping[str, str]) -> tuple[dict[str, object], list[str]]:
    """The declared paths of the answer, and the complaints about those left out."""
    fitting: list[str] = []
    faults: list[str] = []
    for path, kind in sorted(kinds.items()):
        value = pick(answer, path)
        if value is None:
            continue
        fault = f"not of the kind {kind}" if not IS_OF[kind](value) else objection(value)
        if fault is None:
            fitting.append(path)
        else:
            faults.append(f"{path} is {fault}")
    return keep(answer, frozenset(fitting)), faults
