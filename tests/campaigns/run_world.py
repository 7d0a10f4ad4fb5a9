"""A campaign of a project that a test writes out, people who are told of as shards tell of them, and its runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from tests.projects import write_texts

from parcours.campaigns.run_sets import RunSets
from parcours.campaigns.step_made import StepMade
from parcours.config import MIB, Settings
from parcours.core.columns import columns_of
from parcours.core.profile import Profile
from parcours.core.series_entries import SeriesEntries
from parcours.expression.history import HistoryCall
from parcours.journey.campaign_columns import shard_columns
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.campaign_steps import SetRef
from parcours.journey.project import Project

DAY_MS = 86_400_000
AT = 1_790_000_000_000

Row = tuple[str, dict[str, object]]

SETTINGS = Settings(campaign_memory_bytes=256 * MIB)


def viewed(*days_ago: float, event: str = "Product Viewed") -> dict[str, SeriesEntries]:
    """The history of somebody who did something so many days before `AT`."""
    entries = SeriesEntries()
    for each in sorted(days_ago, reverse=True):
        entries.add(AT - round(each * DAY_MS), 1)
    return {HistoryCall(event, None, None, None).key: entries}


class World:
    """A project in a folder, with one campaign called `c`."""

    def __init__(self, folder: Path, texts: Mapping[str, str], people: Mapping[str, Profile]) -> None:
        self.folder = folder
        self.root = folder / "project"
        self.people = dict(people)
        write_texts(self.root, {"parcours.yaml": "project: shop\ntimezone: Europe/Paris\n", **texts})
        self.project = Project.load(self.root)
        (self.campaign,) = self.project.program.campaigns

    def told(self, stage: int, at_ms: int) -> list[tuple[str, bytes]]:
        """What shards tell of everybody."""
        return told_of(self.campaign, self.project, self.people, stage, at_ms)

    def run(self, name: str = "run", number: int = 1, **options: Any) -> RunSets:
        settings = options.pop("settings", SETTINGS)
        earlier = options.pop("earlier", self.folder / "earlier")
        return RunSets(self.campaign, number, self.folder / name, self.root, settings, earlier, **options)

    def made(self, run: RunSets, at_ms: int = AT, stage: int = 0) -> dict[str, StepMade]:
        """Collect, and make all steps of a stage."""
        if run.needs_people(stage):
            run.collect(stage, at_ms, self.told(stage, at_ms))
        return {step: run.make(step, at_ms) for step in self.campaign.stages[stage].steps}


def told_of(
    campaign: CampaignProgram, project: Project, people: Mapping[str, Profile], stage: int, at_ms: int
) -> list[tuple[str, bytes]]:
    asked = shard_columns(campaign, campaign.stages[stage])
    return [
        (person, columns_of(profile, at_ms, project.program, asked, SETTINGS)) for person, profile in people.items()
    ]


def names(run: RunSets, ref: str) -> list[str]:
    """Who is in a set, in its order."""
    return [person for person, _ in run.people(ref_of(ref))]


def rows(run: RunSets, ref: str, columns: Sequence[str]) -> list[Row]:
    return [(person, dict(row)) for person, row in run.people(ref_of(ref), columns)]


def keys(folder: Path, step: str, output: str = "main") -> list[tuple[str, str]]:
    """The persons and row keys in the file of a set that a step wrote."""
    table = pq.read_table(folder / "sets" / step / f"{output}.parquet", columns=["person", "row_key"])
    return list(zip(table["person"].to_pylist(), table["row_key"].to_pylist(), strict=True))


def ref_of(ref: str) -> SetRef:
    step, _, output = ref.partition(".")
    return SetRef(step, output or "main")


def in_order(people: Iterable[str]) -> list[str]:
    """By name, as UTF-8 bytes."""
    return sorted(people, key=str.encode)


def adds_up(made: StepMade, outputs: Iterable[str] | None = None) -> bool:
    """Whether the inflow is the sum of what came of it."""
    kept = made.outputs if outputs is None else {name: made.outputs[name] for name in outputs}
    return made.inflow == sum(kept.values()) + sum(made.dropped.values())
