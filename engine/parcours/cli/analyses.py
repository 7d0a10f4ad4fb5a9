"""The commands that ask facts for analyses: funnel, flow, attribution, cohort and metric."""

from __future__ import annotations

from typing import Annotated

import typer

from parcours.cli.asked_facts import AnalysisKey, AskedFunnel, First, Of, Shown, Source, Url, Words, funnel_of, tell
from parcours.cli.asked_members import save_at_door
from parcours.cli.fact_sources import AnswerForm, Exported, Facts, File, Form, ProjectDir, Stitched, Store
from parcours.cli.windows import Live, Since, Until

By = Annotated[str | None, typer.Option("--by", metavar="UNIT", help="person, visit or run.")]


def funnel(
    first: First,
    words: Words = None,
    facts: Facts = None,
    store: Store = None,
    project: ProjectDir = None,
    within: Annotated[str | None, typer.Option(metavar="DURATION", help="From the first step to the last.")] = None,
    order: Annotated[str | None, typer.Option(metavar="ORDER", help="strict, next or any.")] = None,
    by: By = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="EVENT", help="Breaks a match; may be given several times.")
    ] = None,
    step_within: Annotated[
        list[str] | None, typer.Option(metavar="N:DURATION", help="From the step before; may be given several times.")
    ] = None,
    value: Annotated[str | None, typer.Option(metavar="NUMBER", help="Of the last event, as in event.total.")] = None,
    split: Annotated[
        str | None,
        typer.Option(
            metavar="GROUPS",
            help="profile.TRAIT, event.PROPERTY, audience:NAME, experiment:JOURNEY.STEP or segments:A,B.",
        ),
    ] = None,
    segment: Of = None,
    since: Since = None,
    until: Until = None,
    live: Live = False,
    save_audience: Annotated[
        str | None,
        typer.Option(
            "--save-audience", metavar="NAME", help="Save the people of --who: in OUT/audiences, or with --url."
        ),
    ] = None,
    who: Annotated[
        str | None, typer.Option("--who", metavar="WHO", help="reached:2, lost:2 or group:NAME, to be saved.")
    ] = None,
    append: Annotated[
        bool, typer.Option("--append/--replace", help="They come in besides those who are in the audience.")
    ] = False,
    form: Form = AnswerForm.TABLE,
    file: File = None,
    exported: Exported = False,
    stitched: Stitched = None,
    url: Url = None,
    door_key: AnalysisKey = None,
) -> None:
    """Count how many people, visits or runs take each step of a funnel: "A > B[event.price > 20] > C"."""
    if (save_audience is None) != (who is None):
        raise typer.BadParameter("it goes with --save-audience, and that with it.", param_hint="--who")
    if append and save_audience is None:
        raise typer.BadParameter("it goes with --save-audience.", param_hint="--append")
    options = {
        "within": within, "order": order, "by": by, "exclude": exclude or None, "step_within": step_within or None,
        "value": value, "split": split, "segment": segment,
    }  # fmt: skip
    source = Source(
        first, words, facts, store, url, door_key, project, since, until, live, exported, stitched
    )  # fmt: skip
    if save_audience is not None and who is not None:
        if url is not None:
            save_at_door(source, save_audience, who, options, append=append)
            return
        with funnel_of(source, options) as asked:
            _save(asked, save_audience, who, append=append)
    tell(source, "funnel", options, Shown(form, file))


def flow(
    first: First,
    words: Words = None,
    facts: Facts = None,
    store: Store = None,
    project: ProjectDir = None,
    before: Annotated[int | None, typer.Option(metavar="N", help="Columns before the anchor.")] = None,
    after: Annotated[int | None, typer.Option(metavar="N", help="Columns after it.")] = None,
    by: By = None,
    which: Annotated[str | None, typer.Option(metavar="WHICH", help="first, last or every anchor.")] = None,
    key: Annotated[
        str | None, typer.Option(metavar="PROPERTY", help="Tells an event in place of its name, as event.category.")
    ] = None,
    most: Annotated[int | None, typer.Option(metavar="N", help="How many of a column have their name.")] = None,
    collapse: Annotated[
        bool | None, typer.Option("--collapse/--no-collapse", help="What comes again at once is one.")
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(metavar="EVENT", help="Is passed over; may be given several times.")
    ] = None,
    segment: Of = None,
    since: Since = None,
    until: Until = None,
    live: Live = False,
    form: Form = AnswerForm.TABLE,
    file: File = None,
    exported: Exported = False,
    stitched: Stitched = None,
    url: Url = None,
    door_key: AnalysisKey = None,
) -> None:
    """Tell what comes before and after an event, the anchor."""
    options = {
        "before": before, "after": after, "by": by, "which": which, "key": key, "most": most, "collapse": collapse,
        "ignore": ignore or None, "segment": segment,
    }  # fmt: skip
    source = Source(
        first, words, facts, store, url, door_key, project, since, until, live, exported, stitched
    )  # fmt: skip
    tell(source, "flow", options, Shown(form, file))


def attribution(
    first: First,
    words: Words = None,
    facts: Facts = None,
    store: Store = None,
    project: ProjectDir = None,
    value: Annotated[str | None, typer.Option(metavar="NUMBER", help="What one is worth, as event.total.")] = None,
    touches: Annotated[
        str | None, typer.Option(metavar="TOUCHES", help="deliveries:clicked, events:A,B or propositions:shown.")
    ] = None,
    key: Annotated[
        str | None, typer.Option(metavar="KEY", help="By what touches are the same, such as message or event.source.")
    ] = None,
    lookback: Annotated[str | None, typer.Option(metavar="DURATION", help="How long before a touch counts.")] = None,
    since_last: Annotated[
        bool | None, typer.Option("--since-last/--no-since-last", help="Only touches since the conversion before.")
    ] = None,
    models: Annotated[
        str | None, typer.Option(metavar="MODELS", help="Such as first,linear,decay:3d,markov:2,custom:30/40/30.")
    ] = None,
    segment: Of = None,
    since: Since = None,
    until: Until = None,
    live: Live = False,
    form: Form = AnswerForm.TABLE,
    file: File = None,
    exported: Exported = False,
    stitched: Stitched = None,
    url: Url = None,
    door_key: AnalysisKey = None,
) -> None:
    """Credit conversions, such as orders, to what touched people before."""
    options = {
        "value": value, "touches": touches, "key": key, "lookback": lookback, "since_last": since_last,
        "models": None if models is None else models.split(","), "segment": segment,
    }  # fmt: skip
    source = Source(
        first, words, facts, store, url, door_key, project, since, until, live, exported, stitched
    )  # fmt: skip
    tell(source, "attribution", options, Shown(form, file))


def cohort(
    first: First,
    words: Words = None,
    facts: Facts = None,
    store: Store = None,
    project: ProjectDir = None,
    unit: Annotated[str | None, typer.Option(metavar="UNIT", help="day, week or month.")] = None,
    periods: Annotated[
        int | None, typer.Option(metavar="N", help="How many periods, the first one among them.")
    ] = None,
    segment: Of = None,
    since: Since = None,
    until: Until = None,
    live: Live = False,
    form: Form = AnswerForm.TABLE,
    file: File = None,
    exported: Exported = False,
    stitched: Stitched = None,
    url: Url = None,
    door_key: AnalysisKey = None,
) -> None:
    """Tell who comes back, by when they came first: "START > RETURN"."""
    options = {"unit": unit, "periods": periods, "segment": segment}
    source = Source(
        first, words, facts, store, url, door_key, project, since, until, live, exported, stitched
    )  # fmt: skip
    tell(source, "cohort", options, Shown(form, file))


def metric(
    first: First,
    words: Words = None,
    facts: Facts = None,
    store: Store = None,
    project: ProjectDir = None,
    where: Annotated[str | None, typer.Option(metavar="CONDITION", help="What the event has to meet.")] = None,
    segment: Of = None,
    since: Since = None,
    until: Until = None,
    live: Live = False,
    form: Form = AnswerForm.TABLE,
    file: File = None,
    exported: Exported = False,
    stitched: Stitched = None,
    url: Url = None,
    door_key: AnalysisKey = None,
) -> None:
    """Count or add up: "sum event.total of A", "people A", "count deliveries.clicked", "revenue / clicks"."""
    options = {"where": where, "segment": segment}
    source = Source(
        first, words, facts, store, url, door_key, project, since, until, live, exported, stitched
    )  # fmt: skip
    tell(source, "metric", options, Shown(form, file))


def _save(asked: AskedFunnel, name: str, who: str, *, append: bool) -> None:
    """Write the people as a saved audience of a simulation. Raises CallerError."""
    from parcours.insight.asking.saved import check_saved, write_members
    from parcours.insight.figures import counted_text

    check_saved(asked.project, name)
    people = asked.asking.funnel_people(asked.asked, who)
    path, count = write_members(asked.out, name, people, append=append)
    typer.echo(f"{path}: {counted_text(count, 'person', 'people')}", err=True)
