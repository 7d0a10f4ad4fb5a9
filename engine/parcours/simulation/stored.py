"""What is so in a store that no engine has open, as of its newest instant: a preview of a campaign, or a look.

Its people are read into the memory of a shard that is nobody else's, under virtual time, and the project is published
there if the store has another one. Nothing leaves, and nothing of it comes back to the store.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from parcours.campaigns.campaign_line import CampaignLine
from parcours.campaigns.campaign_place import newest_run
from parcours.clock import ManualClock
from parcours.config import Settings
from parcours.errors import CallerError
from parcours.journey.project import Project
from parcours.journey.publish.publications import PublicationCompiler
from parcours.routing.change_protocol import publishing
from parcours.routing.plan import Plan
from parcours.runtime.local_shard import LocalShard
from parcours.runtime.open_shard import open_shard
from parcours.shard.attempts import NO_ATTEMPT
from parcours.shard.closed_people import read_people
from parcours.shard.requests import GetOutstanding, PassTime, Publish
from parcours.simulation.campaigning import CampaignsAsked, check_asked, new_coordinator
from parcours.simulation.people_look import LookDue, PeopleLook, check_look, look_at
from parcours.store.address import check_address, folder_of
from parcours.store.campaign_files import CAMPAIGNS


def look_into_store(
    project: Project, address: str, *, campaigns: CampaignsAsked | None = None, look: PeopleLook | None = None
) -> None:
    """Tell what is asked of the project's store at this address, whose instant it is, whatever instant is named.

    campaigns  a preview, of which nothing else is looked at; it needs the campaigns' library
    look       at an audience, or at what a decision would give
    Raises CallerError for a campaign, or what is looked at, that the project does not have, and as `read_people`;
    ExtraMissing.
    """
    asked = campaigns or CampaignsAsked()
    check_asked(project, asked)
    if asked.preview is not None and any(each.name == asked.preview.campaign for each in project.program.keeping):
        raise CallerError(
            f"the campaign {asked.preview.campaign!r} asks facts, which a store without an engine is not asked for: "
            "preview it in a running engine, or of recorded events"
        )
    check_look(project, look)
    check_address(address)
    asyncio.run(_look(project, address, asked, look))


async def _look(project: Project, address: str, asked: CampaignsAsked, look: PeopleLook | None) -> None:
    people = read_people(address, project.name)
    plan = Plan(project, 1, "volatile:", virtual=True, told=True, settings=Settings())
    clock, at = ManualClock(people.stamp_ms), people.stamp_ms
    opening = partial(open_shard, plan, 0, clock, lambda channel: None, store=people)
    shard = LocalShard(0, lambda stopped: opening(stopped=stopped), comes_back=False)
    shard.open()
    try:
        publications = publishing(project, reopen=False)(people.publications, at)
        await shard.ask(Publish(NO_ATTEMPT, publications))
        program = PublicationCompiler(project).program(publications)
        await _pass_to(shard, at)
        if look is not None:
            await look_at([shard], program, LookDue(at, look), plan.settings.due_people_max)
        if asked.preview is not None:
            with TemporaryDirectory(prefix="parcours-campaigns-") as folder:
                preview = replace(asked, preview=replace(asked.preview, at=at), starts=())
                coordinator = new_coordinator(
                    project, [shard], plan.slot_map, plan.settings, Path(folder), preview, _nobody, program
                )
                kept = folder_of(address) / CAMPAIGNS / asked.preview.campaign
                coordinator.preview_after(asked.preview.campaign, newest_run(kept), kept)
                coordinator.begin(at)
                due = coordinator.first()
                assert due is not None and due.looks, "before a preview nothing begins at its instant"
                await coordinator.act(due)
    finally:
        await shard.close()


async def _pass_to(shard: LocalShard, at: int) -> None:
    """Let everything happen that is due up to and including this instant, as it would in the store's own engine."""
    while True:
        await shard.ask(PassTime(at + 1))
        next_ms = (await shard.ask(GetOutstanding())).next_ms
        if next_ms is None or next_ms > at:
            return


def _nobody(line: CampaignLine) -> None:
    """A preview tells no lines."""
