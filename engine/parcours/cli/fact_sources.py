"""Whose facts a command asks: its options, what opens them, and where the answer goes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TextIO

import typer

from parcours.cli.door_options import named_store

if TYPE_CHECKING:
    from parcours.insight.pictures.picture import Picture
    from parcours.journey.project import Project
    from parcours.service.stored_facts import StoredFacts


class AnswerForm(StrEnum):
    """Of an analysis, which can be drawn."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    SVG = "svg"
    PNG = "png"
    HTML = "html"


class ReportForm(StrEnum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    HTML = "html"


class RowsForm(StrEnum):
    """Of whatever has rows and no more."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


class Stitch(StrEnum):
    ALL = "all"


OutFolder = Annotated[
    Path | None, typer.Argument(metavar="[OUT]", exists=True, file_okay=False, help="What simulate --facts wrote.")
]
Facts = Annotated[
    Path | None,
    typer.Option("--facts", metavar="FACTS", exists=True, file_okay=False, help="A folder of facts itself."),
]
Store = Annotated[
    str | None,
    typer.Option(
        metavar="URL", callback=named_store, help="This store; while an engine uses it, what it has exported."
    ),
]
ProjectDir = Annotated[
    Path | None,
    typer.Option(
        "--project",
        metavar="DIR",
        exists=True,
        file_okay=False,
        help="The project. OUT knows of which it is, and a store that no engine uses what is published.",
    ),
]
Exported = Annotated[bool, typer.Option("--exported", help="Not of OUT: leave out what is not exported yet.")]
Stitched = Annotated[
    Stitch | None,
    typer.Option("--stitch", help="all: what was before a merge is the person's, whatever the project says."),
]
Form = Annotated[
    AnswerForm,
    typer.Option("--format", help="A table to look at, one object of JSON, CSV, a picture, or a page with both."),
]
File = Annotated[Path | None, typer.Option("--out", metavar="FILE", dir_okay=False, help="Where to write it.")]


def project_of(out: Path | None, facts: Path | None, folder: Path | None) -> Project | None:
    """The project in this folder, or the one that was simulated; None where none is known. Raises ProjectInvalid."""
    from parcours.cli.files import remembered_project
    from parcours.dispatch.judgement import load_project

    simulated = facts.parent if facts is not None else out
    if folder is None and simulated is not None:
        folder = remembered_project(simulated)
        if folder is not None and not folder.is_dir():
            typer.echo(f"{simulated} is of the project in {folder}, which is not there: --project names it.", err=True)
            folder = None
    return None if folder is None else load_project(folder, drafts=True)


def check_facts(out: Path | None, facts: Path | None, store: str | None) -> None:
    """Raises CallerError, SettingInvalid where the source that is given has no facts or is no store, ExtraMissing."""
    from parcours.insight.warehouse.opening import check_extra, check_folder
    from parcours.store.address import check_address, shards_of

    check_extra()
    if store is not None:
        check_address(store)
        shards_of(store)
        return
    folder = facts if out is None else out / "facts"
    assert folder is not None, "one of the three is given"
    check_folder(folder)


def open_facts(
    out: Path | None,
    facts: Path | None,
    store: str | None,
    project: Project | None,
    *,
    stitch: bool = False,
    exported: bool = False,
) -> StoredFacts:
    """The facts of the one source that is given, whose warehouse is to be closed; what is missing is said.

    Raises CallerError where there are none, ExtraMissing, SettingInvalid, StoreBroken.
    """
    import os

    from parcours.config import Settings
    from parcours.insight.warehouse.opening import check_folder, open_warehouse
    from parcours.insight.warehouse.viewed import Viewed
    from parcours.service.stored_facts import StoredFacts, open_stored_facts

    program = None if project is None else project.program
    if store is not None:
        secrets = Path() if project is None else project.folder
        found = open_stored_facts(store, program, secrets, os.environ, stitch=stitch, exported=exported)
        for each in found.left_out:
            typer.echo(each, err=True)
        return found
    folder = facts if out is None else out / "facts"
    assert folder is not None, "one of the three is given"
    check_folder(folder)
    viewed = Viewed() if program is None else Viewed.of(program)
    return StoredFacts(open_warehouse(folder, viewed.stitched() if stitch else viewed, Settings()), (), program)


def write_picture(picture: Picture, form: Literal[AnswerForm.SVG, AnswerForm.PNG], file: Path | None) -> None:
    """Write it as SVG, or as PNG to a file. Raises BadParameter where there is no file for PNG, ExtraMissing."""
    from parcours.cli.files import whole
    from parcours.store.private_files import open_private

    if form is AnswerForm.PNG:
        if file is None:
            raise typer.BadParameter("a picture in PNG is no text: name the file.", param_hint="--out")
        png = picture.png()
        with whole(file) as unfinished, open_private(unfinished, "wb") as opened:
            opened.write(png)
        return
    svg = picture.svg()
    with written(file) as text:
        text.write(svg)


@contextmanager
def written(file: Path | None) -> Iterator[TextIO]:
    """Where an answer goes: standard output, or a file that is there whole or not at all."""
    from parcours.cli.files import whole
    from parcours.store.private_files import open_private

    if file is None:
        yield sys.stdout
        return
    if not file.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {str(file.parent)!r}.", param_hint="--out")
    with whole(file) as unfinished, TextIOWrapper(open_private(unfinished, "wb"), "utf-8", newline="") as opened:
        yield opened
