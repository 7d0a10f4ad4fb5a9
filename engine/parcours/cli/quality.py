"""The test command: a project's own tests, generated traffic, and rehearsals of named people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from parcours.cli.project import ProjectFolder
from parcours.errors import CallerError

if TYPE_CHECKING:
    from parcours.journey.project import Project
    from parcours.journey.read.finding import Finding

EXPLORE_MAX = 1_000_000
"""The limit of generated events: all of them, and their facts, lie in memory until everything is checked."""


def try_out(
    folder: ProjectFolder,
    explore: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=EXPLORE_MAX, help="Try so many generated events instead.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="What the generated events follow from.")] = 1,
    people: Annotated[
        Path | None,
        typer.Option(metavar="FILE", exists=True, dir_okay=False, help="Show the way of these people instead."),
    ] = None,
    shorten: Annotated[
        str | None, typer.Option(metavar="DURATION", help="With --people: nobody waits for longer, as in 10s.")
    ] = None,
) -> None:
    """Run a project's tests/*.yaml, explore generated traffic, or follow named people."""
    if explore is not None and people is not None:
        raise typer.BadParameter("choose one of --explore and --people.", param_hint="--people")
    if shorten is not None and people is None:
        raise typer.BadParameter("it goes with --people.", param_hint="--shorten")
    shorten_ms = None if shorten is None else _duration_ms(shorten)
    from parcours.dispatch.judgement import load_project

    project = load_project(folder, drafts=True)
    if people is not None:
        _follow(project, people, shorten_ms)
    elif explore is not None:
        _explore(project, explore, seed)
    else:
        _run_cases(project, folder)


def _duration_ms(text: str) -> int:
    from parcours.expression.duration import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(f"{error}.", param_hint="--shorten") from None


def _run_cases(project: Project, folder: Path) -> None:
    from parcours.journey.read.finding import errors
    from parcours.testing.cases.read import read_cases
    from parcours.testing.cases.run import run_cases, verdict_lines

    cases, findings = read_cases(project, folder)
    if not cases and not findings:
        raise CallerError(f"{folder} has no tests: write some into {folder}/tests/*.yaml.")
    failed = 0
    for verdict in run_cases(project, cases):
        failed += not verdict.passed
        for line in verdict_lines(verdict):
            typer.echo(line)
    _show(findings)
    mistakes = len(errors(findings))
    unreadable = f", {mistakes} mistakes in the tests themselves" if mistakes else ""
    typer.echo(f"{len(cases) - failed} passed, {failed} failed{unreadable}.", err=bool(failed or mistakes))
    if failed or mistakes:
        raise typer.Exit(1)


def _explore(project: Project, events: int, seed: int) -> None:
    from parcours.testing.explore.explore import exploration_lines, explore

    exploration = explore(project, events, seed)
    for line in exploration_lines(exploration):
        typer.echo(line)
    if exploration.violations:
        raise typer.Exit(1)


def _follow(project: Project, people: Path, shorten_ms: int | None) -> None:
    from parcours.journey.read.finding import errors
    from parcours.testing.rehearsal import rehearse

    lines, findings = rehearse(project, people, shorten_ms)
    _show(findings)
    if errors(findings):
        raise typer.Exit(1)
    for line in lines:
        typer.echo(line)


def _show(findings: list[Finding]) -> None:
    for finding in findings:
        typer.echo(str(finding))
