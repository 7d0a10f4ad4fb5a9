"""The commands of sources: how a running engine reads them, and whether it does."""

from __future__ import annotations

import json as as_json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import typer

from parcours.cli.door_options import DoorKey, NeededUrl
from parcours.cli.operate import AsJson

source = typer.Typer(
    name="source", help="See how a running engine reads its sources, and say so.", no_args_is_help=True
)

SourceName = Annotated[str, typer.Argument(metavar="NAME", help="The source's name.")]

COLUMNS: Final = ("partition", "state", "trouble", "position", "lag")

TROUBLE: Final = 2
"""The column that folds."""


@source.command("list")
def list_(url: NeededUrl, key: DoorKey = None, json: AsJson = False) -> None:
    """Show how the door reads each source: what has become of lines, and where each partition is."""
    from parcours.cli.remote import Remote

    told = Remote(url, key).look("sources")
    if json:
        typer.echo(as_json.dumps(told, ensure_ascii=False, separators=(",", ":")))
        return
    for each in told["sources"]:
        typer.echo(_source_text(each))
        _show_partitions(each["partitions"])
    if not told["sources"]:
        typer.echo("This door reads no sources.")


@source.command()
def pause(name: SourceName, url: NeededUrl, key: DoorKey = None, json: AsJson = False) -> None:
    """Let nobody read on in a source, until it is resumed: no door, and not after a restart."""
    _switch(name, "pause", url, key, json=json)


@source.command()
def resume(name: SourceName, url: NeededUrl, key: DoorKey = None, json: AsJson = False) -> None:
    """Let a paused source be read on, from where it was."""
    _switch(name, "resume", url, key, json=json)


def _switch(name: str, verb: str, url: str, key: str | None, *, json: bool) -> None:
    from parcours.cli.remote import Remote

    told = Remote(url, key).post("sources", name, verb)
    if json:
        typer.echo(as_json.dumps(told, ensure_ascii=False, separators=(",", ":")))
    else:
        typer.echo(f"{told['name']} is {'paused' if told['paused'] else 'read'}.")


def _source_text(told: Mapping[str, Any]) -> str:
    """A source in lines."""
    from parcours.insight.sentences import one_line

    counts = ", ".join(f"{number:,} {outcome}" for outcome, number in told["outcomes"].items() if number)
    lines = [f"{told['name']}{' is paused' if told['paused'] else ''}: {counts or 'no lines'} since the door began"]
    if told["trouble"] is not None:
        lines.append(f"  {told['trouble']}")
    return "\n".join(map(one_line, lines))


def _show_partitions(partitions: Sequence[Mapping[str, Any]]) -> None:
    from rich.console import Console

    from parcours.insight.fitting_table import FittingTable

    table = FittingTable(COLUMNS, widest=TROUBLE)
    for each in partitions:
        position, lag = ("not known" if each[what] is None else f"{each[what]:,}" for what in ("position", "lag"))
        table.add_row(each["partition"], each["state"], each["trouble"] or "", position, lag)
    if partitions:
        Console().print(table)
