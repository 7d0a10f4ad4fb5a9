"""What does `parcours serve` run? One door and its engine in this process, or many doors in processes of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

if TYPE_CHECKING:
    from parcours.doors import Announce
    from parcours.ingress.settings import ServeSettings
    from parcours.journey.project import Project
    from parcours.service.service import Service

SHARDS = 2
"""Into how many shards the people of a new store are divided where nobody says."""

DOORS_MAX = 64
"""As many routers as a shard remembers unless its settings say otherwise (`routers_max`)."""


@dataclass(frozen=True)
class Served:
    """What was asked for; it can be pickled, for processes of doors.

    store    an address, with the folder of its files
    address  of a Ray cluster in which the engine stays; None: it ends with the door
    flags    settings that were given on the command line
    """

    folder: Path
    store: str = field(repr=False)  # it may hold a password
    shards: int | None
    config: Path | None
    runtime: Literal["local", "ray"]
    records: tuple[str, ...]
    address: str | None
    flags: dict[str, object]

    def read(self) -> ServeSettings:
        """The settings as they are now."""
        from parcours.ingress.settings import load_settings

        return load_settings(self.config, flags=self.flags)

    def project(self) -> Project:
        """The project in the folder. Raises ProjectInvalid."""
        from parcours.dispatch.judgement import Judgement
        from parcours.dispatch.registry import Registry

        return Judgement(Registry.installed()).load(self.folder)

    def open_service(self, project: Project, settings: ServeSettings) -> Service:
        """Open the engine by settings that are complete, or attach to the one that runs at the address."""
        from parcours.ingress.deployment import links_of
        from parcours.service.service import Service

        return Service.open(
            project,
            self.store,
            shards=self.shards or _shards_of(self.store) or SHARDS,
            runtime=self.runtime,
            records=self.records,
            settings=settings.settings,
            links=links_of(settings),
            private_hosts=settings.private_hosts,
            address=self.address,
        )


def serve_alone(asked: Served, project: Project, settings: ServeSettings) -> None:
    """Run one door in this process, until a signal asks to stop."""
    from parcours.serving import Serving, serve
    from parcours.store.address import files_of

    def announce(address: str, service: Service) -> None:
        noted.enter_context(_noted(asked, address))
        kind = None if asked.address is None else "was found there" if service.was_running else "was opened, and stays"
        typer.echo(f"The door is open at {address}" + ("" if kind is None else f" (the engine {kind})"))

    def serving() -> Serving:
        opening, store = partial(asked.open_service, project), files_of(asked.store)
        return Serving(
            opening,
            settings,
            store=store,
            folder=asked.folder,
            reread=asked.read,
            announce=announce,
            sources=project,
        )

    with ExitStack() as noted:
        serve(serving)


def serve_many(asked: Served, many: int, project: Project, settings: ServeSettings) -> None:
    """Run so many doors in processes of their own, until a signal asks to stop.

    Without the address of a cluster Ray runs on this machine meanwhile, and the engine ends with the doors.
    """
    import asyncio

    from parcours.doors import check_ports
    from parcours.ingress.listeners import port_held
    from parcours.runtime.cluster.attaching import cluster_here

    check_ports(settings, many)
    with port_held(settings.host, settings.port) as port, ExitStack() as lasting:
        address = asked.address or lasting.enter_context(cluster_here())
        there = replace(asked, address=address, flags={**asked.flags, "port": port})
        asyncio.run(_open_doors(there, many, project, settings, ends_engine=asked.address is None))


async def _open_doors(
    asked: Served, many: int, project: Project, settings: ServeSettings, *, ends_engine: bool
) -> None:
    import logging

    from parcours.doors import Doors
    from parcours.ingress.deployment import engine_opened
    from parcours.ingress.origins import shown_host
    from parcours.store.address import files_of

    opening, files = partial(asked.open_service, project), files_of(asked.store)
    address = f"http://{shown_host(settings.host)}:{asked.flags['port']}"
    service, complete, found = await engine_opened(opening, settings, address, files)
    for sentence in found:
        logging.getLogger("parcours.door").info("%s", sentence)

    def announce(address: str) -> None:
        noted.enter_context(_noted(asked, address))
        kind = "was found there" if service.was_running else "was opened" + ("" if ends_engine else ", and stays")
        typer.echo(f"The door is open at {address} (by {many} processes; the engine {kind})")

    with ExitStack() as noted:
        try:
            await service.start()
            each = replace(asked, flags={**asked.flags, "public_url": complete.public_url})
            await Doors(many, partial(_serve_one_of, each)).run(announce)
            if ends_engine:
                await _end(service)
        finally:
            await service.close()


async def _end(service: Service) -> None:
    """End the engine, within the time that a door has for it."""
    import asyncio
    import logging

    from parcours.errors import ShardUnavailable
    from parcours.serving import CLOSING_S

    try:
        async with asyncio.timeout(CLOSING_S):
            await service.shut_down()
    except (TimeoutError, ShardUnavailable) as error:
        said = f"the engine did not end in order, and what was acknowledged is kept: {error}"
        logging.getLogger("parcours.door").error("%s", said)


def _serve_one_of(asked: Served, number: int, announce: Announce) -> None:
    """What the process of one of many doors runs."""
    import sys

    from parcours.cli.app import sentence
    from parcours.doors import sentinel_of_parent, settings_of_door
    from parcours.errors import ParcoursError
    from parcours.ingress.logs import log_as_json
    from parcours.serving import Serving, serve
    from parcours.store.address import files_of

    try:
        settings = settings_of_door(asked.read(), number)
        log_as_json(settings.log_level, number)
        project = asked.project()
        opening = partial(asked.open_service, project)
        serve(
            lambda: Serving(
                opening,
                settings,
                store=files_of(asked.store),
                folder=asked.folder,
                reread=asked.read,
                announce=lambda address, _: announce(address),
                shares_port=True,
                ends_with=sentinel_of_parent(),
                sources=project,
            )
        )
    except (ParcoursError, OSError) as error:
        typer.echo(sentence(error), err=True)
        sys.exit(1)


@contextmanager
def _noted(asked: Served, address: str) -> Iterator[None]:
    """While it runs, whoever finds the store locked is told where a door is: the first one, where there are several."""
    from parcours.store.address import files_of
    from parcours.store.door_note import door_noted

    with ExitStack() as noted:
        if (files := files_of(asked.store)) is not None:
            with suppress(*([] if asked.address is None else [BlockingIOError])):
                noted.enter_context(door_noted(files, address))
        yield


def _shards_of(store: str) -> int | None:
    """For how many shards the store was made; None for one that is not there yet, or lies in memory."""
    from parcours.store.address import layout_at

    layout = layout_at(store)
    return None if layout is None else layout.shards
