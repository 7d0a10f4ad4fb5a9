"""The commands of sources: how a running engine reads them, whether it does, and from where."""

from __future__ import annotations

import json as as_json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import typer

from parcours.cli.door_options import DoorKey, NeededUrl
from parcours.cli.operate import AsJson

source = typer.Typer(name="source", help="See how sources are read, pause them, read one again.", no_args_is_help=True)

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


@source.command()
def rewind(
    name: SourceName,
    url: NeededUrl,
    to: Annotated[
        str, typer.Option(metavar="WHERE", help="A position, a time such as 2026-01-01T10:00:00Z, or earliest.")
    ],
    partition: Annotated[
        str | None, typer.Option(metavar="PARTITION", help="That one alone; all that the log has, without it.")
    ] = None,
    token: Annotated[
        str | None, typer.Option(metavar="TOKEN", help="Do it, if nothing else has come since it was told with this.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Tell it, and do it at once.")] = False,
    key: DoorKey = None,
    json: AsJson = False,
) -> None:
    """Tell what would come of reading a source again from a place behind; with the token of that, do it.

    What has been taken lately is recognised, and all else applied once more.
    """
    from parcours.cli.remote import Remote

    if yes and token is not None:
        raise typer.BadParameter("choose one of --token and --yes.", param_hint="--yes")
    door = Remote(url, key).patient()
    asked = {"to": int(to) if to.isascii() and to.isdigit() else to, "partition": partition}
    if token is None:
        told = door.post("sources", name, "rewind", body={**asked, "dry": True})
        token = told["token"] if yes else None
        if not json:
            _tell(told)
        if not json and token is None:
            typer.echo(f"Nothing has been done; --token {told['token']} does it.")
    if token is not None:
        told = door.post("sources", name, "rewind", body={**asked, "token": token})
        if not json:
            typer.echo(f"Reading of {name} goes on there, in {_partitions(len(told['partitions']))}.")
    if json:
        typer.echo(as_json.dumps(told, ensure_ascii=False, separators=(",", ":")))


def _tell(told: Mapping[str, Any]) -> None:
    """Say what would come of it."""
    from rich.console import Console

    from parcours.insight.fitting_table import FittingTable

    table = FittingTable(("partition", "from", "to", "again", "recognised", "set aside", "no value"))
    partial = False
    for each in told["partitions"]:
        seen, about = each["foreseen"], "" if each["foreseen"]["is_whole"] else "about "
        partial |= not seen["is_whole"]
        counts = (f"{about}{seen[what]:,}" for what in ("again", "recognised", "set_aside", "ignored"))
        table.add_row(each["name"], f"{each['position']:,}", f"{each['end']:,}", *counts)
    Console().print(table)
    if partial:
        typer.echo("Not all lines were looked at: some stand for those around them.")
    if told["not_here"]:
        typer.echo(f"The log does not have {_partitions(told['not_here'])} any more: nothing would change there.")


def _partitions(number: int) -> str:
    return "1 partition" if number == 1 else f"{number:,} partitions"


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
        table.add_row(each["name"], each["state"], each["trouble"] or "", position, lag)
    if partitions:
        Console().print(table)
