"""The demo from end to end: the clickstream through Luma's journeys, out to providers on this machine."""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib.resources import as_file, files

from parcours.demo.clickstream import read_clickstream
from parcours.demo.providers import Providers
from parcours.demo.reactions import LUMA_CROWD
from parcours.dispatch.judgement import load_project
from parcours.journey.project import Project
from parcours.runtime.runtimes import RuntimeName
from parcours.simulation.simulation import Progress, Result, simulate


@dataclass(frozen=True, slots=True)
class DemoResult:
    """The result of the demo.

    result          the simulation's result, by the engine's own count
    events          rows of the clickstream that were fed
    profiles        people in it, each of whom one more line makes known
    notices         lines of what the shop shows by itself
    mails_received  mails in the mail server's mailboxes, by the server's count
    texts_received  and the same for text messages
    pushes_received and for push messages
    seconds         how long all of it took
    """

    result: Result
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
    """Run it. All figures but `seconds` are the same on every run, either runtime and any number of shards."""
    started_s = time.perf_counter()
    project = load_luma()
    clickstream = read_clickstream()
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
