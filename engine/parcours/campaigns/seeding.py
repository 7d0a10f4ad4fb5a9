"""Whose data do a campaign's seeds have? Each address of the campaign's own gets a copy of what one person is sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from parcours.campaigns.run_sets import RunSets
from parcours.core.identity import person_asked_for
from parcours.journey import campaign_steps as steps
from parcours.journey.campaign_program import CampaignProgram, Seed
from parcours.shard.campaign_requests import SeedAddress


def seeds_of(
    campaign: CampaignProgram, step: steps.CampaignStep, sets: RunSets
) -> Mapping[str, tuple[SeedAddress, ...]]:
    """By person, the addresses that get a copy of what the step sends her; none of a step that does not send.

    Whom a seed names stands for it if she is in the set of the step, and else the first of the set. Nobody does in a
    set that is empty: there is no data then. Raises StoreBroken, OSError.
    """
    if not campaign.seeds or not isinstance(step, steps.SendToSet):
        return {}
    source = step.sources[0]
    first = next((name for name, _ in sets.people(source)), None)
    found: defaultdict[str, list[SeedAddress]] = defaultdict(list)
    for seed in campaign.seeds if first is not None else ():
        named = None if seed.person is None else person_asked_for(seed.person)
        whose = named if named is not None and sets.has(source, named) else first
        found[str(whose)] += addresses_on(step, seed)
    return {name: tuple(dict.fromkeys(addresses)) for name, addresses in found.items() if addresses}


def addresses_on(step: steps.SendToSet, seed: Seed) -> list[SeedAddress]:
    """Where a seed gets what the step sends: on each of its channels, or on the first of several of which one is."""
    there = [(channel, seed.addresses[channel]) for channel in step.to if channel in seed.addresses]
    return there[:1] if step.only_first else there
