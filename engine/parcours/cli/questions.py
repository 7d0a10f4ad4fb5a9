"""The commands that read results: report, explain and diff."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from parcours.cli.door_options import DoorKey, DoorUrl, named_store
from parcours.cli.files import events_source, read_summary
from parcours.cli.lines import STANDARD_INPUT, Rejections, read_lines
from parcours.cli.project import ProjectFolder
from parcours.cli.run import UNTIL_HELP, left_out, time_ms
from parcours.errors import CallerError

if TYPE_CHECKING:
    from parcours.campaigns.set_places import SetPlace
    from parcours.insight.explain import Explanation
    from parcours.insight.whose_facts import Told
    from parcours.journey.program import Journey, Program
    from parcours.journey.project import Project
    from parcours.journey.publish.ledger import JourneyStateName
    from parcours.simulation.campaigning import CampaignsAsked
    from parcours.simulation.simulation import Result

EventsFile = Annotated[
    str, typer.Option("--events", metavar="FILE", help="The events as NDJSON; may be gzipped; - is standard input.")
]

FACTS_HELP = "the facts in this folder, which simulate --facts wrote as OUT/facts."

Until = Annotated[
    str | None,
    typer.Option("--until", metavar="TIME", help=UNTIL_HELP),
]


def report(
    out: Annotated[
        Path | None, typer.Argument(metavar="[OUT]", exists=True, file_okay=False, help="What simulate wrote.")
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(metavar="URL", callback=named_store, help="The totals of this store, which no engine may use."),
    ] = None,
    facts: Annotated[
        Path | None,
        typer.Option("--facts", metavar="FACTS", exists=True, file_okay=False, help=f"The counts of {FACTS_HELP}"),
    ] = None,
    project: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", exists=True, file_okay=False, help="With OUT: the project, for its goals' targets."
        ),
    ] = None,
    url: DoorUrl = None,
    key: DoorKey = None,
) -> None:
    """Show what a simulation, a store or a running engine came to: journeys step by step, channels, gates."""
    if sum(each is not None for each in (out, store, facts, url)) != 1:
        raise typer.BadParameter("choose one of OUT, --store, --facts and --url.", param_hint="OUT")
    if out is None and project is not None:
        raise typer.BadParameter("it goes with OUT; stores and facts know their own.", param_hint="--project")
    if url is not None:
        _report_door(url, key)
        return
    if out is not None:
        _report_simulation(out, project)
    elif store is not None:
        _report_store(store)
    else:
        assert facts is not None
        _report_facts(facts)


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
    from parcours.insight.exporter.opening import open_simulated
    from parcours.insight.published_versions import published_versions
    from parcours.insight.store_report import print_store_report, report_of

    simulated, settings = open_simulated(folder), Settings()
    counter = FactCounter(settings.totals_max, settings.reasons_max)
    for some in simulated.all():
        counter.add(some)
    versions = published_versions(simulated.of(""))
    targets = {each.name: each.target_percent for each in versions if each.has_goal}
    report = report_of(counter.totals(), versions, simulated.newest_ms(), targets)
    print_store_report(Console(), report, lines_counted=False)


def explain(
    first: Annotated[str, typer.Argument(metavar="[DIR]", help="With --events and --store: the project's folder.")],
    profile: Annotated[
        str | None,
        typer.Argument(metavar="PROFILE", help="The user id, or the name in results, such as @anonymous/7f3a."),
    ] = None,
    events: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="What these events (NDJSON) lead to; may be gzipped; - is standard input."),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="URL", callback=named_store, help="What has been recorded in this store, which no engine may use."
        ),
    ] = None,
    url: DoorUrl = None,
    recorded: Annotated[
        Path | None,
        typer.Option("--facts", metavar="FACTS", exists=True, file_okay=False, help=f"What is told by {FACTS_HELP}"),
    ] = None,
    until: Until = None,
    json: Annotated[bool, typer.Option("--json", help="As one line of JSON.")] = False,
    key: DoorKey = None,
) -> None:
    """Tell why a person got, or did not get, a message.

    What begins with @ and holds a / is taken for a name of the results, everything else for a user id.
    """
    if sum(each is not None for each in (events, store, url, recorded)) != 1:
        raise typer.BadParameter("choose one of --events, --store, --facts and --url.", param_hint="--events")
    if events is None and until is not None:
        raise typer.BadParameter("it goes with --events.", param_hint="--until")
    if url is not None:
        _explain_by_door(first, profile, url, key, json=json)
        return
    folder, profile = _folder_and_profile(first, profile)
    import msgspec

    from parcours.insight.explain_text import explanation_text

    explanation, nothing = _explained(folder, profile, events, store, recorded, until)
    if json:
        typer.echo(msgspec.json.encode(explanation).decode())
    else:
        typer.echo(explanation_text(explanation), nl=False)
    if nothing is not None:
        raise CallerError(f"Nothing happened to {profile!r}: {nothing}.")


def _explained(
    folder: Path, profile: str, events: str | None, store: str | None, recorded: Path | None, until: str | None
) -> tuple[Explanation, str | None]:
    """The explanation from one of these sources, and where it is empty why there is nothing, in words."""
    import msgspec

    from parcours.core.identity import person_asked_for
    from parcours.dispatch.judgement import load_project
    from parcours.insight.explain import SetStory
    from parcours.insight.explain import explain as explanation_of
    from parcours.insight.whose_facts import Told, owner_by_facts
    from parcours.journey.identities import never_linked
    from parcours.service.stored_campaigns import with_stored_sets
    from parcours.simulation.campaigning import CampaignsAsked

    source = None if events is None else events_source(events)
    project = load_project(folder, drafts=True)
    person = person_asked_for(profile)
    states: dict[str, JourneyStateName] = {}
    places: list[SetPlace] = []
    published, identities = project.program, project.program.identities
    if source is not None:
        asked = CampaignsAsked(explain=(person, places.append))
        result = _simulated(project, source, until, "Events", asked)
        _say_what_is_left_out(result)
        program = project.program
        used, journeys = program.anonymous_history == "used", (*program.journeys, *program.taking)
        told = Told.of(owner_by_facts(result.facts, person), [], result.facts, used=used)
        none = "none of these events concerns them and any journey"
    elif store is not None:
        told, published, states = _recalled(project, store, person)
        identities, journeys = published.identities, published.versions()
        none = "as far as the store's journal reaches back, it tells nothing of them"
    else:
        assert recorded is not None
        told, journeys = _read_again(project, recorded, person)
        none = f"{recorded} tells nothing of them"
    explanation = explanation_of(
        told.facts,
        told.owner,
        journeys,
        states,
        used=told.used,
        names=told.names,
        asked_for=person,
        unlinked=never_linked(identities),
    )
    if store is not None:
        explanation = with_stored_sets(explanation, store, published, told)
    else:
        sets = tuple(SetStory(**msgspec.structs.asdict(place)) for place in places)
        explanation = msgspec.structs.replace(explanation, sets=sets)
    is_nothing = not told.facts and not any(each.outputs for each in explanation.sets)
    return explanation, none if is_nothing else None


def _folder_and_profile(folder: str, profile: str | None) -> tuple[Path, str]:
    """Raises BadParameter for what is not both."""
    if profile is None:
        raise typer.BadParameter("the project's folder and a profile are expected.", param_hint="PROFILE")
    if not Path(folder).is_dir():
        raise typer.BadParameter(f"there is no folder {folder!r}.", param_hint="DIR")
    return Path(folder), profile


def _explain_by_door(profile: str, more: str | None, url: str, key: str | None, *, json: bool) -> None:
    from parcours.cli.remote import Remote

    if more is not None:
        raise typer.BadParameter("a running engine knows its project: name the profile alone.", param_hint="PROFILE")
    told = Remote(url, key).get("people", profile, "explain", accept="application/json" if json else "text/plain")
    typer.echo(told.decode(errors="replace"), nl=json)


def _recalled(project: Project, store: str, person: str) -> tuple[Told, Program, dict[str, JourneyStateName]]:
    """What is told of the person, and what is published in the store."""
    from parcours.journey.publish.publications import PublicationCompiler
    from parcours.service.stored_record import stored_facts
    from parcours.shard.closed_store import read_shard_of
    from parcours.store.address import check_address

    check_address(store)
    shard = read_shard_of(store, project.name, person)
    if shard.publications is None:
        return stored_facts(store, person, used=False), project.program, {}
    program = PublicationCompiler(project).program(shard.publications)
    told = stored_facts(store, person, used=program.anonymous_history == "used")
    states = {name: entry.state for name, entry in shard.publications.ledger.journeys.items()}
    return told, program, states


def _read_again(project: Project, folder: Path, person: str) -> tuple[Told, tuple[Journey, ...]]:
    """What the folder of a simulation tells of the person, and the project's journeys by their numbers there."""
    from parcours.insight.exporter.opening import open_simulated
    from parcours.insight.published_versions import compiled_versions, versions_of

    simulated = open_simulated(folder)
    told = simulated.told_under(person, used=project.program.anonymous_history == "used")
    journeys = tuple(compiled_versions(project, simulated.of("")))
    for name, version in sorted(versions_of(told.facts) - {(each.name, each.version) for each in journeys}):
        typer.echo(
            f"{name}, version {version}, is another one in the project: what its runs wait for is not told.", err=True
        )
    return told, journeys


def diff(
    old: ProjectFolder,
    new: Annotated[Path, typer.Argument(metavar="NEW", exists=True, file_okay=False, help="The changed project.")],
    events: EventsFile,
    until: Until = None,
    most: Annotated[int, typer.Option(min=0, help="Changes shown one by one.")] = 100,
    json: Annotated[bool, typer.Option("--json", help="As one line of JSON.")] = False,
) -> None:
    """Tell what a changed project would have done differently, person by person."""
    from parcours.dispatch.judgement import load_project
    from parcours.insight.diff import compare
    from parcours.insight.diff_text import difference_json, difference_text

    with _twice(events_source(events)) as source:
        projects = load_project(old, drafts=True), load_project(new, drafts=True)
        before = _simulated(projects[0], source, until, "Before")
        after = _simulated(projects[1], source, until, "After")
    _say_what_is_left_out(before, after)
    difference = compare(before.facts, after.facts)
    if json:
        typer.echo(difference_json(difference, most).decode())
    else:
        typer.echo(difference_text(difference, most), nl=False)


def _simulated(
    project: Project, source: str, until: str | None, what: str, campaigns: CampaignsAsked | None = None
) -> Result:
    from parcours.cli.progress import ProgressBar
    from parcours.simulation.simulation import simulate

    until_ms = None if until is None else time_ms(until)
    rejections = Rejections(lambda sentence: typer.echo(sentence, err=True))
    with ProgressBar(what) as progress:
        result = simulate(
            project,
            read_lines(source),
            until_ms=until_ms,
            rejected=rejections,
            progress=progress,
            campaigns=campaigns,
        )
    rejections.close()
    return result


def _say_what_is_left_out(*results: Result) -> None:
    for sentence in left_out(*results):
        typer.echo(sentence, err=True)


@contextmanager
def _twice(source: str) -> Iterator[str]:
    """The file, or a copy of a source that can be read only once: standard input, or the end of a pipe."""
    if source != STANDARD_INPUT and Path(source).is_file():
        yield source
        return
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "events"
        with copy.open("wb") as file, _piped(source) as piped:
            shutil.copyfileobj(piped, file)
        yield str(copy)


def _piped(source: str) -> AbstractContextManager[BinaryIO]:
    return nullcontext(sys.stdin.buffer) if source == STANDARD_INPUT else Path(source).open("rb")
