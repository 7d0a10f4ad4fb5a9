"""What the campaigns of a store have come to, while no engine has it open."""

from __future__ import annotations

from parcours.campaigns.run_place import kept_runs
from parcours.insight.campaign_counts import CampaignTally
from parcours.insight.explain import Explanation
from parcours.insight.whose_facts import Told
from parcours.journey.program import Program
from parcours.service.live_report import campaign_tally
from parcours.service.told_sets import SetsKept
from parcours.shard.closed_person import is_known
from parcours.store.address import files_of
from parcours.store.campaign_files import CAMPAIGNS


def stored_tally(address: str, program: Program) -> CampaignTally:
    """What runs have told of which the store at this address keeps something. Raises OSError."""
    files = files_of(address)
    if files is None:
        return campaign_tally(program, {})
    return campaign_tally(program, {name: kept_runs(files / CAMPAIGNS / name) for name in program.conducted_names()})


def with_stored_sets(explanation: Explanation, address: str, program: Program, told: Told) -> Explanation:
    """The explanation with where its person is in sets of runs that the store keeps; of nobody who is not known.

    program  what is published in the store
    Raises SettingInvalid if there is no such store, StoreBusy while an engine uses it, StoreBroken, OSError.
    """
    files = files_of(address)
    if files is None or not is_known(address, told.owner):
        return explanation
    kept = SetsKept(program.campaign_names(), files / CAMPAIGNS)
    return kept.added_to(explanation, [told.owner, *(told.names if told.used else ())])
