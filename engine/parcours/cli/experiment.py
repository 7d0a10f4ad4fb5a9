"""The command that asks facts which way of a split is better, or what a hold-out shows of all marketing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from parcours.cli.insight import AnswerForm, written
from parcours.cli.run import time_ms

if TYPE_CHECKING:
    from parcours.insight.experiments.asking import Answered
    from parcours.insight.experiments.split_units import Asked
    from parcours.insight.warehouse.warehouse import Warehouse
    from parcours.journey.program import Program
    from parcours.journey.project import Project


def experiment(
    first: Annotated[str, typer.Argument(metavar="[OUT]", help="What simulate --facts wrote.")],
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="JOURNEY.STEP of a split, or the name of a hold-out.")
    ] = None,
    facts: Annotated[
        Path | None,
        typer.Option("--facts", metavar="FACTS", exists=True, file_okay=False, help="A folder of facts itself."),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(metavar="URL", help="This store; while an engine uses it, what it has exported."),
    ] = None,
    project: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="The project with the experiment. A store that no engine uses knows what is published.",
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="METRIC",
            help="By what a hold-out is compared: a metric of the project, or people Order Completed, or "
            "sum event.total of Order Completed.",
        ),
    ] = None,
    since: Annotated[str | None, typer.Option("--from", metavar="TIME", help="Splits from this time on.")] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Splits before this time.")] = None,
    so_far: Annotated[
        bool, typer.Option("--so-far", help="Count those as well whose time for the goal is not over.")
    ] = False,
    form: Annotated[
        AnswerForm, typer.Option("--format", help="A table to look at, one object of JSON, or CSV.")
    ] = AnswerForm.TABLE,
    file: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", dir_okay=False, help="Where to write it.")
    ] = None,
) -> None:
    """Tell which way of a split is better, or what a hold-out shows, and how sure that is.

    Of a hold-out --from and --to are the time in which the metric counts.
    """
    out = None if name is None else Path(first)
    if sum(each is not None for each in (out, facts, store)) != 1:
        raise typer.BadParameter("choose one of OUT, --facts and --store.", param_hint="OUT")
    asked_for, from_ms = name or first, None if since is None else time_ms(since, "--from")
    to_ms = None if until is None else time_ms(until, "--to")

    from parcours.dispatch.judgement import load_project
    from parcours.insight.experiments.split_units import Asked

    loaded = None if project is None else load_project(project, drafts=True)
    with _opened(out / "facts" if out is not None else facts, store, loaded) as (warehouse, program):
        asked = Asked(known_ms=warehouse.as_of_ms or 0, from_ms=from_ms, to_ms=to_ms)
        answered = _answered(asked_for, metric, warehouse, program, loaded, asked, so_far=so_far)
        if answered.unnamed:
            typer.echo(f"{answered.unnamed:,} splits by ways that it does not compare are left out.", err=True)
        _write(answered, warehouse.as_of_ms, form, file)


@contextmanager
def _opened(facts: Path | None, store: str | None, project: Project | None) -> Iterator[tuple[Warehouse, Program]]:
    """The facts, and the program with the experiment."""
    import os

    from parcours.config import Settings
    from parcours.errors import CallerError
    from parcours.insight.warehouse.opening import check_folder, open_warehouse
    from parcours.insight.warehouse.viewed import Viewed
    from parcours.service.stored_facts import open_stored_facts

    program = None if project is None else project.program
    if facts is not None:
        check_folder(facts)
        if program is None:
            raise CallerError("Name the project with the experiment: --project DIR.")
        warehouse = open_warehouse(facts, Viewed.of(program), Settings())
    else:
        assert store is not None, "one of the two is asked for"
        folder = Path() if project is None else project.folder
        found = open_stored_facts(store, program, folder, os.environ)
        warehouse, program = found.warehouse, found.program
        for each in found.left_out:
            typer.echo(each, err=True)
    with warehouse:
        if program is None:
            raise CallerError("What is published in this store is not known now: name the project, --project DIR.")
        yield warehouse, program


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
    from parcours.errors import CallerError
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


def _write(answered: Answered, as_of_ms: int | None, form: AnswerForm, file: Path | None) -> None:
    from rich.console import Console

    from parcours.insight.experiments import forms
    from parcours.insight.warehouse.answer_forms import as_of_text

    with written(file) as opened:
        match form:
            case AnswerForm.TABLE:
                console = Console(file=opened, highlight=False)
                forms.print_experiment(console, answered.design, answered.result)
                console.print(as_of_text(as_of_ms))
                return
            case AnswerForm.JSON:
                forms.write_json(opened, answered.result)
            case AnswerForm.CSV:
                forms.write_csv(opened, answered.result)
    typer.echo(as_of_text(as_of_ms), err=True)
