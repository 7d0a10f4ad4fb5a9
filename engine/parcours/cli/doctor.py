"""The command that looks at the machine: is all there that an engine and its door need, and is it in order?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from parcours.cli.door_options import written_store


def doctor(
    store: Annotated[
        str | None,
        typer.Option("--store", metavar="URL", callback=written_store, help="The store that is to be used."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", exists=True, dir_okay=False, help="serve.yaml.")
    ] = None,
    files: Annotated[
        str | None,
        typer.Option(
            "--files",
            metavar="FOLDER",
            help="With PostgreSQL: the folder of files; else that of serve.yaml, or the store's.",
        ),
    ] = None,
) -> None:
    """Look at the machine, and at what serve.yaml says: Ray, ports, the store, the clock, the disk."""
    from parcours.cli.machine_checks import (
        clock_findings,
        disk_findings,
        file_findings,
        port_findings,
        ray_findings,
    )
    from parcours.cli.serve_checks import settings_findings
    from parcours.cli.store_checks import store_findings
    from parcours.ingress.settings import load_settings

    settings = load_settings(config)
    findings = [
        *ray_findings(),
        *port_findings(settings),
        *file_findings(settings),
        *store_findings(store, files or settings.files),
        *disk_findings(store),
        *clock_findings(),
        *settings_findings(settings, written=config is not None),
    ]
    for each in findings:
        typer.echo(f"{each.state:6}{each.about}: {each.sentence}")
    if any(each.state == "wrong" for each in findings):
        raise typer.Exit(1)
