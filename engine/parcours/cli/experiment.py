"""The command that asks facts which way of a split is better, or what a hold-out shows of all marketing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from parcours.cli.asked_facts import First, Since, Source, Until, Url, out_and_words, window
from parcours.cli.fact_sources import (
    AnswerForm,
    Exported,
    Facts,
    File,
    Form,
    ProjectDir,
    Stitched,
    Store,
    project_of,
    write_picture,
    written,
)
from parcours.errors import CallerError

if TYPE_CHECKING:
    from parcours.insight.experiments.asking import Answered
    from parcours.insight.experiments.split_units import Asked
    from parcours.insight.warehouse.warehouse import Warehouse
    from parcours.journey.program import Program
    from parcours.journey.project import Project


def experiment(
    first: First,
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="JOURNEY.STEP or CAMPAIGN.STEP of a split, or the name of a hold-out."),
    ] = None,
    facts: Facts = None,
    store: Store = None,
    project: ProjectDir = None,
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="METRIC",
            help="By what a hold-out is compared: a metric of the project, or people Order Completed, or "
            "sum event.total of Order Completed.",
        ),
    ] = None,
    since: Since = None,
    until: Until = None,
    so_far: Annotated[
        bool, typer.Option("--so-far", help="Count those as well whose time for the goal is not over.")
    ] = False,
    form: Form = AnswerForm.TABLE,
    file: File = None,
    exported: Exported = False,
    stitched: Stitched = None,
    url: Url = None,
) -> None:
    """Tell which way of a split is better, or what a hold-out shows, and how sure that is.

    Of a hold-out --from and --to are the time in which the metric counts.
    """
    from parcours.insight.experiments.split_units import Asked

    source = Source(first, name, facts, store, url, project, since, until, exported, stitched)
    out, asked_for = out_and_words(source)
    from_ms, to_ms = window(source)
    loaded = project_of(out, facts, project)
    found = source.opened(out, loaded)
    with found.warehouse as warehouse:
        if found.program is None:
            raise CallerError("It is not known what is published: name the project, --project DIR.")
        asked = Asked(known_ms=warehouse.as_of_ms or 0, from_ms=from_ms, to_ms=to_ms)
        answered = _answered(asked_for, metric, warehouse, found.program, loaded, asked, so_far=so_far)
        if answered.unnamed:
            typer.echo(f"{answered.unnamed:,} splits by ways that it does not compare are left out.", err=True)
        _write(asked_for, answered, _sentences(warehouse, asked, is_holdout=metric is not None), form, file)


def _answered(
    name: str,
    metric: str | None,
    warehouse: Warehouse,
    program: Program,
    project: Project | None,
    asked: Asked,
    *,
    so_far: bool,
) -> Answered:
    from parcours.insight.experiments.asking import ask_experiment, ask_holdout, holdout_called
    from parcours.insight.warehouse.questions import Questions
    from parcours.insight.words import metric_in_words

    holdout = holdout_called(name, program)
    if holdout is None:
        if metric is not None:
            raise CallerError(f"{name} is no hold-out: --metric goes with one, an experiment has its goal.")
        return ask_experiment(name, program, Questions(warehouse), asked, so_far=so_far)
    if metric is None or project is None:
        raise CallerError(
            f"{name} is a hold-out: say by what it is compared, such as --metric 'people Order Completed', "
            "and name its project, --project DIR."
        )
    compiled, warnings = metric_in_words(project, metric)
    for each in warnings:
        typer.echo(each, err=True)
    return ask_holdout(holdout, compiled, Questions(warehouse), asked)


def _sentences(warehouse: Warehouse, asked: Asked, *, is_holdout: bool) -> list[str]:
    """The window, as of when the answer is, and what is missing. Of a split the runs are counted as well."""
    from parcours.insight.warehouse.answer_forms import as_of_text
    from parcours.insight.window_text import cut_texts, window_text

    return [
        window_text(asked.from_ms, asked.to_ms),
        as_of_text(warehouse.as_of_ms),
        *cut_texts(warehouse.cut_before_ms, ("events",) if is_holdout else ("events", "moves"), asked.from_ms),
    ]


def _write(name: str, answered: Answered, sentences: Sequence[str], form: AnswerForm, file: Path | None) -> None:
    from rich.console import Console

    from parcours.insight.experiments import forms
    from parcours.insight.gathering.pages import experiment_page
    from parcours.insight.pictures.picture import Picture

    if form is AnswerForm.SVG or form is AnswerForm.PNG:
        write_picture(Picture(name, None, answered.result), form, file)
        typer.echo(" ".join(sentences), err=True)
        return
    with written(file) as opened:
        match form:
            case AnswerForm.TABLE:
                console = Console(file=opened, highlight=False)
                forms.print_experiment(console, answered.design, answered.result)
                console.print("\n".join(sentences))
                return
            case AnswerForm.JSON:
                forms.write_json(opened, answered.result)
            case AnswerForm.CSV:
                forms.write_csv(opened, answered.result)
            case AnswerForm.HTML:
                opened.write(experiment_page(name, answered, sentences))
                return
    typer.echo(" ".join(sentences), err=True)
