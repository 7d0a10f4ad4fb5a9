"""The commands about everybody: what can be asked of all people at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from parcours.cli.door_options import DoorKey, DoorUrl, NeededUrl
from parcours.cli.fact_sources import (
    Exported,
    Facts,
    File,
    OutFolder,
    ProjectDir,
    RowsForm,
    Stitched,
    Store,
    open_facts,
    project_of,
    written,
)

if TYPE_CHECKING:
    from parcours.insight.warehouse.answer import Answer

insight = typer.Typer(name="insight", help="Ask what all people and their facts add up to.", no_args_is_help=True)

Out = Annotated[Path, typer.Option("--out", metavar="FILE", dir_okay=False, help="Where to write it, as NDJSON.")]


@insight.command()
def people(url: NeededUrl, out: Out, key: DoorKey = None) -> None:
    """Write the table of people as of now: of each a line with declared traits, audiences, consents and places."""
    from parcours.cli.files import whole
    from parcours.cli.remote import Remote
    from parcours.store.private_files import open_private

    count = 0
    with whole(out) as unfinished, open_private(unfinished, "wb") as file:
        for piece in Remote(url, key).pieces("people.ndjson"):
            file.write(piece)
            count += piece.count(b"\n")
    typer.echo(f"{out}: {count:,} people")


@insight.command()
def sql(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="One query over the tables and views, in quotes.")],
    out: OutFolder = None,
    facts: Facts = None,
    store: Store = None,
    project: ProjectDir = None,
    form: Annotated[
        RowsForm, typer.Option("--format", help="A table to look at, one object of JSON, or CSV.")
    ] = RowsForm.TABLE,
    file: File = None,
    exported: Exported = False,
    stitch: Stitched = None,
    url: DoorUrl = None,
    key: DoorKey = None,
) -> None:
    """Ask facts in SQL: the tables of files, events_NAME, touches, visits, runs, steps, delivery_states."""
    if sum(each is not None for each in (out, facts, store, url)) != 1:
        raise typer.BadParameter("choose one of OUT, --facts, --store and --url.", param_hint="OUT")
    if url is not None:
        _write(_by_door(url, key, query, stitch=stitch is not None, exported=exported), form, file)
        return
    known = project_of(out, facts, project)
    with open_facts(out, facts, store, known, stitch=stitch is not None, exported=exported).warehouse as warehouse:
        _write(warehouse.sql(query), form, file)


@insight.command()
def check(out: OutFolder = None, facts: Facts = None, store: Store = None, project: ProjectDir = None) -> None:
    """Check that facts add up, and of a simulation that they come to what its summary says."""
    from parcours.cli.files import read_summary

    if sum(each is not None for each in (out, facts, store)) != 1:
        raise typer.BadParameter("choose one of OUT, --facts and --store.", param_hint="OUT")
    summary = None if out is None else read_summary(out)
    with open_facts(out, facts, store, project_of(out, facts, project)).warehouse as warehouse:
        from parcours.insight.reports.counting import all_differences
        from parcours.insight.reports.equations import require_none

        require_none(all_differences(warehouse, summary))
    typer.echo("All facts add up" + (", and to what summary.json says." if summary is not None else "."))


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


def _write(answer: Answer, form: RowsForm, file: Path | None) -> None:
    from rich.console import Console

    from parcours.insight.warehouse import answer_forms

    with written(file) as opened:
        match form:
            case RowsForm.TABLE:
                answer_forms.print_answer(Console(file=opened), answer)
            case RowsForm.JSON:
                answer_forms.write_json(opened, answer)
            case RowsForm.CSV:
                answer_forms.write_csv(opened, answer)
                typer.echo(answer_forms.as_of_text(answer.as_of_ms), err=True)
