"""The people of a funnel as a saved audience of a running engine, which asks its own facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from parcours.cli.asked_facts import Source


def save_at_door(source: Source, audience: str, who: str, options: Mapping[str, object], *, append: bool) -> None:
    """Have them saved, and say how many they are. Raises BadParameter, Refused, OperatorError.

    options  of the funnel, by the keys of a document
    """
    from parcours.cli.remote import Remote
    from parcours.cli.windows import asked_window
    from parcours.insight.figures import counted_text

    others = (source.words, source.facts, source.store, source.project)
    if any(each is not None for each in others) or source.exported:
        said = "it is asked of the engine, by what is published there: name neither OUT nor another source."
        raise typer.BadParameter(said, param_hint="--url")
    assert source.url is not None, "the engine that is asked"
    window = asked_window(source.since, source.until, live=source.live)
    funnel = {
        "words": source.first,
        "who": who,
        "options": {key: value for key, value in options.items() if value is not None},
        "from_ms": window.from_ms,
        "to_ms": window.to_ms,
        "live": window.live,
        "stitch": source.stitched is not None,
    }
    body = {"funnel": funnel, "mode": "append" if append else "replace"}
    saved = Remote(source.url, source.key).patient().post("audiences", audience, "members", body=body)
    people = counted_text(saved["people"], "person is", "people are")
    typer.echo(f"{people} saved as the audience {saved['name']!r}, since {saved['at']}.", err=True)
