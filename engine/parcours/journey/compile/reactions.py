"""Does anybody tell of what a journey or campaign waits for? Who reads a text message, for one, is known to nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from parcours.journey import program
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.campaign_steps import OwnSend, Reacted, SendToSet
from parcours.journey.model.document import JourneyDocument
from parcours.journey.read.finding import Margin

Reported: TypeAlias = Callable[[str, bool], frozenset[str] | None]
"""The reactions that are told of deliveries on a channel, None of one of which nothing is known.

Its second argument says whether links in the message tell of opens and clicks, where there are links.
"""


def warn_of_unheard(document: JourneyDocument, journey: program.Journey, reported: Reported, margin: Margin) -> None:
    """Warn of each listener for a reaction that none of the channels it concerns can tell of."""
    for number, step in enumerate(document.steps):
        compiled = journey.steps.get(step.id)
        for place, listener in enumerate(compiled.listeners if isinstance(compiled, program.WaitFor) else ()):
            if isinstance(listener, program.ReactionListener):
                channels = _concerned(journey, listener)
                if channels and not _is_told(journey, listener, channels, reported):
                    said = f"nobody tells of {listener.reaction!r} on {', '.join(channels)}, so nobody goes on by it"
                    margin.warn(said, "steps", number, "wait_for", place, "reaction")


def warn_of_unheard_reactions(campaign: CampaignProgram, reported: Reported, margin: Margin) -> None:
    """Warn of each step for reactions to a send of the campaign that none of its channels can tell of."""
    for number, step in enumerate(campaign.steps.values()):
        if not isinstance(step, Reacted) or not isinstance(step.of, OwnSend):
            continue
        send = campaign.steps[step.of.step]
        assert isinstance(send, SendToSet), "other steps have no reactions"
        message = campaign.messages.get(send.message)
        channels = tuple(send.to) if step.channel is None else (step.channel,)
        told = [reported(channel, message is not None and message.is_tracked) for channel in channels]
        if channels and not any(each is None or step.reaction in each for each in told):
            said = f"nobody tells of {step.reaction!r} on {', '.join(channels)}, so it keeps nobody"
            margin.warn(said, "steps", number, "reacted", "reaction")


def _concerned(journey: program.Journey, listener: program.ReactionListener) -> tuple[str, ...]:
    sender = journey.steps.get(listener.of)
    if not isinstance(sender, program.Send):
        return ()  # an outbound call, whose outcome is always told
    return tuple(sender.to) if listener.channel is None else (listener.channel,)


def _is_told(
    journey: program.Journey, listener: program.ReactionListener, channels: tuple[str, ...], reported: Reported
) -> bool:
    sender = journey.steps[listener.of]
    assert isinstance(sender, program.Send), "other steps have no channels"
    message = journey.messages.get(sender.message)
    told = [reported(channel, message is not None and message.is_tracked) for channel in channels]
    return any(each is None or listener.reaction in each for each in told)
