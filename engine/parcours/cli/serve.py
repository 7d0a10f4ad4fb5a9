"""The command of the door: serve a project."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from parcours.cli.door_options import ClusterAddress, written_store
from parcours.cli.project import ProjectFolder
from parcours.cli.run import RuntimeChosen, RuntimeOption
from parcours.cli.served import DOORS_MAX, Served, serve_alone, serve_many

if TYPE_CHECKING:
    from parcours.ingress.settings import ServeSettings
    from parcours.journey.project import Project

FilesFolder = Annotated[
    str | None,
    typer.Option(metavar="FOLDER", help="With PostgreSQL: where files are kept; as the store remembers, else."),
]


def serve(
    folder: ProjectFolder,
    store: Annotated[
        str, typer.Option(metavar="URL", callback=written_store, help="The store, such as sqlite:///var/shop.")
    ],
    shards: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Shards of a new store; 2, or as many as the store has.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on; 127.0.0.1 if nothing else says.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="The port; 8080 if nothing else says.")] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", exists=True, dir_okay=False, help="serve.yaml.")
    ] = None,
    files: FilesFolder = None,
    runtime: RuntimeChosen = RuntimeOption.RAY,
    address: ClusterAddress = None,
    doors: Annotated[
        int, typer.Option(min=1, max=DOORS_MAX, help="Processes that share the port, each with connections of its own.")
    ] = 1,
    record: Annotated[
        list[str] | None, typer.Option(metavar="CHANNEL", help="A channel that only records; may be repeated.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Print the settings that hold, and stop.")] = False,
) -> None:
    """Run a project's journeys behind an HTTP door, until a signal asks to stop."""
    if runtime is RuntimeOption.LOCAL and (address is not None or doors > 1):
        option = "--doors" if address is None else "--address"
        raise typer.BadParameter("it is for engines on Ray, and --runtime local uses none.", param_hint=option)
    from parcours.cli.extras import extra

    with extra("The door", "http"):
        from parcours.ingress.deployment import check_reachable
        from parcours.ingress.logs import log_as_json
    from parcours.service.channel_selection import unlinked
    from parcours.sources.opening import sources_of
    from parcours.store.address import check_address, known_address

    flags: dict[str, object] = {"host": host, "port": port, "files": files}
    asked = Served(folder, store, shards, config, runtime.value, tuple(record or ()), address, flags)
    settings = asked.read()
    check_address(store)
    project = asked.project()
    sources_of(project, os.environ)
    check_reachable(settings, has_marketing=bool(unlinked(project, set(project.channels) - set(asked.records))))
    if check:
        _show(settings, project, list(asked.records))
        return
    log_as_json(settings.log_level)
    asked = replace(asked, store=known_address(store, settings.files))
    if doors == 1:
        serve_alone(asked, project, settings)
    else:
        serve_many(asked, doors, project, settings)


def _show(settings: ServeSettings, project: Project, recorded: list[str]) -> None:
    """Print the settings that hold. Raises SettingInvalid for secrets of the project that are not there."""
    import json

    from parcours.runtime.exporting import address_secret
    from parcours.service.channel_selection import delivering, recording
    from parcours.service.destination_settings import facts_to_open, lanes_to_open

    recorded_only = recording(project, recorded)
    delivering(project, recorded_only, os.environ)
    lanes_to_open(project, recorded_only, os.environ)
    facts_to_open(project, recorded_only, os.environ)
    address_secret(project, os.environ)
    typer.echo(json.dumps(settings.shown(), indent=2, ensure_ascii=False))
