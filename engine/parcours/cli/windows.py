"""The options that say which window of time is asked about: the same for all commands, whoever's facts they ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from parcours.insight.windows import Window

Since = Annotated[str | None, typer.Option("--from", metavar="TIME", help="What happened from this instant on.")]
Until = Annotated[str | None, typer.Option("--to", metavar="TIME", help="What happened before this instant.")]
Live = Annotated[bool, typer.Option("--live", help="The 24 hours up to what is known.")]


def asked_window(since: str | None, until: str | None, *, live: bool) -> Window:
    """The window that is asked about. Raises BadParameter for what is none."""
    from parcours.cli.run import time_ms
    from parcours.errors import CallerError
    from parcours.insight.windows import Window

    from_ms = None if since is None else time_ms(since, "--from")
    to_ms = None if until is None else time_ms(until, "--to")
    try:
        return Window(from_ms, to_ms, live)
    except CallerError as error:
        raise typer.BadParameter(str(error), param_hint="--live" if live else "--to") from None
