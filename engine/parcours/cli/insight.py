"""The commands about everybody: what can be asked of all people at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from parcours.cli.door_options import DoorKey, NeededUrl

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
