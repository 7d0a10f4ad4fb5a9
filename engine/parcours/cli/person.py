"""The commands about one person: everything that is held of her, and having her erased."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from parcours.cli.door_options import DoorKey, DoorUrl, NeededUrl, named_store, one_of
from parcours.errors import CallerError

person = typer.Typer(
    name="person", help="Answer a person who asks what is held of her, or wants it gone.", no_args_is_help=True
)

Id = Annotated[str, typer.Argument(metavar="ID", help="The user id, or the name in results, such as @anonymous/7f3a.")]
Store = Annotated[
    str | None,
    typer.Option("--store", metavar="URL", callback=named_store, help="The store, which no engine may use."),
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", dir_okay=False, help="Where to write it; standard output.")
]


@person.command()
def export(person: Id, store: Store = None, url: DoorUrl = None, key: DoorKey = None, out: Out = None) -> None:
    """Write everything that is held of a person as one document of JSON."""
    if one_of(store, url):
        from parcours.service.stored_record import stored_record

        assert store is not None, "it is one of the two"
        record = stored_record(store, person)
        if not record.is_anything:
            raise CallerError(f"Nothing is held of {person!r}.")
        _write(record.document(), out)
        return
    from parcours.cli.remote import Remote
    from parcours.core.identity import person_asked_for

    assert url is not None, "it is one of the two"
    document = Remote(url, key).get("people", person_asked_for(person), "export")
    if not document.endswith(b"}\n"):
        raise CallerError("The document is too long for this command, or was cut off: ask the door for it directly.")
    _write([document], out)


def _write(document: Iterable[bytes], out: Path | None) -> None:
    if out is not None:
        with out.open("wb") as file:
            file.writelines(document)
        return
    for part in document:
        sys.stdout.buffer.write(part)
    sys.stdout.buffer.flush()


@person.command()
def erase(
    person: Id,
    url: NeededUrl,
    key: DoorKey = None,
) -> None:
    """Erase a person from a running engine: at once from all that answers, and then from its files."""
    from parcours.cli.remote import Remote
    from parcours.core.identity import person_asked_for

    job = Remote(url, key).delete("people", person_asked_for(person))
    typer.echo(f"{job['job']}: nobody is told anything of her any more")
    for row in job["rows"]:
        typer.echo(f"  {row['what']}: {'done' if row['done'] else 'under way'}")
    if job["lapses_on"] is not None:
        typer.echo(f"  facts lie in the journal until {job['lapses_on']}")
