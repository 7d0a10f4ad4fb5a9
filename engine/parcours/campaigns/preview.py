"""A preview of a campaign: all its sets as of one instant, and what gates would say, while nothing happens to anybody.

Whoever waits, or may react, is not foreseen: what follows on that is made of nobody, and said so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice, takewhile

from parcours.background import in_thread
from parcours.campaigns.look_asked import SampleRow, StepPreview
from parcours.campaigns.off_loop import off_loop
from parcours.campaigns.people import People
from parcours.campaigns.run_sets import RunSets
from parcours.campaigns.run_world import Find
from parcours.campaigns.step_made import StepMade
from parcours.journey import campaign_steps as steps
from parcours.journey.campaign_columns import asks_shards
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.campaign_steps import SetRef
from parcours.journey.model.campaign_sets import MAIN, REFUSED, REST
from parcours.shard.campaign_requests import Part
from parcours.shard.scans import Scan, StageAsked


class Previewing:
    """Previews one campaign.

    sets   in a folder of their own, which nothing else uses
    scans  by which shards tell what each stage asks that asks them, by its number; all are of one instant
    find   whom facts tell of
    """

    def __init__(
        self,
        campaign: CampaignProgram,
        sets: RunSets,
        people: People,
        scans: Mapping[int, Scan],
        sample: int,
        find: Find,
    ) -> None:
        self._campaign = campaign
        self._sets = sets
        self._people = people
        self._scans = scans
        self._sample = sample
        self._find = find

    async def preview(self, at: int) -> dict[str, StepPreview]:
        """Each step as it would be at this instant, by name. Raises TableRefused, SetsRefused, StoreBroken, OSError.

        A campaign that asks facts raises as `Find` does, too.
        """
        await self._collect()
        return {name: await self._step(step, at) for name, step in self._campaign.steps.items()}

    async def rows_until(self, step: str, at: int) -> None:
        """Make the sets of the steps above a step, without asking gates. Raises as `preview` does."""
        await self._collect()
        for each in takewhile(lambda each: each.id != step, self._campaign.steps.values()):
            made = await in_thread(self._sets.make, each.id, at)
            if isinstance(each, steps.SendToSet) and not made.skipped:
                await in_thread(self._sets.choose, each.id, REFUSED, (), rest=None)
            elif isinstance(each, steps.WaitAll | steps.Reacted) and not made.skipped:
                await in_thread(self._leave, each)

    async def _collect(self) -> None:
        for number, scan in self._scans.items():
            async with off_loop(self._sets.collecting(number)) as told:
                async for rows in self._people.columns(scan):
                    await in_thread(told.add, rows)
            await self._people.end_scan(scan.name)

    def _leave(self, step: steps.WaitAll | steps.Reacted) -> None:
        """Nobody is foreseen to go on."""
        rest = REST if isinstance(step, steps.Reacted) else None
        taken = (name for name, _ in self._sets.people(step.sources[0]))
        self._sets.choose(step.id, MAIN, (), rest=rest, exited=taken)

    async def _step(self, step: steps.CampaignStep, at: int) -> StepPreview:
        if isinstance(step, steps.ReadFound) and step.asked is not None:
            await in_thread(self._sets.found, step.id, await self._find(step.asked, at))
        made = await in_thread(self._sets.make, step.id, at)
        if made.skipped:
            return StepPreview(made)
        match step:
            case steps.SendToSet():
                gates, refused = await self._gates(step, at)
                await in_thread(self._sets.choose, step.id, REFUSED, (), rest=None)
                sample = await in_thread(self._samples, step, [MAIN])
                return StepPreview(_with(made, REFUSED, refused), gates, sample=sample)
            case steps.WaitAll() | steps.Reacted():
                await in_thread(self._leave, step)
                return StepPreview(made, unforeseen=True)
            case _:
                return StepPreview(made, sample=await in_thread(self._samples, step, made.outputs))

    async def _gates(self, step: steps.SendToSet, at: int) -> tuple[dict[str, int], int]:
        """By gate, the deliveries that it would refuse or hold; and how many people would get nothing."""
        gates: Counter[str] = Counter()
        refused = 0
        parts: Iterator[Part] = (
            (name, at, dict(row), 0) for name, row in self._sets.people(step.sources[0], step.row_paths)
        )
        campaign = self._campaign
        async for tried in self._people.tried(campaign.name, campaign.version, step.id, at, parts):
            for _, _, gate, number in tried.outcomes:
                if gate is not None:
                    gates[gate] += number
            refused += tried.refused
        return dict(sorted(gates.items())), refused

    def _samples(self, step: steps.CampaignStep, outputs: Mapping[str, int] | list[str]) -> dict[str, list[SampleRow]]:
        columns = sorted(step.columns)
        return {
            output: [
                {"person": person, **row}
                for person, row in islice(self._sets.people(SetRef(step.id, output), columns), self._sample)
            ]
            for output in outputs
        }


def stages_asked(campaign: CampaignProgram) -> dict[int, StageAsked]:
    """What is asked of shards for each stage that asks them, by its number."""
    return {
        number: StageAsked(campaign.name, campaign.version, number)
        for number, stage in enumerate(campaign.stages)
        if asks_shards(campaign, stage)
    }


def _with(made: StepMade, output: str, size: int) -> StepMade:
    return StepMade(made.step, made.inflow, {**made.outputs, output: size}, made.dropped, made.noted)
