"""The commands about everybody: what can be asked of all people at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from parcours.cli.door_options import DoorKey, DoorUrl, NeededUrl

if TYPE_CHECKING:
    from parcours.insight.warehouse.answer import Answer
    from parcours.insight.warehouse.warehouse import Warehouse

insight = typer.Typer(name="insight", help="Ask what all people and their facts add up to.", no_args_is_help=True)

Out = Annotated[Path, typer.Option("--out", metavar="FILE", dir_okay=False, help="Where to write it, as NDJSON.")]


@insight.callback()
def _group() -> None:
    """Each of them is a command of its own, however many there are."""


@insight.command()
def people(url: NeededUrl, out: Out, key: DoorKey = None) -> None:
    """Write the table of people as of now: of each a line with declared traits, audiences and consents."""
    from parcours.cli.files import whole
    from parcours.cli.remote import Remote
    from parcours.store.private_files import open_private

    count = 0
    with whole(out) as unfinished, open_private(unfinished, "wb") as file:
        for piece in Remote(url, key).pieces("people.ndjson"):
            file.write(piece)
            count += piece.count(b"\n")
    typer.echo(f"{out}: {count:,} people")


class AnswerForm(StrEnum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"


class Stitch(StrEnum):
    ALL = "all"


@insight.command()
def sql(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="One query over the tables and views, in quotes.")],
    out: Annotated[
        Path | None,
        typer.Argument(metavar="[OUT]", exists=True, file_okay=False, help="What simulate --facts wrote."),
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
            help="The project, for what its events have, and whether what was before a merge counts. A store that no "
            "engine uses knows what is published.",
        ),
    ] = None,
    form: Annotated[
        AnswerForm, typer.Option("--format", help="A table to look at, one object of JSON, or CSV.")
    ] = AnswerForm.TABLE,
    file: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", dir_okay=False, help="Where to write it.")
    ] = None,
    exported: Annotated[
        bool, typer.Option("--exported", help="With --store and --url: leave out what is not exported yet.")
    ] = False,
    stitch: Annotated[
        Stitch | None,
        typer.Option(help="all: what was before a merge is the person's, whatever the project says."),
    ] = None,
    url: DoorUrl = None,
    key: DoorKey = None,
) -> None:
    """Ask facts in SQL: the tables of files, events_NAME, touches, visits, runs, steps, delivery_states."""
    if sum(each is not None for each in (out, facts, store, url)) != 1:
        raise typer.BadParameter("choose one of OUT, --facts, --store and --url.", param_hint="OUT")
    if url is not None:
        _write(_by_door(url, key, query, stitch=stitch is not None, exported=exported), form, file)
        return
    with open_facts(out, facts, store, project, stitch=stitch is not None, exported=exported) as warehouse:
        _write(warehouse.sql(query), form, file)


@insight.command()
def check(
    out: Annotated[
        Path | None,
        typer.Argument(metavar="[OUT]", exists=True, file_okay=False, help="What simulate --facts wrote."),
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
        typer.Option(metavar="DIR", exists=True, file_okay=False, help="The project, as of `insight sql`."),
    ] = None,
) -> None:
    """Check that facts add up, and of a simulation that they come to what its summary says."""
    from parcours.cli.files import read_summary
    from parcours.insight.reports.counting import all_differences
    from parcours.insight.reports.equations import require_none

    if sum(each is not None for each in (out, facts, store)) != 1:
        raise typer.BadParameter("choose one of OUT, --facts and --store.", param_hint="OUT")
    summary = None if out is None else read_summary(out)
    with open_facts(out, facts, store, project, stitch=False, exported=False) as warehouse:
        require_none(all_differences(warehouse, summary))
    typer.echo("All facts add up" + (", and to what summary.json says." if summary is not None else "."))


def open_facts(
    out: Path | None, facts: Path | None, store: str | None, project: Path | None, *, stitch: bool, exported: bool
) -> Warehouse:
    """The warehouse over the one source that is given, to be closed. Raises CallerError, ExtraMissing, StoreBroken."""
    if store is not None:
        return of_store(store, project, stitch=stitch, exported=exported)
    return of_folder(out / "facts" if out is not None else facts, project, stitch=stitch)


def _by_door(url: str, key: str | None, query: str, *, stitch: bool, exported: bool) -> Answer:
    from datetime import datetime

    from parcours.cli.remote import Remote
    from parcours.insight.warehouse.answer import Answer
    from parcours.instants import ceil_ms

    body = {"query": query, "stitch": stitch, "exported": exported}
    told = Remote(url, key).patient().post("facts", "sql", body=body)
    if told["more"]:
        typer.echo("There are more rows than the engine gives (sql_rows_max, sql_bytes_max).", err=True)
    as_of = None if told["as_of"] is None else ceil_ms(datetime.fromisoformat(told["as_of"]))
    return Answer(told["columns"], iter([[tuple(row) for row in told["rows"]]]), as_of)


def of_folder(facts: Path | None, project: Path | None, *, stitch: bool) -> Warehouse:
    """The warehouse over a folder of facts, to be closed. Raises CallerError where there are none, ExtraMissing."""
    from parcours.config import Settings
    from parcours.dispatch.judgement import load_project
    from parcours.insight.warehouse.opening import check_folder, open_warehouse
    from parcours.insight.warehouse.viewed import Viewed

    assert facts is not None
    check_folder(facts)
    viewed = Viewed() if project is None else Viewed.of(load_project(project, drafts=True).program)
    return open_warehouse(facts, viewed.stitched() if stitch else viewed, Settings())


def of_store(store: str, project: Path | None, *, stitch: bool, exported: bool) -> Warehouse:
    """The warehouse over the facts of a store, to be closed; what is missing is said. Raises SettingInvalid."""
    import os

    from parcours.dispatch.judgement import load_project
    from parcours.service.stored_facts import open_stored_facts

    program = None if project is None else load_project(project, drafts=True).program
    folder = Path() if project is None else project
    found = open_stored_facts(store, program, folder, os.environ, stitch=stitch, exported=exported)
    for each in found.left_out:
        typer.echo(each, err=True)
    return found.warehouse


def _write(answer: Answer, form: AnswerForm, file: Path | None) -> None:
    from rich.console import Console

    from parcours.insight.warehouse import answer_forms

    with written(file) as opened:
        match form:
            case AnswerForm.TABLE:
                answer_forms.print_answer(Console(file=opened), answer)
            case AnswerForm.JSON:
                answer_forms.write_json(opened, answer)
            case AnswerForm.CSV:
                answer_forms.write_csv(opened, answer)
                typer.echo(answer_forms.as_of_text(answer.as_of_ms), err=True)


@contextmanager
def written(file: Path | None) -> Iterator[TextIO]:
    """Where an answer goes: standard output, or a file that is there whole or not at all."""
    from parcours.cli.files import whole
    from parcours.store.private_files import open_private

    if file is None:
        yield sys.stdout
        return
    with whole(file) as unfinished, TextIOWrapper(open_private(unfinished, "wb"), "utf-8", newline="") as opened:
        yield opened
