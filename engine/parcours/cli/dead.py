"""The commands of dead letters: what could not be applied is listed, and sent again."""

from __future__ import annotations

from typing import Annotated

import typer

dead = typer.Typer(
    name="dead", help="List what could not be applied and was set aside, and send it again.", no_args_is_help=True
)

Store = Annotated[str, typer.Option(metavar="URL", help="The store, which no engine may use.")]


@dead.command("list")
def list_(store: Store, lines: Annotated[bool, typer.Option(help="Show each event as it came.")] = False) -> None:
    """Show each dead letter: its id, when it was set aside, whose it is, and why."""
    from parcours.core.time_text import time_text
    from parcours.insight.sentences import one_line
    from parcours.shard.closed_letters import list_letters
    from parcours.store.address import check_address

    check_address(store)
    letters = list_letters(store)
    for name, letter in letters.items():
        what = "a timer" if letter.line is None else "an event"
        again = ", to be sent again" if letter.again else ""
        typer.echo(one_line(f"{name} {time_text(letter.at)} {what} of {letter.person}: {letter.reason}{again}"))
        if lines and letter.line is not None:
            typer.echo(letter.line)
    typer.echo(f"{len(letters)} dead letters")


@dead.command()
def resend(
    store: Store,
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Their ids; without any, all events.")
    ] = None,
) -> None:
    """Send events again: each is applied when an engine opens the store, as if it came only then."""
    from parcours.shard.closed_letters import ask_again, list_letters
    from parcours.store.address import check_address

    check_address(store)
    chosen = ids or [name for name, letter in list_letters(store).items() if letter.line is not None]
    ask_again(store, chosen)
    typer.echo(f"{len(chosen)} events are applied when an engine opens the store")
