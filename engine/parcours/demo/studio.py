"""The demo of decisions: the clickstream, and Sarah's way through the example `studio`, a chapter for each step."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final

from parcours.config import Settings
from parcours.core.fact import Changed, Decided, DeliveryReached, Fact, Merged, Moved, OfferMarked
from parcours.core.time_text import time_text
from parcours.demo.clickstream import read_clickstream
from parcours.demo.yoga import yoga_lines
from parcours.dispatch.judgement import load_project
from parcours.errors import CallerError, naming
from parcours.examples import write_example
from parcours.insight.asking.analysed import AnalysisAsked, AnalysisTold
from parcours.insight.asking.answering import Known, answer
from parcours.insight.audience_shown import AudienceQuestion, AudienceShown
from parcours.insight.sentences import sentence
from parcours.insight.warehouse.opening import open_warehouse
from parcours.insight.warehouse.viewed import Viewed
from parcours.instants import floor_ms
from parcours.journey.project import Project
from parcours.runtime.exporting import address_secret
from parcours.runtime.runtimes import RuntimeName
from parcours.simulation.fact_files import FactFiles
from parcours.simulation.people_look import PeopleLook
from parcours.simulation.result_files import SUMMARY, ResultFiles
from parcours.simulation.simulation import Progress, Result, simulate
from parcours.store.exports import FACTS
from parcours.training.artefact import Trained, text_of
from parcours.training.train import train

PROJECT: Final = "project"
EVENTS: Final = "events.ndjson"
"""What the demo leaves in its folder besides the results: the project, and all that has happened."""

SCORE: Final = "buy-yoga"

FIRST_CUT: Final = date(2024, 2, 12)
LAST_CUT: Final = date(2024, 6, 14)
CUT_EVERY: Final = timedelta(days=7)
"""People are looked at once a week, as long as it is known what they did in the two weeks after that."""

SARAH: Final = ("sarah", "@anonymous/tablet")
"""Her names: until she logs in she is her browser's."""

HER_MORNING: Final = "2024-07-08T11:29:00Z"

CHAPTERS: Final = (
    ("She has bought a mat, and has become a member", "2024-07-08T11:00:00Z"),
    ("On a page, a visitor whom nobody knows", "2024-07-08T11:41:00Z"),
    ("She logs in", "2024-07-08T11:50:00Z"),
    ("She calls, and an agent asks what to offer", "2024-07-08T12:00:00Z"),
    ("Her order, with an offer in its confirmation", "2024-07-08T12:30:00Z"),
    ("She opens it, and clicks on nothing", "2024-07-09T12:00:00Z"),
    ("The day after", "2024-07-10T12:00:00Z"),
    ("She comes to the studio", "2024-07-10T14:00:00Z"),
    ("And leaves it", "2024-07-11T12:00:00Z"),
)
"""What happens until when; before the second stand those about everybody, and one more at the end."""

TOLD_MOVES: Final = frozenset({"timed_out", "exited", "goal"})
TOLD_OUTCOMES: Final = frozenset({"sent", "opened", "clicked", "refused", "failed"})


@dataclass(frozen=True, slots=True)
class StudioDemo:
    """
    trained  the score, and what it is worth
    lapsed   who bought for yoga and has not lately, on Sarah's morning
    likely   and who is likely to buy
    result   of the simulation of everybody
    classes  what brought people to a class
    """

    out: Path
    project: Path
    trained: Trained
    lapsed: AudienceShown
    likely: AudienceShown
    result: Result
    facts: Sequence[Fact]
    classes: AnalysisTold


def run_studio_demo(out: Path, *, shards: int, runtime: RuntimeName, progress: Progress | None = None) -> StudioDemo:
    """Train, look and simulate into a folder, which is as `parcours simulate --facts` leaves it.

    The same on every run, in any runtime and number of shards. Raises CallerError for a folder that holds anything
    else, ExtraMissing, OSError.
    """
    folder = write_project(out)
    lines = yoga_lines(read_clickstream())
    trained = _train(folder, lines)
    lines += (folder / EVENTS).read_bytes().splitlines()
    (out / EVENTS).write_bytes(b"".join(line + b"\n" for line in lines))
    project = load_project(folder)
    lapsed, likely = (_look(project, lines, name) for name in ("lapsed", "likely"))
    hers: list[Fact] = []
    with ResultFiles(out) as written, FactFiles(out, project.program, address_secret(project, os.environ)) as files:

        def keep(facts: list[Fact]) -> None:
            written.add(facts)
            files.add(facts)
            hers.extend(fact for fact in facts if fact.person in SARAH)

        result = simulate(
            project, lines, runtime=runtime, shards=shards, progress=progress, facts=keep, accepted=files.add_events
        )
        files.write()
        with naming(out):
            written.write(result.summary)
    return StudioDemo(out, folder, trained, lapsed, likely, result, hers, _classes(out, project))


def write_project(out: Path) -> Path:
    """Write the example into the folder of the results.

    Raises CallerError where that holds what no demo has left there, OSError.
    """
    folder = out / PROJECT
    if out.exists() and any(out.iterdir()):
        if not ((folder / "offers.yaml").exists() and (out / SUMMARY).exists()):
            raise CallerError(f"{out} holds other files: choose another folder with --out.")
        return folder
    with naming(out):
        write_example(folder, "studio")
    return folder


def _train(folder: Path, lines: Sequence[bytes]) -> Trained:
    """Train the score with what had happened before, in place of the model that the example has."""
    project = load_project(folder)
    days = range(0, (LAST_CUT - FIRST_CUT).days, CUT_EVERY.days)
    cuts = [datetime.combine(FIRST_CUT + timedelta(days=day), time(), UTC) for day in days]
    trained = train(project, SCORE, lines, list(map(floor_ms, cuts)))
    model = folder / project.documents.scores.scores[SCORE].model.file
    with naming(model):
        model.write_text(text_of(trained), encoding="utf-8")
    return trained


def _look(project: Project, lines: Sequence[bytes], audience: str) -> AudienceShown:
    """Who is in the audience on Sarah's morning."""
    found: list[AudienceShown] = []
    look = PeopleLook(AudienceQuestion(audience, 3), floor_ms(datetime.fromisoformat(HER_MORNING)), found.append)
    simulate(project, lines, facts=lambda facts: None, look=look)
    return found[0]


def _classes(out: Path, project: Project) -> AnalysisTold:
    asked = AnalysisAsked(kind="attribution", words="classes", options={}, live=False, stitch=False, exported=False)
    with open_warehouse(out / FACTS, Viewed.of(project.program), Settings()) as warehouse:
        return AnalysisTold.of(answer(warehouse, asked, Known(project, project.program)))


def chapters(facts: Sequence[Fact]) -> Iterator[tuple[str, list[str]]]:
    """What happened to Sarah, a line each, by chapter."""
    since = 0
    for title, until in CHAPTERS:
        until_ms = floor_ms(datetime.fromisoformat(until))
        told = [fact for fact in facts if since <= fact.at < until_ms and _is_told(fact)]
        yield title, [f"{time_text(fact.at)}  {sentence(fact)}" for fact in told]
        since = until_ms


def _is_told(fact: Fact) -> bool:
    match fact:
        case Decided() | OfferMarked() | Merged():
            return True
        case Changed(what=what):
            return what == "place"
        case DeliveryReached(outcome=outcome):
            return outcome in TOLD_OUTCOMES
        case Moved(what=what):
            return what in TOLD_MOVES
        case _:
            return False
