"""What happens to a run if nobody does anything? As far as its journey alone decides that, in words."""

from __future__ import annotations

from typing import Final

from parcours.config import DAY_MS
from parcours.core.time_text import time_text
from parcours.journey import program
from parcours.journey.picture.words import listed_words

STEPS_MAX: Final = 50
"""A journey that goes round without ever waiting is followed no further."""

GOES_ON: Final = "it goes on"


def next_words(journey: program.Journey | None, step: str | None) -> str:
    """What comes once the run's wait at this step is over."""
    found = journey.steps.get(step) if journey is not None and step is not None else None
    if journey is None:
        return GOES_ON
    match found:
        case program.Send():  # a gate holds it
            return f"{_message(found)} is let go"
        case program.WaitFor():
            return _from(journey, found.on_timeout)
        case program.WaitDuration() | program.WaitUntil() | program.WaitLocalTime():
            return _from(journey, found.next)
        case _:
            return GOES_ON


def waits_on_words(journey: program.Journey | None) -> str:
    """How long a run waits for whose wait no time is set."""
    if journey is not None and isinstance(journey.entry, program.CampaignEntry):
        return "it waits on until the campaign goes on"
    return "it waits on: no time is set"


def _from(journey: program.Journey, target: str | None) -> str:
    """What comes first from this step on that she notices, or that is not known before."""
    for _ in range(STEPS_MAX):
        step = None if target is None else journey.steps.get(target)
        match step:
            case None | program.End():
                return "her way through the journey ends"
            case program.Send():
                return _message(step)
            case program.Branch() | program.Split():
                return f"{step.id!r} decides which way she goes"
            case program.Update() | program.CallAction() | program.Decide():
                target = step.next
            case _:
                return f"she waits on at {step.id!r}"
    return GOES_ON


def _message(step: program.Send) -> str:
    return f"{' or '.join(step.to) if step.only_first else listed_words(step.to)} {step.message}"


def when_words(at_ms: int, now_ms: int) -> str:
    """An instant as one says it today: `tomorrow 10:14 UTC`."""
    if at_ms <= now_ms:
        return "at any moment"
    text, days = time_text(at_ms), at_ms // DAY_MS - now_ms // DAY_MS
    day = "today" if days == 0 else "tomorrow" if days == 1 else text[:10]
    return f"{day} {text[11:16]} UTC"
