"""The commands about audiences: who is in one, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from parcours.cli.as_of import At, Events, StoreUrl, ask, instant
from parcours.cli.door_options import DoorKey, DoorUrl
from parcours.cli.project import ProjectFolder
from parcours.cli.run import time_ms

if TYPE_CHECKING:
    from parcours.insight.audience_shown import AudienceShown

audience = typer.Typer(name="audience", help="See who is in an audience.", no_args_is_help=True)


@audience.command()
def show(
    folder: ProjectFolder,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The audience.")],
    events: Events = None,
    store: StoreUrl = None,
    at: At = None,
    sample: Annotated[int, typer.Option(min=0, max=1_000, help="People who are shown.")] = 5,
    url: DoorUrl = None,
    key: DoorKey = None,
    json: Annotated[bool, typer.Option("--json", help="As one line of JSON.")] = False,
) -> None:
    """Show how many people are in an audience as of an instant, the first of them, and what its condition reads."""
    at_ms = instant(events, store, url, at)

    import msgspec

    if url is not None:
        shown = _of_engine(url, key, name, sample)
    else:
        from parcours.dispatch.judgement import load_project
        from parcours.insight.audience_shown import AudienceQuestion
        from parcours.simulation.people_look import PeopleLook

        project = load_project(folder, drafts=True)
        found: list[AudienceShown] = []
        ask(project, events, store, at_ms, look=PeopleLook(AudienceQuestion(name, sample), at_ms, found.append))
        (shown,) = found
    typer.echo(msgspec.json.encode(shown).decode() if json else shown_text(shown))


def _of_engine(url: str, key: str | None, name: str, sample: int) -> AudienceShown:
    import msgspec

    from parcours.cli.remote import Remote
    from parcours.insight.audience_shown import AudienceShown

    told = Remote(url, key).patient().look("audiences", name, query={"sample": str(sample)})
    return msgspec.convert({**told, "audience": told["name"], "at": time_ms(told["at"])}, AudienceShown)


def shown_text(shown: AudienceShown) -> str:
    """Who is in it, and by what, as lines."""
    from parcours.core.time_text import time_text

    people = "1 person is" if shown.size == 1 else f"{shown.size:,} people are"
    condition = "it is saved by campaigns" if shown.condition is None else f"where {shown.condition}"
    lines = [f"{people} in {shown.audience} as of {time_text(shown.at)}: {condition}"]
    for member in shown.sample:
        lines.append(f"  {member.person}: {', '.join(member.because)}")
    if shown.size > len(shown.sample):
        lines.append(f"  and {shown.size - len(shown.sample):,} more")
    return "\n".join(lines)
