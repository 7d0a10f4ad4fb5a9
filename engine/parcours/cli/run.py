"""The commands that run journeys: the demo, and a simulation over recorded events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from parcours.cli.decisions_demo import FOLDER as STUDIO
from parcours.cli.decisions_demo import show_decisions_demo
from parcours.cli.files import events_source, remember_project, results_folder
from parcours.cli.insight_demo import FOLDER, show_insight_demo
from parcours.cli.lines import read_lines
from parcours.cli.project import ProjectFolder
from parcours.cli.rejected import REJECTED
from parcours.cli.simulated_sources import AllSources, SourceOption, check_asked, files_asked, what_is_left_out
from parcours.cli.streams_demo import show_streams_demo
from parcours.errors import naming

if TYPE_CHECKING:
    from parcours.campaigns.campaign_line import CampaignLine
    from parcours.core.fact import Fact
    from parcours.demo.run import DemoResult
    from parcours.insight.summary import EventCount
    from parcours.journey.project import Project
    from parcours.simulation.fact_files import FactFiles
    from parcours.simulation.result_files import ResultFiles
    from parcours.simulation.simulation import Result


UNTIL_HELP = (
    "Stop here; without it, when nothing is due any more, and reads that recur without end stop at the last event."
)


class RuntimeOption(StrEnum):
    LOCAL = "local"
    RAY = "ray"


class DemoShown(StrEnum):
    JOURNEYS = "journeys"
    CAMPAIGN = "campaign"
    INSIGHT = "insight"
    DECISIONS = "decisions"
    STREAMS = "streams"


class Unsorted(StrEnum):
    SORT = "sort"
    REFUSE = "refuse"


Shards = Annotated[int, typer.Option(min=1, max=1024, help="Into how many shards the people are divided.")]

RuntimeChosen = Annotated[RuntimeOption, typer.Option(help="Everything in this process, or Ray actors.")]

FiguresLast = Annotated[bool, typer.Option("--json", help="Print one line of figures last.")]

Render = Annotated[
    bool,
    typer.Option(
        "--render",
        help="Render every message: it fails, or its channel refuses what it says, as live, and the channel's "
        "remarks are counted; else all of them pass.",
    ),
]

Campaigns = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME[@TIME]",
        help="Begin a run of this campaign, at this time or with the last event; may be given several times.",
    ),
]
WithFacts = Annotated[
    bool,
    typer.Option("--facts", help="Write OUT/facts, too: all that happened as Parquet, in the tables of an export."),
]


def demo(
    what: Annotated[
        DemoShown,
        typer.Argument(
            metavar="[journeys|campaign|insight|decisions|streams]",
            help="campaign: over sets of the same people. insight: what can be asked afterwards, as a page and in the "
            "terminal. decisions: which offers one more shopper gets, and why no others. streams: live, in this "
            "process: orders from Kafka, clicks over HTTP, an audience kept in a file and at a webhook.",
        ),
    ] = DemoShown.JOURNEYS,
    shards: Shards = 2,
    runtime: RuntimeChosen = RuntimeOption.RAY,
    json: FiguresLast = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            file_okay=False,
            help=f"Of insight and decisions: the folder, {FOLDER} and {STUDIO} without it.",
        ),
    ] = None,
    is_opened: Annotated[bool, typer.Option("--open", help="Of insight: show the page in a browser.")] = False,
) -> None:
    """Run the Luma shop's journeys over its clickstream, with local stand-ins for the providers."""
    if is_opened and what is not DemoShown.INSIGHT:
        raise typer.BadParameter("it goes with insight.", param_hint="--open")
    if what is DemoShown.STREAMS:
        if out is not None:
            raise typer.BadParameter("it goes with insight and decisions.", param_hint="--out")
        show_streams_demo(shards=shards, json=json)
        return
    if what in (DemoShown.INSIGHT, DemoShown.DECISIONS):
        if json:
            raise typer.BadParameter("its figures are in its folder.", param_hint="--json")
        if what is DemoShown.INSIGHT:
            show_insight_demo(out or FOLDER, shards=shards, runtime=runtime.value, is_opened=is_opened)
        else:
            show_decisions_demo(out or STUDIO, shards=shards, runtime=runtime.value)
        return
    if out is not None:
        raise typer.BadParameter("it goes with insight and decisions.", param_hint="--out")
    import logging
    from tempfile import gettempdir

    from parcours.cli.extras import extra
    from parcours.cli.progress import ProgressBar
    from parcours.journey.picture.mermaid import campaign_mermaid

    with extra("The demo", "demo"):
        from parcours.demo.run import run_campaign_demo, run_demo
    if what is DemoShown.CAMPAIGN:
        with extra("A campaign", "campaigns"):
            import parcours.campaigns.coordinator  # noqa: F401  # the simulation opens it once Ray has started

    # The mail server's double warns about its own internals at each login.
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    run = run_campaign_demo if what is DemoShown.CAMPAIGN else run_demo
    with ProgressBar("Clickstream") as progress, naming(gettempdir()):
        outcome = run(shards=shards, runtime=runtime.value, progress=progress)
    _show(outcome.result, mails_received=outcome.mails_received)
    for campaign in outcome.campaigns:
        counts = (outcome.result.summary.campaigns or {})[campaign.name]
        typer.echo(
            f"The campaign with the sizes of its sets, as Mermaid:\n\n{campaign_mermaid(campaign, counts.sizes())}"
        )
    typer.echo(lines_fed(outcome))
    if json:
        typer.echo(figures(outcome))


def lines_fed(outcome: DemoResult) -> str:
    """A sentence that says what the lines read by the demo are."""
    clicks, people, notices = (f"{each:,}" for each in (outcome.events, outcome.profiles, outcome.notices))
    told = f"{clicks} recorded clicks, {people} that tell who somebody is, and {notices} notices of the shop"
    return f"The lines are {told}."


def figures(outcome: DemoResult) -> str:
    """The demo's results as one line of JSON."""
    import msgspec

    summary = outcome.result.summary
    return msgspec.json.encode(
        {
            "events": outcome.events,
            "profiles": outcome.profiles,
            "journeys": summary.journeys,
            "channels": summary.channels,
            "gates": summary.gates,
            **({"campaigns": summary.campaigns} if summary.campaigns else {}),
            "mails_received": outcome.mails_received,
            "seconds": round(outcome.seconds, 3),
            "runtime": outcome.runtime,
            "shards": outcome.shards,
        }
    ).decode()


def simulate(
    folder: ProjectFolder,
    out: Annotated[str, typer.Option(metavar="OUT", help="The folder for the results.")],
    events: Annotated[
        str | None, typer.Option(metavar="FILE", help="The events as NDJSON; may be gzipped; - is standard input.")
    ] = None,
    source: SourceOption = None,
    sources: AllSources = False,
    until: Annotated[
        str | None,
        typer.Option(metavar="TIME", help=UNTIL_HELP),
    ] = None,
    unsorted: Annotated[
        Unsorted, typer.Option(help="What to do with events that are not in the order of time.")
    ] = Unsorted.SORT,
    render: Render = False,
    facts: WithFacts = False,
    campaign: Campaigns = None,
    runtime: RuntimeChosen = RuntimeOption.LOCAL,
    shards: Shards = 1,
    json: FiguresLast = False,
) -> None:
    """Run a project's journeys over recorded events, under virtual time."""
    until_ms = None if until is None else time_ms(until)
    check_asked(events, source, sources=sources)
    given = None if events is None else events_source(events)
    results = results_folder(out, folder)

    from tempfile import gettempdir

    from parcours.cli.progress import ProgressBar
    from parcours.dispatch.judgement import load_project
    from parcours.dispatch.recorded_rendering import RecordedRendering
    from parcours.simulation.campaigning import CampaignsAsked
    from parcours.simulation.result_files import ResultFiles
    from parcours.simulation.simulation import simulate as run

    project = load_project(folder, drafts=True)
    stand_ins = files_asked(project, source, sources=sources)
    with naming(gettempdir()):
        kept, rejections = what_is_left_out(stand_ins)
    with ResultFiles(results) as files, kept, _fact_files(results, project, wanted=facts) as fact_files:
        with ProgressBar("Events") as progress, naming(gettempdir()):
            result = run(
                project,
                () if given is None else read_lines(given),
                until_ms=until_ms,
                sort=unsorted is Unsorted.SORT,
                runtime=runtime.value,
                shards=shards,
                rendering=RecordedRendering.of(project, keep=False) if render else None,
                rejected=rejections,
                progress=progress,
                facts=files.add if fact_files is None else _to_both(files, fact_files),
                accepted=None if fact_files is None else fact_files.add_events,
                linked=lambda group: progress.note(f"largest group: {group.names:,} names, as of {group.smallest}"),
                campaigns=CampaignsAsked(files.exports, _starts(campaign or []), _told(files, fact_files)),
                sources=stand_ins,
            )
        if fact_files is not None:
            fact_files.write()
        with naming(results):
            files.write(result.summary)
            kept.write(results)
            if facts:
                remember_project(results, folder)
        rejections.close(results / REJECTED)
    if not facts:
        _tell_of_older_facts(results)
    _tell(result, until, json=json)


def _starts(campaigns: list[str]) -> list[tuple[str, int | None]]:
    """The runs of campaigns that are begun by hand, each with its time if one is given."""
    starts: list[tuple[str, int | None]] = []
    for each in campaigns:
        name, given, time = each.partition("@")
        start = name, time_ms(time, "--campaign") if given else None
        if start in starts:
            raise typer.BadParameter(f"{each!r} is given twice.", param_hint="--campaign")
        starts.append(start)
    return starts


def simulated_figures(result: Result) -> str:
    """A simulation's results as one line of JSON."""
    import msgspec

    summary, group = result.summary, result.largest_group
    return msgspec.json.encode(
        {
            "events": summary.events,
            "journeys": summary.journeys,
            "channels": summary.channels,
            "gates": summary.gates,
            **({"campaigns": summary.campaigns} if summary.campaigns else {}),
            "largest_group": None if group is None else {"names": group.names, "smallest": group.smallest},
        }
    ).decode()


def _tell(result: Result, until: str | None, *, json: bool) -> None:
    """The report, what was left out, and the figures if they are asked for. Raises Exit where nothing was of use."""
    _show(result)
    for run in result.failed:
        typer.echo(f"Run {run.run} of the campaign {run.campaign!r} failed at {run.step}: {run.why}", err=True)
    for sentence in left_out(result):
        typer.echo(sentence, err=True)
    if until is not None and (later := _not_reached(result.summary.events)):
        lines = "1 line is" if later == 1 else f"{later:,} lines are"
        typer.echo(f"{lines} of a later time than --until {until}, and left out.", err=True)
    if json:
        typer.echo(simulated_figures(result))
    if result.summary.events.read and not result.summary.events.used:
        typer.echo("None of the lines that were read could be used.", err=True)
        raise typer.Exit(1)


def _fact_files(results: Path, project: Project, *, wanted: bool) -> AbstractContextManager[FactFiles | None]:
    """What writes the folder of facts. Raises ExtraMissing, SettingInvalid for a secret that is not there."""
    import os

    from parcours.runtime.exporting import address_secret
    from parcours.simulation.fact_files import FactFiles

    if not wanted:
        return nullcontext()
    return FactFiles(results, project.program, address_secret(project, os.environ))


def _to_both(files: ResultFiles, fact_files: FactFiles) -> Callable[[list[Fact]], None]:
    """Takes facts for all files."""

    def add(facts: list[Fact]) -> None:
        files.add(facts)
        fact_files.add(facts)

    return add


def _told(files: ResultFiles, fact_files: FactFiles | None) -> Callable[[CampaignLine], None]:
    """Takes lines of campaigns for all files."""

    def tell(line: CampaignLine) -> None:
        files.tell(line)
        if fact_files is not None:
            fact_files.tell(line)

    return tell


def _tell_of_older_facts(results: Path) -> None:
    from parcours.store.exports import DONE, FACTS

    if (results / FACTS / DONE).is_dir():
        typer.echo(f"{results / FACTS} is of another simulation: --facts writes it anew.", err=True)


def _not_reached(events: EventCount) -> int:
    """How many lines could be used, and have not been handed over because the simulation ended before them."""
    return events.read - sum((events.used, events.duplicate, events.rejected, events.unmatched, events.undeclared))


def left_out(*results: Result) -> Iterator[str]:
    """The warnings of simulations that were cut off before all had happened, each once however many they are."""
    from parcours.config import DAY_MS, Settings
    from parcours.insight.sentences import READS_ENDED

    if any(result.unsettled for result in results):
        days = Settings().loop_horizon_ms // DAY_MS
        yield (
            f"Not everything had settled {days} days after the last event, and what falls due later is left out; "
            "with --until TIME it goes on as far as you say."
        )
    if journeys := sorted({name for result in results for name in result.reads_ended}):
        yield READS_ENDED.format(journeys=", ".join(journeys), until="--until TIME")


def _show(result: Result, mails_received: int | None = None) -> None:
    from rich.console import Console

    from parcours.insight.report import print_report

    print_report(
        Console(),
        result.summary,
        targets=result.targets,
        reasons=result.reasons,
        limits=result.limits,
        unknown_zones=result.unknown_zones,
        not_merged=result.not_merged,
        parked=result.parked,
        mails_received=mails_received,
    )


def time_ms(text: str, option: str = "--until") -> int:
    """An ISO 8601 time with a zone, such as 2026-01-01T10:00:00Z, in milliseconds since the epoch."""
    from parcours.core.time_text import time_text
    from parcours.instants import EARLIEST_MS, LATEST_MS, floor_ms

    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        example = "2026-01-01T10:00:00Z"
        raise typer.BadParameter(f"{text!r} is no time with a zone, such as {example}.", param_hint=option)
    if not EARLIEST_MS <= (at_ms := floor_ms(time)) <= LATEST_MS:
        bound = f"the latest is {time_text(LATEST_MS)}" if at_ms > 0 else f"the earliest is {time_text(EARLIEST_MS)}"
        raise typer.BadParameter(f"{text!r} is no time that can be asked for: {bound}.", param_hint=option)
    return at_ms
