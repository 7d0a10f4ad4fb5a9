"""Which save of an audience was the last one? From what is kept of the runs that save it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from parcours.expression.definition_keys import plain
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.campaign_steps import Save
from parcours.journey.compile.campaigns.found import NAMED, SAVED
from parcours.journey.model.campaign_sets import MAIN
from parcours.journey.program import Program

if TYPE_CHECKING:
    from parcours.campaigns.run_place import RunPlace
    from parcours.service.keeper import Standing


class LastSave(msgspec.Struct, frozen=True):
    """
    at      from when on it has held, in ms
    people  how many were saved: with `append` and `remove` others are in the audience as well, or are not
    """

    campaign: str
    run: int
    at: int
    people: int


def saving_names(program: Program) -> list[str]:
    """The campaigns that save any audience, those that nobody has written among them."""
    written = {each.name for each in _conducted(program) if any(isinstance(step, Save) for step in each.steps.values())}
    return [*sorted(written), *(f"{NAMED}{plain(key)}" for key in sorted(program.saved_audiences))]


def last_saves(program: Program, standing: Mapping[str, Standing]) -> dict[str, LastSave]:
    """The last save of each audience that has one, by its name; `standing` of those campaigns."""
    by_version = {(each.name, each.version): each for each in _conducted(program)}
    found: dict[str, LastSave] = {}
    for campaign, of in standing.items():
        for place in of.runs:
            for audience, save in _saves(place, by_version.get((campaign, place.version))):
                if audience not in found or found[audience].at < save.at:
                    found[audience] = save
    return found


def _conducted(program: Program) -> tuple[CampaignProgram, ...]:
    return (*program.campaigns, *program.draining_campaigns, *program.keeping)


def _saves(place: RunPlace, campaign: CampaignProgram | None) -> Iterator[tuple[str, LastSave]]:
    """What a run has saved; None: nobody has written its campaign, or its version is kept no more."""
    sizes = {line.step: line.size for line in place.lines if line.output == MAIN}
    for step, at in place.saves.items():
        save = None if campaign is None else campaign.steps.get(step)
        if isinstance(save, Save):
            audience = save.audience
        elif place.listed is not None and step == SAVED:
            audience = place.listed.audience
        else:
            continue
        yield plain(audience), LastSave(place.campaign, place.number, at, sizes.get(step, 0))
