"""Campaigns that nobody writes: each saves as an audience whom a funnel has found, or whom somebody has named.

An audience that is kept up to date (`audiences` of insight/*.yaml) is made by a campaign of two steps. So its instants,
what is made up for after an outage, the one instant from which everybody is in it, what a crash leaves undone, and what
is kept to explain it, are those of campaigns, and live and under virtual time the same code goes through it.

Such a campaign is no part of the ledger: nobody is taken along by it, so it has no versions, and is always as the
newest publication says. Its name cannot be an author's, whose names have no dots.

    kept.NAME    saves the people of a funnel as the audience NAME, by its schedule
    named.NAME   saves those who were named as the audience NAME, once for each time that somebody names them
"""

from __future__ import annotations

from typing import Final

from parcours.expression.definition_keys import DefinitionKeys, plain
from parcours.journey.analyses import Analyses
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.campaign_steps import CampaignStep, FunnelAsked, ReadFound, Save, SavingMode, SetRef
from parcours.journey.compile.campaigns.stages import stages_of
from parcours.journey.model.campaign_sets import MAIN
from parcours.journey.parts import Schedule

KEPT: Final = "kept."
NAMED: Final = "named."
"""What names of these campaigns begin with."""

PEOPLE: Final = "people"
SAVED: Final = "save"
"""The two steps."""


def keeping_campaigns(analyses: Analyses, keys: DefinitionKeys, timezone: str) -> tuple[CampaignProgram, ...]:
    """The campaigns of audiences that are kept up to date, by name; one whose funnel is unknown has none."""
    return tuple(
        _campaign(
            f"{KEPT}{each.name}",
            keys.audience(each.name),
            "replace" if each.replace else "append",
            FunnelAsked(analyses.funnels[each.funnel], each.who),
            each.schedule,
            timezone,
        )
        for _, each in sorted(analyses.audiences.items())
        if each.funnel in analyses.funnels
    )


def naming_campaign(audience: str, mode: SavingMode, timezone: str) -> CampaignProgram:
    """The campaign that saves whoever is named as an audience, which is given by its key."""
    return saving_campaign(f"{NAMED}{plain(audience)}", audience, mode, timezone)


def saving_campaign(name: str, audience: str, mode: SavingMode, timezone: str) -> CampaignProgram:
    """A campaign of such a name whose people are known already."""
    return _campaign(name, audience, mode, None, None, timezone)


def _campaign(
    name: str, audience: str, mode: SavingMode, asked: FunnelAsked | None, schedule: Schedule | None, timezone: str
) -> CampaignProgram:
    people = ReadFound(id=PEOPLE, sources=(), after=(), outputs=(MAIN,), columns={}, grain="person", asked=asked)
    save = Save(
        id=SAVED,
        sources=(SetRef(PEOPLE),),
        after=(),
        outputs=(MAIN,),
        columns={},
        grain="person",
        audience=audience,
        mode=mode,
        key=None,
    )
    steps: dict[str, CampaignStep] = {PEOPLE: people, SAVED: save}
    return CampaignProgram(
        name=name,
        version=1,
        schedule=schedule,
        overlapping=asked is None,
        timezone=timezone,
        starts_ms=None,
        ends_ms=None,
        exits=(),
        goal=None,
        priority=0,
        seeds=(),
        steps=steps,
        stages=stages_of(steps),
    )
