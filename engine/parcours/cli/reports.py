"""The command that shows what it all came to: the counts of a whole, or a report of one kind from facts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from parcours.cli.door_options import DoorKey, DoorUrl, named_store
from parcours.cli.fact_sources import ReportForm, open_facts, project_of, written
from parcours.cli.files import read_summary
from parcours.cli.pages import write_door_page, write_page
from parcours.cli.questions import FACTS_HELP
from parcours.cli.windows import Live, Since, Until, asked_window
from parcours.errors import CallerError

if TYPE_CHECKING:
    from parcours.insight.reports.asked import Asked, Cohort, ReportKind
    from parcours.insight.reports.told import ReportTold
    from parcours.service.stored_facts import StoredFacts


First = Annotated[
    str | None, typer.Argument(metavar="[OUT]", help="What simulate wrote, if none of --store, --facts and --url.")
]

Second = Annotated[
    str | None,
    typer.Argument(
        metavar="[KIND]", help="From facts alone: of journey, campaign, channel, message, event, place or offer."
    ),
]


class CohortOption(StrEnum):
    ENTERED = "entered"
    MOVED = "moved"


CohortChosen = Annotated[
    CohortOption | None,
    typer.Option(help="With KIND: what began within these times (entered), or what happened then (moved)."),
]


ByChosen = Annotated[
    str | None,
    typer.Option(
        metavar="GROUPS",
        help="With KIND: divided by day, hour, week (in UTC), version, step, or segments such as west,mobile.",
    ),
]


FormChosen = Annotated[
    ReportForm | None,
    typer.Option(
        "--format", help="With KIND: a table, one object of JSON, or CSV; html: a page, without KIND of everything."
    ),
]


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a report from facts, as they are given."""

    since: str | None
    until: str | None
    cohort: CohortOption | None
    by: str | None
    live: bool
    form: ReportForm | None
    file: Path | None
    exported: bool

    def first_given(self) -> str | None:
        """The name of one that is given."""
        given = {
            "--from": self.since,
            "--to": self.until,
            "--cohort": self.cohort,
            "--by": self.by,
            "--live": self.live,
            "--format": self.form,
            "--out": self.file,
            "--exported": self.exported,
        }
        return next((name for name, value in given.items() if value), None)


@dataclass(frozen=True, slots=True)
class _Source:
    """Whose facts: one of `out`, `facts`, `store` and `url` is given."""

    out: Path | None
    facts: Path | None
    store: str | None
    url: str | None
    key: str | None
    project: Path | None


def report(
    first: First = None,
    second: Second = None,
    third: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Of this one only.")] = None,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            callback=named_store,
            help="The totals of this store, which no engine may use; with KIND what it has exported while one does.",
        ),
    ] = None,
    facts: Annotated[
        Path | None,
        typer.Option("--facts", metavar="FACTS", exists=True, file_okay=False, help=f"The counts of {FACTS_HELP}"),
    ] = None,
    project: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="The project: of OUT for its goals' targets, and with KIND for whom a merge counts and for segments.",
        ),
    ] = None,
    since: Since = None,
    until: Until = None,
    cohort: CohortChosen = None,
    by: ByChosen = None,
    live: Live = False,
    form: FormChosen = None,
    file: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", dir_okay=False, help="With KIND, or html: where to write it."),
    ] = None,
    exported: Annotated[
        bool, typer.Option("--exported", help="With KIND, --store or --url: leave out what is not exported yet.")
    ] = False,
    url: DoorUrl = None,
    key: DoorKey = None,
) -> None:
    """Show what a simulation, a store or a running engine came to: journeys step by step, channels, gates."""
    out, kind, name = _source_and_kind(first, second, third, any(each is not None for each in (store, facts, url)))
    if sum(each is not None for each in (out, store, facts, url)) != 1:
        raise typer.BadParameter("choose one of OUT, --store, --facts and --url.", param_hint="OUT")
    from_facts = kind is not None or form is ReportForm.HTML
    if project is not None and (url is not None or (out is None and not from_facts)):
        raise typer.BadParameter("it goes with OUT, and with KIND of facts and stores.", param_hint="--project")
    options = Options(since, until, cohort, by, live, form, file, exported)
    if from_facts:
        _report_from_facts(_Source(out, facts, store, url, key, project), kind, name, options)
        return
    if (given := options.first_given()) is not None:
        raise typer.BadParameter("it goes with KIND.", param_hint=given)
    if url is not None:
        _report_door(url, key)
    elif out is not None:
        _report_simulation(out, project)
    elif store is not None:
        _report_store(store)
    else:
        assert facts is not None
        _report_facts(facts)


def _report_from_facts(source: _Source, kind: ReportKind | None, name: str | None, options: Options) -> None:
    """The report of one kind, or a page; without a kind it is of all that facts tell."""
    from parcours.cli.remote import Remote
    from parcours.insight.reports.told import ReportTold, report_query

    if kind is None and options.by is not None:
        raise typer.BadParameter("it goes with KIND.", param_hint="--by")
    asked = _asked(kind or "journey", name, options)
    if source.url is not None:
        door, query = Remote(source.url, source.key).patient(), report_query(asked, exported=options.exported)
        if options.form is ReportForm.HTML:
            write_door_page(door, query, everything=kind is None, file=options.file)
        else:
            _write(door.seen("report", query=query, kind=ReportTold), options)
        return
    project = project_of(source.out, source.facts, source.project)
    found = open_facts(source.out, source.facts, source.store, project, exported=options.exported)
    if options.form is ReportForm.HTML:
        write_page(found, source.out, asked, everything=kind is None, file=options.file)
    else:
        _write(_of_facts(found, asked), options)


def _source_and_kind(
    first: str | None, second: str | None, third: str | None, elsewhere: bool
) -> tuple[Path | None, ReportKind | None, str | None]:
    """OUT, KIND and NAME: where the source is an option, KIND comes first."""
    from parcours.insight.reports.asked import KINDS

    out = None
    if elsewhere and (first is None or first in KINDS):
        if third is not None:
            raise typer.BadParameter(f"{third!r} is one too many.", param_hint="NAME")
        first, second, third = None, first, second
    if first is not None:
        out = Path(first)
        if not out.is_dir():
            what = "is a file" if out.exists() else "does not exist"
            raise typer.BadParameter(f"Directory {first!r} {what}.", param_hint="OUT")
    kind = None if second is None else KINDS.get(second)
    if second is not None and kind is None:
        raise typer.BadParameter(f"{second!r} is none; there are {', '.join(KINDS)}.", param_hint="KIND")
    return out, kind, third


def _asked(kind: ReportKind, name: str | None, options: Options) -> Asked:
    """What is asked. Raises BadParameter, and CallerError for what such a report is not divided by."""
    from parcours.insight.reports.asked import Asked

    window = asked_window(options.since, options.until, live=options.live)
    cohort: Cohort = "moved" if options.cohort is CohortOption.MOVED else "entered"
    return Asked(kind, name, window.from_ms, window.to_ms, cohort, options.by, window.live)


def _of_facts(found: StoredFacts, asked: Asked) -> ReportTold:
    from parcours.insight.reports.counting import report_of
    from parcours.insight.reports.told import ReportTold

    with found.warehouse as warehouse:
        return ReportTold.of(report_of(warehouse, asked, found.program))


def _write(answer: ReportTold, options: Options) -> None:
    from rich.console import Console

    from parcours.insight.reports import forms

    told = answer.report()
    with written(options.file) as file:
        match options.form:
            case ReportForm.JSON:
                forms.write_json(file, told)
            case ReportForm.CSV:
                forms.write_csv(file, told)
                typer.echo("\n".join(forms.heading(told)), err=True)
            case _:
                forms.print_sections(Console(file=file), told)


def _report_simulation(out: Path, project: Path | None) -> None:
    from rich.console import Console

    from parcours.insight.report import print_report

    summary = read_summary(out)
    print_report(Console(), summary, targets=_goals(project, summary.journeys), limits=summary.limits or {})


def _goals(project: Path | None, journeys: Iterable[str]) -> dict[str, float | None]:
    """The target of each journey that has a goal. The counts do not tell which has one: without a project, all may."""
    from parcours.dispatch.judgement import load_project

    if project is None:
        return dict.fromkeys(journeys)
    published = load_project(project).program.journeys
    return {each.name: each.goal.target_percent for each in published if each.goal is not None}


def _report_door(url: str, key: str | None) -> None:
    import msgspec
    from rich.console import Console

    from parcours.cli.remote import Remote
    from parcours.insight.store_report import StoreReport, print_store_report

    try:
        told = msgspec.json.decode(Remote(url, key).get("report"), type=StoreReport)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CallerError(f"The report of the door cannot be read: {error}.") from None
    print_store_report(Console(), told)


def _report_store(store: str) -> None:
    from rich.console import Console

    from parcours.insight.store_report import print_store_report, report_of
    from parcours.journey.publish.publications import PublicationCompiler
    from parcours.service.stored_campaigns import stored_tally
    from parcours.shard.closed_store import read_shards, sum_of
    from parcours.store.address import check_address

    check_address(store)
    shards = list(read_shards(store))
    totals, published = sum_of(shards), shards[0].publications
    clock_ms = max(shard.stamp_ms for shard in shards) or None
    if published is None:
        print_store_report(Console(), report_of(totals, (), clock_ms))
        return
    program = PublicationCompiler().program(published)
    tally = stored_tally(store, program)
    print_store_report(Console(), report_of(totals, program.versions(), clock_ms, campaigns=tally))


def _report_facts(folder: Path) -> None:
    from rich.console import Console

    from parcours.config import Settings
    from parcours.core.totals import FactCounter
    from parcours.insight.campaign_counts import CampaignTally
    from parcours.insight.exporter.opening import open_simulated
    from parcours.insight.published_versions import published_campaigns, published_versions
    from parcours.insight.store_report import print_store_report, report_of

    simulated, settings = open_simulated(folder), Settings()
    counter = FactCounter(settings.totals_max, settings.reasons_max)
    for some in simulated.all():
        counter.add(some)
    published = simulated.of("")
    versions, tally = published_versions(published), CampaignTally(published_campaigns(published))
    for output in simulated.outputs():
        tally.add(output)
    targets = {each.name: each.target_percent for each in versions if each.has_goal}
    report = report_of(counter.totals(), versions, simulated.newest_ms(), targets, tally)
    print_store_report(Console(), report, lines_counted=False)
