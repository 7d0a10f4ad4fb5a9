"""The options that say of what a question is asked: recorded events, a store that nobody has open, a running engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from parcours.cli.door_options import named_store
from parcours.cli.files import events_source
from parcours.cli.lines import read_lines
from parcours.cli.run import time_ms

if TYPE_CHECKING:
    from parcours.journey.project import Project
    from parcours.simulation.campaigning import CampaignsAsked
    from parcours.simulation.people_look import PeopleLook

Events = Annotated[
    str | None,
    typer.Option("--events", metavar="FILE", help="What has happened, as NDJSON; may be gzipped; - is standard input."),
]
At = Annotated[
    str | None, typer.Option("--at", metavar="TIME", help="With --events: as of when; as of the last event without it.")
]
StoreUrl = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        callback=named_store,
        help="As of the last thing in this store, which no engine may use.",
    ),
]


def instant(events: str | None, store: str | None, url: str | None, at: str | None) -> int | None:
    """The instant that is asked for, in ms. Raises BadParameter unless one of the three is named, and no other."""
    if sum(each is not None for each in (events, store, url)) != 1:
        raise typer.BadParameter("choose one of --events, --store and --url.", param_hint="--events")
    if events is None and at is not None:
        as_of = "a store is asked as of its end, an engine as of now"
        raise typer.BadParameter(f"it goes with --events; {as_of}.", param_hint="--at")
    return None if at is None else time_ms(at, "--at")


def ask(
    project: Project,
    events: str | None,
    store: str | None,
    at_ms: int | None,
    *,
    campaigns: CampaignsAsked | None = None,
    look: PeopleLook | None = None,
) -> None:
    """Answer one question about everybody, of a campaign, an audience or a decision. What is asked holds who is told.

    Raises as `simulate` does, or as `look_into_store`.
    """
    if store is not None:
        from parcours.simulation.stored import look_into_store

        look_into_store(project, store, campaigns=campaigns, look=look)
        return
    from parcours.simulation.simulation import simulate

    assert events is not None, "one of the two is asked for"
    source = events_source(events)
    simulate(project, read_lines(source), until_ms=at_ms, campaigns=campaigns, look=look)
