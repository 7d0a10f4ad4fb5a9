"""A step whose people cannot be handed over, however often it is tried, ends its run as failed at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

from tests.campaigns.run_world import AT, DAY_MS, World

from parcours.campaigns.campaign_line import FAILED, CampaignLine
from parcours.campaigns.campaign_run import CampaignRun
from parcours.campaigns.hand_overs import HandOver, LiveHandOvers
from parcours.campaigns.people import People
from parcours.campaigns.run_book import VirtualBook
from parcours.campaigns.run_world import RunWorld
from parcours.campaigns.saved_members import SavedMembers
from parcours.campaigns.sets.database import Workspace
from parcours.core.identity import SlotMap
from parcours.core.profile import Profile
from parcours.errors import SetsRefused
from parcours.journey.campaign_steps import FunnelAsked
from parcours.routing.scans import Rows
from parcours.shard.campaign_requests import Part
from parcours.shard.scans import Scan

TEXTS = {
    "messages/news.yaml": "message: news\nemail: {subject: News, text: News}\n",
    "campaigns/c.yaml": """\
        campaign: c
        steps:
          - {id: all, read: {where: 'true'}}
          - {id: mail, send: news, channels: [email], waves: {parts: 2, every: 2d}}
          - {id: later, update: {tier: '"gold"'}}
        """,
    "profile.yaml": "traits: {email: string, tier: string}\n",
}


class Refusing(People):
    """Tells its people, and takes none of them along to the step `mail`."""

    def __init__(self, told: Rows) -> None:
        super().__init__([], SlotMap(1), 10)
        self._told = told
        self.taken: list[str | None] = []

    async def columns(self, scan: Scan) -> AsyncIterator[Rows]:
        yield self._told

    async def take(
        self, campaign: str, version: int, run: int, step: str | None, at: int, parts: Iterable[Part], *args: Any,
        **options: Any,
    ) -> None:  # fmt: skip
        if step == "mail":
            raise SetsRefused("the set cannot be read")
        self.taken.append(step)


class NoTurns:
    def enter(self, step: str) -> None:
        pass

    def leave(self, step: str) -> None:
        pass


async def nobody(_: FunnelAsked, __: int) -> list[str]:
    raise AssertionError("no step asks facts for people")


async def carried_out(_: str, hand_over: HandOver) -> None:
    await hand_over()


def test_a_run_fails_at_once_whose_people_cannot_be_handed_over(tmp_path: Path) -> None:
    world = World(tmp_path, TEXTS, {name: Profile(traits={"email": f"{name}@shop.example"}) for name in "abcd"})
    people, lines = Refusing(world.told(0, AT)), list[CampaignLine]()
    members = SavedMembers(tmp_path / "saved", Workspace(tmp_path / "spill", 2**28, 1, durable=False))
    around = RunWorld(dict, members, tmp_path / "exports", lambda _: 1, nobody)
    hand_overs = LiveHandOvers(carried_out, NoTurns())
    sets = world.run()
    run = CampaignRun(world.campaign, 1, AT, sets, people, VirtualBook(1, lines.append), around, hand_overs)

    async def conduct() -> list[int]:
        instants = list[int]()
        while not run.is_over:
            instants.append(run.next_ms)
            await run.go_on(run.next_ms)
            await hand_overs.one_over(0.0)
        return instants

    instants = asyncio.run(conduct())

    failed = [(line.at, line.step, line.why) for line in lines if line.output == FAILED]
    assert failed == [(AT, "mail", "the set cannot be read")] and run.failed == "the set cannot be read"
    assert max(instants) < AT + 2 * DAY_MS, "it did not wait for the second wave"
    assert people.taken == [None], "nobody was taken to the step that follows, and all have left the run"
