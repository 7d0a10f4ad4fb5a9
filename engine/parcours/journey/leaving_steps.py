"""Steps from which something leaves: a message on its channels, or an outbound call."""

from __future__ import annotations

from collections.abc import Iterable

from parcours.channel import CALL
from parcours.journey.program import CallAction, Journey, Send


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
