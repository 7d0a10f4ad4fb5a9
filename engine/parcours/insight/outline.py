"""The outline of a compiled journey in an author's words: what starts it, and what its steps wait for."""

from __future__ import annotations

from parcours.core.time_text import time_text
from parcours.expression.definition_keys import plain
from parcours.journey.program import (
    CampaignEntry,
    EventEntry,
    EventListener,
    Journey,
    ReactionListener,
    ReadEntry,
    Trigger,
    WaitFor,
)


def starts_by(journey: Journey) -> str:
    """The events or conditions that start the journey."""
    return _start(journey.entry)


def _start(entry: object) -> str:
    if isinstance(entry, EventEntry):
        return " or ".join(_event(each) for each in entry.triggers)
    if isinstance(entry, ReadEntry):
        return f"a read of {plain(entry.audience)} at {time_text(entry.at_ms)}"
    if isinstance(entry, CampaignEntry):
        return "a run of the campaign takes people along"
    return _of_audience(entry)


def _event(trigger: Trigger) -> str:
    return trigger.name if trigger.when is None else f"{trigger.name} when {trigger.when.text}"


def awaited(journey: Journey | None, step: str | None) -> list[str]:
    """What would move a run on from this step before its time-out; nothing where the step only waits."""
    found = journey.steps.get(step) if journey is not None and step is not None else None
    return [_listener(each) for each in found.listeners] if isinstance(found, WaitFor) else []


def _listener(listener: object) -> str:
    if isinstance(listener, EventListener):
        return listener.trigger.name
    if isinstance(listener, ReactionListener):
        on = f" on {listener.channel}" if listener.channel else ""
        return f"{listener.reaction} of {listener.of}{on}"
    return _of_audience(listener)


def _of_audience(part: object) -> str:
    change, audience = getattr(part, "change", "entered"), getattr(part, "audience", "an audience")
    state = {"entered": "inside", "left": "outside"} if getattr(part, "at_once", False) else {}
    return f"{plain(audience)} {state.get(change, change)}"
