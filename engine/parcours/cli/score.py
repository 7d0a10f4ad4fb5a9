"""The commands about scores: how a model is made from what has happened, and whether it still holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from parcours.cli.door_options import named_store
from parcours.cli.fact_sources import Facts
from parcours.cli.files import events_source, whole
from parcours.cli.lines import read_lines
from parcours.cli.project import ProjectFolder
from parcours.cli.run import time_ms

if TYPE_CHECKING:
    from parcours.config import Settings
    from parcours.journey.project import Project
    from parcours.training.artefact import Trained
    from parcours.training.check import Checked
    from parcours.training.quality import Quality
    from parcours.training.since import Since

score = typer.Typer(name="score", help="Train the models of scores, and see if they still hold.", no_args_is_help=True)

FEATURES_SHOWN_MAX = 20

ScoreName = Annotated[str, typer.Argument(metavar="NAME", help="The score.")]
Recorded = Annotated[
    str | None,
    typer.Option("--events", metavar="FILE", help="What has happened, as NDJSON; may be gzipped; - is the input."),
]
KeptStore = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        callback=named_store,
        help="What has happened by the inputs of this store, which keeps them and which no engine uses.",
    ),
]
StoreOfBoth = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        callback=named_store,
        help="The facts of this store; with --at its inputs as well, and then no engine may use it.",
    ),
]


@score.command()
def train(
    folder: ProjectFolder,
    name: ScoreName,
    at: Annotated[
        list[str],
        typer.Option(
            "--at",
            metavar="TIME",
            help="A time or date as of which people are looked at; may be repeated.",
        ),
    ],
    events: Recorded = None,
    store: KeptStore = None,
    json: Annotated[bool, typer.Option("--json", help="What it is worth, as one line of JSON.")] = False,
) -> None:
    """Train a score with what has happened, write its model into the project, and tell what it is worth.

    Features are asked as of each --at, and what became of people is looked up after it. A fifth of them is held out,
    and the model is judged by those.
    """
    import msgspec

    from parcours.dispatch.judgement import load_project
    from parcours.training.artefact import text_of
    from parcours.training.train import train as train_score

    if (events is None) == (store is None):
        raise typer.BadParameter("choose one of --events and --store.", param_hint="--events")
    project = load_project(folder, drafts=True)
    cuts_ms = [_cut_ms(each, project.documents.settings.timezone) for each in at]
    with _happened(events, store) as (lines, settings):
        trained = train_score(project, name, lines, cuts_ms, settings)
    path = project.folder / project.documents.scores.scores[name].model.file
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as unfinished:
        unfinished.write_text(text_of(trained), encoding="utf-8")
    typer.echo(msgspec.json.encode(trained.quality).decode() if json else _text(trained, str(path)))


@score.command()
def check(
    folder: ProjectFolder,
    name: ScoreName,
    at: Annotated[
        str | None,
        typer.Option(
            "--at", metavar="TIME", help="A time or date as of which people are looked at, by --events or --store."
        ),
    ] = None,
    events: Recorded = None,
    facts: Facts = None,
    store: StoreOfBoth = None,
    json: Annotated[bool, typer.Option("--json", help="As one line of JSON.")] = False,
) -> None:
    """Tell how far people are from those whom a score was trained with, and what the score has been worth since.

    As of --at, for each feature and the score itself, by the population stability index: from 0.1 on it is worth a
    look, from 0.25 on the score should be trained again. By --facts or --store, of those of whom facts tell what the
    score has said and what came true.
    """
    import msgspec

    from parcours.dispatch.judgement import load_project

    _check_sources(at, events, facts, store)
    project = load_project(folder)
    found: dict[str, object] = {}
    if at is not None:
        with _happened(events, store) as (lines, settings):
            checked = _drift(project, name, lines, at, settings)
        found |= msgspec.to_builtins(checked)
        if not json:
            missing = f"{checked.missing:,} {'lacks' if checked.missing == 1 else 'lack'} a feature's value"
            people = "1 person" if checked.people == 1 else f"{checked.people:,} people"
            typer.echo(f"{name} says something of {people}, and {missing}.")
            for each in checked.drifts:
                typer.echo(f"{each.index:8.3f}  {each.verdict:5}  {each.name or 'the score itself'}")
    if facts is not None or store is not None:
        known = _since(project, name, facts, store)
        found["since"] = msgspec.to_builtins(known)
        if not json:
            typer.echo("\n".join(_since_text(known)))
    if json:
        typer.echo(msgspec.json.encode(found).decode())


def _check_sources(at: str | None, events: str | None, facts: Path | None, store: str | None) -> None:
    """Raises BadParameter where nothing is asked, or nobody knows of what."""
    if facts is not None and store is not None:
        raise typer.BadParameter("a store has its own facts: choose one of --facts and --store.", param_hint="--facts")
    if events is not None and store is not None:
        raise typer.BadParameter("choose one of --events and --store.", param_hint="--events")
    if at is None and events is not None:
        raise typer.BadParameter("say as of when people are looked at.", param_hint="--at")
    if at is not None and events is None and store is None:
        raise typer.BadParameter("it goes with --events or --store.", param_hint="--at")
    if at is None and facts is None and store is None:
        raise typer.BadParameter("choose one of --events with --at, --facts and --store.", param_hint="--events")


@contextmanager
def _happened(events: str | None, store: str | None) -> Iterator[tuple[Iterator[bytes], Settings]]:
    """The lines of what has happened, of the one source that is given, and the settings with which they are taken."""
    from parcours.config import Settings

    if store is None:
        assert events is not None, "one of the two is given"
        yield read_lines(events_source(events)), Settings()
        return
    from parcours.training.store_events import AS_TAKEN, events_of_store

    with events_of_store(store) as lines:
        yield lines, AS_TAKEN


def _drift(project: Project, name: str, lines: Iterator[bytes], at: str, settings: Settings) -> Checked:
    from parcours.training.check import check as check_score

    at_ms = _cut_ms(at, project.documents.settings.timezone)
    scores = project.documents.scores.scores
    file = (project.folder / scores[name].model.file).read_text(encoding="utf-8") if name in scores else "{}"
    return check_score(project, name, lines, at_ms, file, settings)


def _since(project: Project, name: str, facts: Path | None, store: str | None) -> Since:
    from parcours.cli.fact_sources import check_facts, open_facts
    from parcours.training.since import since

    check_facts(None, facts, store)
    with open_facts(None, facts, store, project).warehouse as warehouse:
        return since(project, name, warehouse)


def _since_text(known: Since) -> Iterator[str]:
    quality = known.quality
    yield (
        f"Of {quality.cases:,} cases from {known.first} to {known.last} {quality.positive:,} came true, as facts tell: "
        f"{figures(quality)}."
    )
    yield from ("", *_calibration(quality))


def _cut_ms(text: str, timezone: str) -> int:
    """A time, or a date, which is the midnight at which it begins in the project's zone."""
    from zoneinfo import ZoneInfo

    from parcours.instants import floor_ms

    try:
        day = date.fromisoformat(text)
    except ValueError:
        return time_ms(text, "--at")
    return floor_ms(datetime.combine(day, time(), ZoneInfo(timezone)))


def _text(trained: Trained, path: str) -> str:
    quality, cuts = trained.quality, ", ".join(trained.at)
    lines = [
        f"{path} is trained with {trained.cases:,} cases, {trained.positive:,} of which came true, as of {cuts}.",
        f"Of {quality.cases:,} that it has not seen {quality.positive:,} came true: {figures(quality)}.",
        "",
        *_calibration(quality),
        "",
        "tenth   cases   came true    lift",
        *(
            f"{number:5} {each.cases:7,} {each.happened:11.1%} {each.lift:7.2f}"
            for number, each in enumerate(quality.lift, start=1)
        ),
        "",
        "what moves it, on average",
        *(f"{share:6.1%}  {feature}" for feature, share in trained.influence[:FEATURES_SHOWN_MAX]),
    ]
    return "\n".join(lines)


def figures(quality: Quality) -> str:
    """What a score is worth, in three figures."""
    return f"AUC {quality.auc:.3f}, log loss {quality.log_loss:.4f}, Brier {quality.brier:.4f}"


def _calibration(quality: Quality) -> Iterator[str]:
    yield "probability from   cases   predicted   came true"
    for each in quality.calibration:
        yield f"{each.at_least:16.1f} {each.cases:7,} {each.predicted:10.1%} {each.happened:11.1%}"
