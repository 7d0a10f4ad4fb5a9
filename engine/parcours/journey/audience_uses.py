"""Who asks for an audience, and where? Journeys, campaigns, other audiences, scores, offers and funnels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from parcours.expression.definition_keys import plain
from parcours.expression.expression import Expression
from parcours.journey import campaign_steps as sets
from parcours.journey import program
from parcours.journey.analyses import ByAudience
from parcours.journey.campaign_parts import asked_of_rows, asked_of_sets, audiences_of_campaign
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.listening import audience_names
from parcours.journey.step_parts import expressions

CONDITION: Final = "a condition"
"""Where it is asked for that is neither entry nor exit nor a step."""


class AudienceUse(msgspec.Struct, frozen=True):
    """
    kind   journey, campaign, audience, score, funnel, or offers, which have no name
    where  in it: entry, exit, `step ID`, or a condition
    """

    kind: str
    name: str
    where: tuple[str, ...]


def uses_of_audiences(of: program.Program) -> Mapping[str, list[AudienceUse]]:
    """The uses of each audience by its name, in the newest versions of all that is offered."""
    uses: dict[str, dict[tuple[str, str], dict[str, None]]] = {}
    for audience, kind, name, where in _all(of):
        uses.setdefault(plain(audience), {}).setdefault((kind, name), {})[where] = None
    return {
        audience: [AudienceUse(kind, name, tuple(where)) for (kind, name), where in found.items()]
        for audience, found in uses.items()
    }


def _all(of: program.Program) -> Iterator[tuple[str, str, str, str]]:
    """The audience, and the kind, the name and the place of what asks for it."""
    for journey in sorted(of.journeys, key=lambda each: each.name):
        yield from ((audience, "journey", journey.name, where) for audience, where in _of_journey(journey))
    for campaign in (*of.campaigns, *of.keeping):
        yield from ((audience, "campaign", campaign.name, where) for audience, where in _of_campaign(campaign))
    for known in of.audiences.values():
        yield from _of("audience", plain(known.name), [known.condition])
    for score in of.scores.values():
        yield from _of("score", score.name, score.expressions())
    yield from _of("offers", "", of.offers.expressions())
    for funnel in of.analyses.funnels.values():
        if isinstance(funnel.split, ByAudience):
            yield funnel.split.name, "funnel", funnel.name, "split"


def _of(kind: str, name: str, asked: Iterable[Expression]) -> Iterator[tuple[str, str, str, str]]:
    for audience in dict.fromkeys(audience for each in asked for audience in each.audiences):
        yield audience, kind, name, CONDITION


def _of_journey(journey: program.Journey) -> Iterator[tuple[str, str]]:
    found: set[str] = set()
    for audience, where in _of_parts(journey):
        found.add(audience)
        yield audience, where
    yield from ((audience, CONDITION) for audience in sorted(audience_names(journey) - found))


def _of_parts(journey: program.Journey) -> Iterator[tuple[str, str]]:
    if isinstance(journey.entry, program.ReadEntry | program.AudienceTrigger):
        yield journey.entry.audience, "entry"
    yield from ((each.audience, "exit") for each in journey.exits if isinstance(each, program.AudienceTrigger))
    for step in journey.steps.values():
        if isinstance(step, program.WaitFor):
            heard = (each for each in step.listeners if isinstance(each, program.AudienceListener))
            yield from ((each.audience, f"step {step.id}") for each in heard)
        yield from ((audience, f"step {step.id}") for each in expressions(step) for audience in each.audiences)


def _of_campaign(campaign: CampaignProgram) -> Iterator[tuple[str, str]]:
    found: set[str] = set()
    for audience, where in _of_sets(campaign):
        found.add(audience)
        yield audience, where
    yield from ((audience, CONDITION) for audience in sorted(audiences_of_campaign(campaign) - found))


def _of_sets(campaign: CampaignProgram) -> Iterator[tuple[str, str]]:
    yield from ((each.audience, "exit") for each in campaign.exits if isinstance(each, program.AudienceTrigger))
    for step in campaign.steps.values():
        if isinstance(step, sets.ReadAudience | sets.Save):
            verb = "saved" if isinstance(step, sets.Save) else "read"
            yield step.audience, f"{verb} by step {step.id}"
        asked = [*(each.expression for each in asked_of_rows(step)), *asked_of_sets(step)]
        yield from ((audience, f"step {step.id}") for each in asked for audience in each.audiences)
