"""The command that asks facts which way of a split is better, or what a hold-out shows of all marketing."""

from __future__ import annotations

from typing import Annotated

import typer

from parcours.cli.asked_facts import AnalysisKey, First, Shown, Source, Url, tell
from parcours.cli.fact_sources import AnswerForm, Exported, Facts, File, Form, ProjectDir, Stitched, Store
from parcours.cli.windows import Live, Since, Until


def experiment(
    first: First,
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="OF.STEP of a split of a journey or campaign, or a hold-out."),
    ] = None,
    facts: Facts = None,
    store: Store = None,
    project: ProjectDir = None,
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="METRIC",
            help="By what a hold-out is compared: a metric of the project, or people Order Completed, or "
            "sum event.total of Order Completed.",
        ),
    ] = None,
    since: Since = None,
    until: Until = None,
    live: Live = False,
    so_far: Annotated[
        bool, typer.Option("--so-far", help="Count those as well whose time for the goal is not over.")
    ] = False,
    form: Form = AnswerForm.TABLE,
    file: File = None,
    exported: Exported = False,
    stitched: Stitched = None,
    url: Url = None,
    door_key: AnalysisKey = None,
) -> None:
    """Tell which way of a split is better, or what a hold-out shows, and how sure that is.

    Of a hold-out --from and --to are the time in which the metric counts.
    """
    source = Source(
        first, name, facts, store, url, door_key, project, since, until, live, exported, stitched
    )  # fmt: skip
    tell(source, "experiment", {"metric": metric, "so_far": so_far}, Shown(form, file))
