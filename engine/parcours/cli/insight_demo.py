"""The demo of insight on the command line: it simulates, writes the page, and says what can be asked next."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from tempfile import gettempdir
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from parcours.runtime.runtimes import RuntimeName

FOLDER = Path("luma-insight")
"""Where its files go unless another folder is named."""


def show_insight_demo(out: Path, *, shards: int, runtime: RuntimeName, is_opened: bool) -> None:
    """Run it into a folder. Raises CallerError for a folder that holds anything else, ExtraMissing."""
    from rich.console import Console

    from parcours.cli.extras import extra
    from parcours.cli.files import remember_project
    from parcours.cli.progress import ProgressBar
    from parcours.errors import naming

    with extra("The demo of insight", "insight"):
        from parcours.demo.insight import FUNNEL, run_insight_demo, write_insight_page

    with ProgressBar("Clickstream") as progress, naming(gettempdir()):
        demo = run_insight_demo(out, shards=shards, runtime=runtime, progress=progress)
    remember_project(out, demo.project)
    with Console(stderr=True).status("Counting and drawing"):
        page = write_insight_page(demo)
    entered = sum(each.entered for each in demo.result.summary.journeys.values())
    typer.echo(f"{demo.result.summary.events.used:,} lines, {entered:,} runs of journeys.")
    typer.echo(f"What happened, as Parquet, and its project: {out}")
    typer.echo(f"The page, for any browser: {page}")
    typer.echo(f"A funnel in the terminal:\n\n  parcours funnel {quote(str(out))} '{FUNNEL}' --within 7d\n")
    typer.echo(f"More of what can be asked by its name: {demo.project / 'insight'}")
    if is_opened:
        _open(page)


def _open(page: Path) -> None:
    import webbrowser

    if not webbrowser.open(page.absolute().as_uri()):
        typer.echo("No browser could be opened here: open the page by hand.", err=True)
