"""The demo of decisions on the command line: a score, offers and a place on one person's way, each with its reasons."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from tempfile import gettempdir
from typing import TYPE_CHECKING, Final

import typer

if TYPE_CHECKING:
    from parcours.demo.studio import StudioDemo
    from parcours.runtime.runtimes import RuntimeName

FOLDER: Final = Path("luma-studio")
"""Where its files go unless another folder is named."""


def show_decisions_demo(out: Path, *, shards: int, runtime: RuntimeName) -> None:
    """Run it into a folder. Raises CallerError for a folder that holds anything else, ExtraMissing."""
    from rich.console import Console

    from parcours.cli.extras import extra
    from parcours.cli.files import remember_project
    from parcours.cli.progress import ProgressBar
    from parcours.errors import naming
    from parcours.insight.asking.tables import Heading, print_analysis

    with extra("The demo of decisions", "insight"):
        from parcours.demo.studio import run_studio_demo

    with ProgressBar("Clickstream") as progress, naming(gettempdir()):
        demo = run_studio_demo(out, shards=shards, runtime=runtime, progress=progress)
    remember_project(out, demo.project)
    for number, (title, lines) in enumerate(_told(demo), start=1):
        typer.echo(f"\n{number}. {title}")
        typer.echo("\n".join(f"   {line}" for line in lines))
    classes = demo.classes
    print_analysis(Console(), Heading(classes.words, classes.sentences()), classes.meant(), classes.figures())
    asked = f"{quote(str(demo.project))} sarah --events {quote(str(out / 'events.ndjson'))}"
    typer.echo("\nHer whole story, and what the score said of her when she called, and why:\n")
    typer.echo(f"  parcours explain {asked}\n  parcours explain {asked} --until 2024-07-08T11:55:00Z")


def _told(demo: StudioDemo) -> list[tuple[str, list[str]]]:
    """The steps of the way; those about everybody come after the first."""
    from parcours.cli.audience import shown_text
    from parcours.cli.score import figures
    from parcours.demo.studio import chapters

    first, *others = chapters(demo.facts)
    quality = demo.trained.quality
    unseen = f"Of {quality.cases:,} cases that it has not seen {quality.positive:,} came true: {figures(quality)}."
    return [
        first,
        ("Who bought for yoga, and has not lately", shown_text(demo.lapsed).splitlines()),
        (
            "Who is likely to buy, by a score that was trained just now",
            [unseen, *shown_text(demo.likely).splitlines()],
        ),
        *others,
        ("What brought people to a class", []),
    ]
