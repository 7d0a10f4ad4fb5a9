"""Files that stand for a project's sources in a simulation, as they are named on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from parcours.cli.lines import Rejections
from parcours.cli.rejected import RejectedLines

if TYPE_CHECKING:
    from parcours.journey.project import Project
    from parcours.simulation.source_files import SourceFiles

SourceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        metavar="NAME=FILE",
        help="A file, or a pattern of files, that stands for this source of sources.yaml: of a source of files such as "
        "it reads, and of any other one its messages, each an object with value, key, headers, partition, offset, "
        "timestamp; may be given several times.",
    ),
]

AllSources = Annotated[
    bool, typer.Option("--sources", help="Read the project's sources of files, too, where they are configured.")
]


def check_asked(events: str | None, source: list[str] | None, *, sources: bool) -> None:
    """Raises BadParameter where nothing is named that could have happened."""
    if events is None and not source and not sources:
        raise typer.BadParameter("name what has happened: --events FILE, --source NAME=FILE, or --sources.")


def files_asked(project: Project, source: list[str] | None, *, sources: bool) -> SourceFiles | None:
    """What stands for sources; None where nothing is to. Raises BadParameter, CallerError, SettingInvalid."""
    import os

    from parcours.simulation.source_files import SourceFiles

    given: dict[str, str] = {}
    for each in source or []:
        name, equals, path = each.partition("=")
        if not equals or not path:
            raise typer.BadParameter(f"{each!r} is not NAME=FILE.", param_hint="--source")
        if name in given:
            raise typer.BadParameter(f"{name!r} is given twice: a pattern means several files.", param_hint="--source")
        given[name] = path
    if not given and not sources:
        return None
    files = SourceFiles(project, given, os.environ if sources else None)
    for name in files.left_out:
        typer.echo(f"Nothing stands for the source {name}: --source {name}=FILE does.", err=True)
    return files


def what_is_left_out(files: SourceFiles | None) -> tuple[RejectedLines, Rejections]:
    """What keeps the lines that cannot be used, and what tells of them as well. Raises OSError."""
    place = (lambda number: None) if files is None else files.place
    kept = RejectedLines(place)
    return kept, Rejections(
        lambda sentence: typer.echo(sentence, err=True),
        keep=kept,
        named=lambda number: str(place(number) or f"line {number:,}"),
    )
