"""The commands about offers: what a decision would give, before it does, and what another ranking would be worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from parcours.cli.as_of import At, Events, StoreUrl, ask, instant
from parcours.cli.door_options import DoorKey, DoorUrl
from parcours.cli.offers_evaluate import evaluate
from parcours.cli.project import ProjectFolder
from parcours.errors import CallerError

if TYPE_CHECKING:
    from parcours.insight.offers_foreseen import DecisionForeseen, OffersQuestion

offers = typer.Typer(name="offers", help="See which offers decisions give, and judge rankings.", no_args_is_help=True)
offers.command("evaluate")(evaluate)


@offers.command()
def preview(
    folder: ProjectFolder,
    decision: Annotated[str, typer.Argument(metavar="DECISION", help="The decision.")],
    person: Annotated[
        str | None, typer.Option("--as", metavar="PERSON", help="Of this one: a user id, or a name of results.")
    ] = None,
    audience: Annotated[str | None, typer.Option(metavar="NAME", help="Of the members of this audience.")] = None,
    where: Annotated[str | None, typer.Option(metavar="CEL", help="Of those for whom this condition holds.")] = None,
    placement: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="At this one, or these; without it wherever an offer says something."),
    ] = None,
    context: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A value that whoever asks would give: JSON, or else text."),
    ] = None,
    events: Events = None,
    store: StoreUrl = None,
    at: At = None,
    url: DoorUrl = None,
    key: DoorKey = None,
    sample: Annotated[int, typer.Option(min=0, max=1_000, help="People who are shown.")] = 5,
    json: Annotated[bool, typer.Option("--json", help="As one line of JSON.")] = False,
) -> None:
    """Show who would get which offer as of an instant, and why not the others: nobody is given anything."""
    at_ms = instant(events, store, url, at)
    if sum(each is not None for each in (person, audience, where)) != 1:
        raise typer.BadParameter("choose one of --as, --audience and --where.", param_hint="--as")

    import msgspec

    from parcours.core.identity import person_asked_for
    from parcours.insight.offers_foreseen import OffersQuestion, foreseen_lines

    named = None if person is None else person_asked_for(person)
    given = dict(map(_context, context or []))
    question = OffersQuestion(decision, tuple(placement or []), named, audience, where, given, sample)
    if url is not None:
        foreseen = _of_engine(url, key, question)
    else:
        from parcours.dispatch.judgement import load_project
        from parcours.simulation.people_look import PeopleLook

        project = load_project(folder, drafts=True)
        found: list[DecisionForeseen] = []
        ask(project, events, store, at_ms, look=PeopleLook(question, at_ms, found.append))
        (foreseen,) = found
    if person is not None and not foreseen.people:
        raise CallerError(f"nothing is known of {person!r}")
    typer.echo(msgspec.json.encode(foreseen).decode() if json else "\n".join(foreseen_lines(foreseen)))


def _context(text: str) -> tuple[str, object]:
    import msgspec

    name, equals, value = text.partition("=")
    if not name or not equals:
        raise typer.BadParameter(f"{text!r}: NAME=VALUE is expected.", param_hint="--context")
    try:
        return name, msgspec.json.decode(value)
    except msgspec.DecodeError:
        return name, value


def _of_engine(url: str, key: str | None, question: OffersQuestion) -> DecisionForeseen:
    import msgspec

    from parcours.cli.remote import Remote
    from parcours.cli.run import time_ms
    from parcours.insight.offers_foreseen import DecisionForeseen

    asked = {
        "placements": list(question.placements),
        "person": question.person,
        "audience": question.audience,
        "where": question.where,
        "context": dict(question.context),
        "sample": question.sample,
    }
    told = Remote(url, key).patient().post("decisions", question.decision, "preview", body=asked)
    return msgspec.convert({**told, "at": time_ms(told["at"])}, DecisionForeseen)
