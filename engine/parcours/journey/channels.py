"""The channels on which a program sends. Outbound calls are of the channel `call`."""

from __future__ import annotations

from collections.abc import Iterable

from parcours.channel import CALL
from parcours.journey.program import CallAction, Journey, Program, Send


def channels_of(journey: Journey) -> tuple[str, ...]:
    """The channels on which a journey sends, by name; `call` among them if it calls out."""
    steps = journey.steps.values()
    named = {channel for step in steps if isinstance(step, Send) for channel in step.to}
    return tuple(sorted(named | ({CALL} if any(isinstance(step, CallAction) for step in steps) else set())))


def channels_to_start(channels: Iterable[str], program: Program) -> tuple[str, ...]:
    """Those of the channels that need a dispatcher: `call` only once a version calls out that is published.

    Nothing else can lie in an outbox, for a version stays published as long as a delivery of its runs is to leave.
    """
    calls = _calls_out(program.versions())
    return tuple(channel for channel in channels if channel != CALL or calls)


def channels_used(program: Program) -> tuple[str, ...]:
    """The channels that the messages have content for, by name; `call` among them if a journey calls out."""
    named = {name for message in program.messages.values() for name in message.contents}
    return tuple(sorted(named | ({CALL} if _calls_out(program.journeys) else set())))


def _calls_out(journeys: Iterable[Journey]) -> bool:
    return any(CALL in channels_of(journey) for journey in journeys)
