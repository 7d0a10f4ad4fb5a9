"""The demo from end to end: the clickstream through Luma's journeys, out to providers on this machine."""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryDirectory

from parcours.demo.clickstream import Clickstream, read_clickstream
from parcours.demo.providers import Providers
from parcours.demo.reactions import LUMA_CROWD
from parcours.demo.wishes import user_ids, with_scores, write_wishes
from parcours.dispatch.judgement import load_project
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.project import Project
from parcours.runtime.runtimes import RuntimeName
from parcours.simulation.simulation import Progress, Result, simulate


@dataclass(frozen=True, slots=True)
class DemoResult:
    """The result of the demo.

    result          the simulation's result, by the engine's own count
    campaigns       those of the project that was run
    events          rows of the clickstream that were fed
    profiles        people in it, each of whom one more line makes known
    notices         lines of what the shop shows by itself
    mails_received  mails in the mail server's mailboxes, by the server's count
    texts_received  and the same for text messages
    pushes_received and for push messages
    seconds         how long all of it took
    """

    result: Result
    campaigns: tuple[CampaignProgram, ...]
    events: int
    profiles: int
    notices: int
    mails_received: int
    texts_received: int
    pushes_received: int
    seconds: float
    runtime: RuntimeName
    shards: int


def load_luma() -> Project:
    """The project that ships with the package, checked against the channels that are installed."""
    with as_file(files(__package__) / "luma") as folder:
        return load_project(folder)


def run_demo(*, shards: int, runtime: RuntimeName, progress: Progress | None = None) -> DemoResult:
    """Run the journeys. All figures but `seconds` are the same on every run, in any runtime and number of shards."""
    started_s = time.perf_counter()
    return _run(load_luma(), read_clickstream(), shards, runtime, progress, started_s)


def run_campaign_demo(*, shards: int, runtime: RuntimeName, progress: Progress | None = None) -> DemoResult:
    """Run the campaign over the same people. Raises ExtraMissing; its figures are as those of the other demo."""
    started_s = time.perf_counter()
    clickstream = with_scores(read_clickstream())
    with TemporaryDirectory(prefix="parcours-demo-") as above:
        folder = Path(above) / "luma"
        write_wishes(folder, user_ids(clickstream))
        return _run(load_project(folder), clickstream, shards, runtime, progress, started_s)


def _run(
    project: Project,
    clickstream: Clickstream,
    shards: int,
    runtime: RuntimeName,
    progress: Progress | None,
    started_s: float,
) -> DemoResult:
    with Providers() as providers:
        result = simulate(
            project,
            clickstream.lines,
            runtime=runtime,
            shards=shards,
            crowd=LUMA_CROWD,
            channels=providers.channels,
            progress=progress,
        )
        return DemoResult(
            result=result,
            campaigns=project.program.campaigns,
            events=clickstream.source_count,
            profiles=clickstream.people_count,
            notices=clickstream.derived_count,
            mails_received=providers.mails_received,
            texts_received=providers.texts_received,
            pushes_received=providers.pushes_received,
            seconds=time.perf_counter() - started_s,
            runtime=runtime,
            shards=shards,
        )
