"""The commands of the door: serve a project, and make keys for those who may come in."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from parcours.cli.door_options import written_store
from parcours.cli.project import ProjectFolder
from parcours.cli.run import RuntimeChosen, RuntimeOption

if TYPE_CHECKING:
    from parcours.ingress.settings import ServeSettings
    from parcours.journey.project import Project

SHARDS = 2
"""Into how many shards the people of a new store are divided where nobody says."""


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
    record: Annotated[
        list[str] | None, typer.Option(metavar="CHANNEL", help="A channel that only records; may be repeated.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Print the settings that hold, and stop.")] = False,
) -> None:
    """Run a project's journeys behind an HTTP door, until a signal asks to stop."""
    from parcours.cli.extras import extra

    with extra("The door", "http"):
        from parcours.ingress.deployment import check_reachable, links_of
        from parcours.ingress.logs import log_as_json
        from parcours.ingress.settings import load_settings
        from parcours.serving import Serving
        from parcours.serving import serve as run
    from parcours.dispatch.judgement import Judgement
    from parcours.dispatch.registry import Registry
    from parcours.service.channel_selection import unlinked
    from parcours.service.service import Service
    from parcours.store.address import check_address, files_of, known_address

    def read() -> ServeSettings:
        return load_settings(config, flags={"host": host, "port": port, "files": files})

    settings = read()
    check_address(store)
    project = Judgement(Registry.installed()).load(folder)
    recorded = record or []
    check_reachable(settings, has_marketing=bool(unlinked(project, set(project.channels) - set(recorded))))
    if check:
        _show(settings, project, recorded)
        return
    log_as_json(settings.log_level)
    known = known_address(store, settings.files)

    def open_service(complete: ServeSettings) -> Service:
        return Service.open(
            project,
            known,
            shards=shards or _shards_of(known) or SHARDS,
            runtime=runtime.value,
            records=recorded,
            settings=complete.settings,
            links=links_of(complete),
            private_hosts=complete.private_hosts,
        )

    def serving() -> Serving:
        announce = partial(_announce, noted, known)
        return Serving(open_service, settings, store=files_of(known), reread=read, announce=announce)

    with ExitStack() as noted:
        run(serving)


def _show(settings: ServeSettings, project: Project, recorded: list[str]) -> None:
    """Print the settings that hold. Raises SettingInvalid for secrets of the project that are not there."""
    import json
    import os

    from parcours.runtime.exporting import address_secret
    from parcours.service.channel_selection import delivering, recording

    delivering(project, recording(project, recorded), os.environ)
    address_secret(project, os.environ)
    typer.echo(json.dumps(settings.shown(), indent=2, ensure_ascii=False))


def _announce(noted: ExitStack, store: str, address: str) -> None:
    """Say that the door is open, also to whoever finds the store locked as long as it is."""
    from parcours.store.address import files_of
    from parcours.store.door_note import door_noted

    if (files := files_of(store)) is not None:
        noted.enter_context(door_noted(files, address))
    typer.echo(f"The door is open at {address}")


def _shards_of(store: str) -> int | None:
    """For how many shards the store was made; None for one that is not there yet, or lies in memory."""
    from parcours.store.address import layout_at

    layout = layout_at(store)
    return None if layout is None else layout.shards
