"""The commands about scores: how a model is made from what has happened, and whether it still holds."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING, Annotated

import typer

from parcours.cli.files import events_source, whole
from parcours.cli.lines import read_lines
from parcours.cli.project import ProjectFolder
from parcours.cli.run import time_ms

if TYPE_CHECKING:
    from parcours.training.artefact import Trained

score = typer.Typer(name="score", help="Train the models of scores, and see if they still hold.", no_args_is_help=True)

FEATURES_SHOWN_MAX = 20

ScoreName = Annotated[str, typer.Argument(metavar="NAME", help="The score.")]
Recorded = Annotated[
    str,
    typer.Option("--events", metavar="FILE", help="What has happened, as NDJSON; may be gzipped; - is the input."),
]


@score.callback()
def _group() -> None:
    """Each of them is a command of its own, however many there are."""


@score.command()
def train(
    folder: ProjectFolder,
    name: ScoreName,
    events: Recorded,
    at: Annotated[
        list[str],
        typer.Option(
            "--at",
            metavar="TIME",
            help="A time or date as of which people are looked at; may be repeated.",
        ),
    ],
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

    source, project = events_source(events), load_project(folder, drafts=True)
    cuts_ms = [_cut_ms(each, project.documents.settings.timezone) for each in at]
    trained = train_score(project, name, read_lines(source), cuts_ms)
    path = project.folder / project.documents.scores.scores[name].model.file
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as unfinished:
        unfinished.write_text(text_of(trained), encoding="utf-8")
    typer.echo(msgspec.json.encode(trained.quality).decode() if json else _text(trained, str(path)))


@score.command()
def check(
    folder: ProjectFolder,
    name: ScoreName,
    events: Recorded,
    at: Annotated[str, typer.Option("--at", metavar="TIME", help="A time or date as of which people are looked at.")],
    json: Annotated[bool, typer.Option("--json", help="As one line of JSON.")] = False,
) -> None:
    """Tell how far people are from those whom a score was trained with, for each feature and the score itself.

    By the population stability index: from 0.1 on it is worth a look, from 0.25 on the score should be trained again.
    """
    import msgspec

    from parcours.dispatch.judgement import load_project
    from parcours.training.check import check as check_score

    source, project = events_source(events), load_project(folder)
    at_ms = _cut_ms(at, project.documents.settings.timezone)
    scores = project.documents.scores.scores
    file = (project.folder / scores[name].model.file).read_text(encoding="utf-8") if name in scores else "{}"
    checked = check_score(project, name, read_lines(source), at_ms, file)
    if json:
        typer.echo(msgspec.json.encode(checked).decode())
        return
    typer.echo(f"{name} says something of {checked.people:,} people, and {checked.missing:,} lack a feature's value.")
    for each in checked.drifts:
        typer.echo(f"{each.index:8.3f}  {each.verdict:5}  {each.name or 'the score itself'}")


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
    figures = f"AUC {quality.auc:.3f}, log loss {quality.log_loss:.4f}, Brier {quality.brier:.4f}"
    lines = [
        f"{path} is trained with {trained.cases:,} cases, {trained.positive:,} of which came true, as of {cuts}.",
        f"Of {quality.cases:,} that it has not seen {quality.positive:,} came true: {figures}.",
        "",
        "probability from   cases   predicted   came true",
        *(
            f"{each.at_least:16.1f} {each.cases:7,} {each.predicted:10.1%} {each.happened:11.1%}"
            for each in quality.calibration
        ),
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
