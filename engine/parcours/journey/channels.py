"""The channels on which a program sends. Outbound calls are of the channel `call`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from parcours.channel import CALL
from parcours.journey.destinations import lane_of
from parcours.journey.program import CallAction, Journey, Program, Send

PERSONALISATION: Final = "personalisation"
"""Stands for a channel in a person's word on whether what she gets may be chosen by what is known of her."""


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


def ways_out(program: Program) -> tuple[str, ...]:
    """All that something may leave by: the channels, and the lanes of destinations."""
    return (*channels_used(program), *map(lane_of, program.destinations))


def channels_known(program: Program) -> frozenset[str]:
    """The channels for which consent may be asked: all that the project, or a version with open runs, speaks of."""
    sent = {channel for journey in program.versions() for channel in channels_of(journey)}
    named = {*program.addresses, *program.policies.consent.channels, *channels_used(program)}
    named |= {each.consent[0] for each in program.destinations.values() if each.consent is not None}
    return frozenset((sent | named) - {CALL})


def consents_known(program: Program) -> frozenset[str]:
    """What a person may agree to: the channels, and that she is chosen for."""
    return channels_known(program) | {PERSONALISATION}


def purposes_known(program: Program) -> frozenset[str]:
    """The purposes for which consent may be asked; a message that names none has its class for one."""
    asked = {each.consent[1] for each in program.destinations.values() if each.consent is not None}
    return frozenset({"marketing", "transactional", *(each.purpose for each in program.messages.values()), *asked})


def leaving_steps(journeys: Iterable[Journey], of: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """The channels of each step that `JOURNEY.STEP`, or a step's name alone, may mean, by (journey, step).

    Where journeys are there in several versions, the channels are those of them all.
    """
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for journey in journeys:
        for step in journey.steps.values():
            if isinstance(step, Send | CallAction) and of in (step.id, f"{journey.name}.{step.id}"):
                channels = tuple(step.to) if isinstance(step, Send) else (CALL,)
                name = journey.name, step.id
                found[name] = tuple(dict.fromkeys((*found.get(name, ()), *channels)))
    return found


def _calls_out(journeys: Iterable[Journey]) -> bool:
    return any(CALL in channels_of(journey) for journey in journeys)
