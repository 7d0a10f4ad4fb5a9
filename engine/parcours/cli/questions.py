"""The commands that read results person by person: explain and diff."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from parcours.cli.door_options import DoorKey, DoorUrl, named_store
from parcours.cli.files import events_source
from parcours.cli.lines import STANDARD_INPUT, Rejections, read_lines
from parcours.cli.project import ProjectFolder
from parcours.cli.run import UNTIL_HELP, left_out, time_ms
from parcours.errors import CallerError

if TYPE_CHECKING:
    from parcours.campaigns.set_places import SetPlace
    from parcours.core.columns import PersonColumns
    from parcours.insight.explain import Explanation
    from parcours.insight.score_stories import ScoreStory
    from parcours.insight.whose_facts import Told
    from parcours.journey.program import Journey, Program
    from parcours.journey.project import Project
    from parcours.journey.publish.ledger import JourneyStateName
    from parcours.scoring.score import Score
    from parcours.simulation.campaigning import CampaignsAsked
    from parcours.simulation.score_cut import ScoreCut
    from parcours.simulation.simulation import Result

EventsFile = Annotated[
    str, typer.Option("--events", metavar="FILE", help="The events as NDJSON; may be gzipped; - is standard input.")
]

FACTS_HELP = "the facts in this folder, which simulate --facts wrote as OUT/facts."

Until = Annotated[
    str | None,
    typer.Option("--until", metavar="TIME", help=UNTIL_HELP),
]


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
    from parcours.service.stored_scores import with_stored_scores
    from parcours.simulation.campaigning import CampaignsAsked

    source = None if events is None else events_source(events)
    project = load_project(folder, drafts=True)
    person = person_asked_for(profile)
    states: dict[str, JourneyStateName] = {}
    places: list[SetPlace] = []
    scores: list[ScoreStory] = []
    cuts = _score_cuts(project, until, person, scores)
    published, identities = project.program, project.program.identities
    if source is not None:
        asked = CampaignsAsked(explain=(person, places.append))
        result = _simulated(project, source, until, "Events", asked, cuts)
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
        explanation = with_stored_scores(with_stored_sets(explanation, store, published, told), store, published)
    else:
        sets = tuple(SetStory(**msgspec.structs.asdict(place)) for place in places)
        explanation = msgspec.structs.replace(explanation, sets=sets, scores=tuple(scores))
    is_nothing = not told.facts and not any(each.outputs for each in explanation.sets)
    return explanation, none if is_nothing else None


def _score_cuts(project: Project, until: str | None, person: str, found: list[ScoreStory]) -> list[ScoreCut]:
    """Cuts through a simulation as of --until, one for each score, by which what it says of the person is found."""
    from parcours.simulation.score_cut import ScoreCut

    at = 0 if until is None else time_ms(until)
    names = sorted(project.program.scores) if until is not None else []
    return [ScoreCut(name, at, partial(_find_score, project.program.scores[name], at, person, found)) for name in names]


def _find_score(
    score: Score, at: int, person: str, found: list[ScoreStory], told: Iterable[tuple[str, PersonColumns]]
) -> None:
    from parcours.insight.score_stories import story_by_columns

    found += [story_by_columns(score, at, columns) for name, columns in told if person in (name, *columns.names)]


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
    project: Project,
    source: str,
    until: str | None,
    what: str,
    campaigns: CampaignsAsked | None = None,
    cuts: Sequence[ScoreCut] = (),
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
            cuts=cuts,
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
