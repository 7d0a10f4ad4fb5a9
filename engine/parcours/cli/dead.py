"""The commands of dead letters: what could not be applied is listed, and sent again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import typer

from parcours.cli.door_options import DoorKey, DoorUrl, named_store, one_of

if TYPE_CHECKING:
    from parcours.cli.remote import Remote

EVENT: Final = "an event"
TIMER: Final = "a timer"

dead = typer.Typer(
    name="dead", help="List what could not be applied and was set aside, and send it again.", no_args_is_help=True
)

Store = Annotated[
    str | None,
    typer.Option("--store", metavar="URL", callback=named_store, help="The store, which no engine may use."),
]
Lines = Annotated[bool, typer.Option(help="Show each event as it came.")]
Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Their ids; without any, all events.")]


@dead.command("list")
def list_(store: Store = None, url: DoorUrl = None, lines: Lines = False, key: DoorKey = None) -> None:
    """Show each dead letter: its id, when it was set aside, whose it is, and why."""
    from parcours.insight.sentences import one_line

    letters = _stored(store) if one_of(store, url) else _told(_door(url, key))
    for letter in letters:
        typer.echo(one_line(f"{letter.id} {letter.at} {letter.what} of {letter.person}: {letter.reason}{letter.again}"))
        if lines and letter.line is not None:
            typer.echo(letter.line)
    typer.echo(f"{len(letters)} dead letters")


@dead.command()
def resend(ids: Ids = None, store: Store = None, url: DoorUrl = None, key: DoorKey = None) -> None:
    """Send events again, as if they came only then: at once by a door, from a store when an engine opens it."""
    if one_of(store, url):
        from parcours.shard.closed_letters import ask_again

        chosen = ids or [letter.id for letter in _stored(store) if letter.what == EVENT]
        assert store is not None, "it is one of the two"
        ask_again(store, chosen)
        typer.echo(f"{len(chosen)} events are applied when an engine opens the store")
        return
    door = _door(url, key)
    chosen = ids or [letter.id for letter in _told(door) if letter.what == EVENT]
    applied = sum(door.post("dead", each, "resend")["applied"] for each in chosen)
    typer.echo(f"{applied} events have been applied")


@dataclass(frozen=True, slots=True)
class _Letter:
    """A dead letter as it is shown."""

    id: str
    at: str
    what: str
    person: str
    reason: str
    line: bytes | str | None
    again: str = ""


def _stored(store: str | None) -> list[_Letter]:
    from parcours.core.time_text import time_text
    from parcours.shard.closed_letters import list_letters
    from parcours.store.address import check_address

    check_address(store)
    assert store is not None, "an address is a text"
    return [
        _Letter(
            name,
            time_text(letter.at),
            TIMER if letter.line is None else EVENT,
            letter.person,
            letter.reason,
            letter.line,
            ", to be sent again" if letter.again else "",
        )
        for name, letter in list_letters(store).items()
    ]


def _door(url: str | None, key: str | None) -> Remote:
    from parcours.cli.remote import Remote

    assert url is not None, "it is one of the two"
    return Remote(url, key)


def _told(door: Remote) -> list[_Letter]:
    return [
        _Letter(each["id"], each["at"], each["what"], each["person"], each["reason"], each["line"])
        for each in door.look("dead")["letters"]
    ]
