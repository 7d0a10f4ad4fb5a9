"""What would a step's message say to somebody now? Nothing happens to her, and no gate is asked."""

from __future__ import annotations

from parcours.config import Settings
from parcours.core.delivery.deciding import Cause
from parcours.core.delivery.sending import context_of
from parcours.core.delivery.showing import NOTHING, show
from parcours.core.effect import Outgoing
from parcours.core.profile import Profile, Run
from parcours.core.turn import Turn
from parcours.journey.program import Journey, Program, Send


def deliveries_now(
    person: str, profile: Profile, at: int, journey: Journey, step: Send, program: Program, settings: Settings
) -> list[Outgoing]:
    """The deliveries of the step, one for each channel, as they would be rendered for the person at this instant.

    Of her runs the newest in this version of the journey counts, for what it keeps of events; of somebody who has none
    there, traits alone. `profile` is the caller's own copy, and of no use afterwards. They have no addresses.
    """
    turn = Turn(person, profile, at, at, program, settings, None)
    runs = [each for each in (*profile.past, *profile.runs) if (each.journey, each.version) == _key(journey)]
    run = runs[-1] if runs else Run(journey.name, journey.version, 0, None, at, step.id)
    message = journey.messages[step.message]
    told = []
    for channel in step.to:
        shown = show(turn, run, step.id, message, channel, Cause(person, channel)) if message.offers else NOTHING
        told.append(
            Outgoing(
                key=channel,
                person=person,
                journey=journey.name,
                version=journey.version,
                run=run.number,
                step=step.id,
                channel=channel,
                message=message.name,
                message_class=message.message_class,
                to="",
                at=at,
                context=context_of(turn, run, step.id, message, shown.paths),
                zone=turn.zone_name(),
                is_copy=True,
                offers=shown.offers,
            )
        )
    return told


def _key(journey: Journey) -> tuple[str, int]:
    return journey.name, journey.version
