"""The installed channels: their distributions, versions and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from parcours.dispatch.registry import ChannelEntry


def plugins() -> None:
    """List the channels found, with their distribution and version, and what is missing or clashes."""
    from rich.console import Console

    from parcours.channel import GROUP
    from parcours.dispatch.registry import Registry
    from parcours.insight.fitting_table import FittingTable

    offers = Registry.installed().offers()
    if not offers:
        typer.echo(f"No installed distribution offers a channel (entry points of the group {GROUP}).")
        return
    table = FittingTable(("channel", "distribution", "version", "state"), widest=3)
    for offer in offers:
        table.add_row(offer.name, offer.distribution, offer.version, state(offer))
    Console().print(table)
    if any(state(offer) != READY for offer in offers):
        raise typer.Exit(1)


READY = "ready"


def state(offer: ChannelEntry) -> str:
    """Whether the channel can be used, in words."""
    if offer.clashes:
        return "clashes with another channel of this name"
    return READY if offer.missing is None else offer.missing
