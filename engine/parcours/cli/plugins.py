"""The installed channels, sources and destinations: their distributions, versions and errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final, NamedTuple

import typer

if TYPE_CHECKING:
    from parcours.dispatch.registry import ChannelEntry

READY: Final = "ready"


class Plugin(NamedTuple):
    """One that a distribution offers; `state` says in words whether it can be used."""

    what: str
    name: str
    distribution: str
    version: str
    state: str


def plugins() -> None:
    """List the installed channels, sources and destinations.

    Each with its distribution and version, and what is missing or clashes.
    """
    from rich.console import Console

    from parcours.insight.fitting_table import FittingTable

    found = [*_channels(), *_others()]
    if not found:
        typer.echo("No installed distribution offers a channel, a source or a destination.")
        return
    table = FittingTable(("what", "name", "distribution", "version", "state"), widest=4)
    for each in found:
        table.add_row(*each)
    Console().print(table)
    if any(each.state != READY for each in found):
        raise typer.Exit(1)


def _channels() -> Iterator[Plugin]:
    from parcours.dispatch.registry import Registry

    for offer in Registry.installed().offers():
        yield Plugin("channel", offer.name, offer.distribution, offer.version, state(offer))


def state(offer: ChannelEntry) -> str:
    """Whether the channel can be used, in words."""
    if offer.clashes:
        return "clashes with another channel of this name"
    return READY if offer.missing is None else offer.missing


def _others() -> Iterator[Plugin]:
    from parcours.destination import GROUP as DESTINATIONS
    from parcours.dispatch.destinations import InstalledDestinations
    from parcours.source import GROUP as SOURCES
    from parcours.sources.registry import source_class

    yield from offered("source", SOURCES, source_class)
    yield from offered("destination", DESTINATIONS, InstalledDestinations.installed().kind)


def offered(what: str, group: str, load: Callable[[str], object]) -> Iterator[Plugin]:
    """Those of a group of entry points, by name; `load` raises what is wrong with one."""
    from parcours.errors import ParcoursError

    for point in sorted(entry_points(group=group), key=lambda point: point.name):
        try:
            load(point.name)
        except ParcoursError as error:
            told = str(error)
        else:
            told = READY
        of = point.dist
        yield Plugin(what, point.name, of.name if of else "unknown", of.version if of else "unknown", told)
