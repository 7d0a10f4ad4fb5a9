"""The command for engines that stay in a Ray cluster: end one, for all who use it."""

from __future__ import annotations

from typing import Annotated

import typer

from parcours.cli.project import ProjectFolder

engine = typer.Typer(name="engine", help="Look after an engine that stays in a Ray cluster.", no_args_is_help=True)


@engine.command("shut-down")
def shut_down(
    folder: ProjectFolder,
    address: Annotated[str, typer.Option(metavar="RAY", help="The Ray cluster in which it runs, such as auto.")],
) -> None:
    """End the engine of a project, for all that are attached to it; close their doors first.

    Deliveries that have begun are finished, and the stores closed.
    """
    from parcours.dispatch.judgement import load_project
    from parcours.service.engine import Engine

    project = load_project(folder, drafts=True)
    Engine.attach(address, project).shut_down()
    typer.echo(f"The engine of {project.name!r} has ended.")
