"""The commands about campaigns: what one would do, before it does it; and its life in a running engine."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from parcours.cli import campaign_life
from parcours.cli.as_of import At, Events, StoreUrl, ask, instant
from parcours.cli.campaign_looks import Sent, preview_of_engine, proof_of_engine
from parcours.cli.door_options import DoorKey, DoorUrl
from parcours.cli.project import ProjectFolder
from parcours.errors import CallerError

if TYPE_CHECKING:
    from parcours.campaigns.look_asked import StepPreview
    from parcours.core.effect import Outgoing
    from parcours.journey.campaign_program import CampaignProgram
    from parcours.service.campaign_preview import CampaignPreview

campaign = typer.Typer(name="campaign", help="See what a campaign would do, and conduct it.", no_args_is_help=True)


class PreviewFormat(StrEnum):
    """How a preview is shown."""

    TABLE = "table"
    JSON = "json"
    MERMAID = "mermaid"


@campaign.command()
def preview(
    folder: ProjectFolder,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The campaign.")],
    events: Events = None,
    store: StoreUrl = None,
    at: At = None,
    url: DoorUrl = None,
    key: DoorKey = None,
    sample: Annotated[int, typer.Option(min=0, max=1_000, help="Rows of each set that are shown.")] = 5,
    form: Annotated[PreviewFormat, typer.Option("--format", help="A table, JSON, or the graph.")] = PreviewFormat.TABLE,
) -> None:
    """Make all sets of a campaign as of an instant, and nothing else: nobody is sent anything."""
    at_ms = instant(events, store, url, at)

    if url is not None:
        _show(preview_of_engine(url, key, name, sample), form, lambda: _in_folder(folder, name))
        return
    from parcours.campaigns.look_asked import PreviewAsked
    from parcours.dispatch.judgement import load_project
    from parcours.service.campaign_preview import campaign_preview
    from parcours.simulation.campaigning import CampaignsAsked, campaign_named

    project = load_project(folder, drafts=True)
    found: list[CampaignPreview] = []

    def told(campaign: CampaignProgram, as_of: int, steps: dict[str, StepPreview]) -> None:
        found.append(campaign_preview(campaign, as_of, steps))

    asked = CampaignsAsked(preview=PreviewAsked(name, at_ms, sample, told))
    ask(project, events, store, at_ms, campaigns=asked)
    _show(found[0], form, lambda: campaign_named(project, name))


@campaign.command()
def proof(
    folder: ProjectFolder,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The campaign.")],
    step: Annotated[str, typer.Option(metavar="STEP", help="The send of which the message is sent.")],
    person: Annotated[
        str, typer.Option("--as", metavar="PERSON", help="Whose data it has: a user id, or a name of results.")
    ],
    to: Annotated[str, typer.Option(metavar="ADDRESS", help="Where it goes.")],
    channel: Annotated[
        str | None,
        typer.Option(metavar="CHANNEL", help="Which of the step's channels; the first that takes ADDRESS without it."),
    ] = None,
    events: Events = None,
    store: StoreUrl = None,
    at: At = None,
    url: DoorUrl = None,
    key: DoorKey = None,
) -> None:
    """Send one message of a campaign to an address of yours, with a person's data and marked [Proof].

    It goes by the project's own channel, with --url by the engine's, and is in no count: nothing happens to the person,
    whose consent is not asked.
    """
    at_ms = instant(events, store, url, at)

    if url is not None:
        sent = proof_of_engine(url, key, name, {"step": step, "person": person, "to": to, "channel": channel})
    else:
        sent = _proof_by_project(folder, name, (step, person, to, channel), (events, store, at_ms))
    whose, chosen, provider_id = sent
    known_as = f", which the provider knows as {provider_id}" if provider_id else ""
    typer.echo(f"A proof of {name}.{step} with the data of {whose} went to {to} by {chosen}{known_as}.")


def _proof_by_project(
    folder: Path,
    name: str,
    wanted: tuple[str, str, str, str | None],
    of: tuple[str | None, str | None, int | None],
) -> Sent:
    """A proof that goes by the channel that the project in the folder sets up."""
    import asyncio
    import os

    from parcours.campaigns.look_asked import PreviewAsked, ProofAsked, send_step
    from parcours.config import Settings
    from parcours.core.identity import person_asked_for
    from parcours.dispatch.judgement import load_project
    from parcours.dispatch.proofs import channel_for, channel_settings, send_proof
    from parcours.dispatch.registry import Registry
    from parcours.simulation.campaigning import CampaignsAsked, campaign_named

    step, person, to, channel = wanted
    events, store, at_ms = of
    project, registry = load_project(folder, drafts=True), Registry.installed()
    asked_step = send_step(campaign_named(project, name), step)
    chosen = channel_for(asked_step.to, to, channel, registry)
    composed: list[Outgoing] = []
    proof_asked = ProofAsked(step, person_asked_for(person), (chosen, to), composed.append)
    asked = CampaignsAsked(preview=PreviewAsked(name, at_ms, 0, lambda *_: None, proof_asked))
    ask(project, events, store, at_ms, campaigns=asked)
    configured = channel_settings(project, chosen, os.environ)
    provider_id = asyncio.run(send_proof(project.program, composed[0], registry, Settings(), configured))
    return composed[0].person, chosen, provider_id


def _in_folder(folder: Path, name: str) -> CampaignProgram:
    from parcours.dispatch.judgement import load_project
    from parcours.simulation.campaigning import campaign_named

    return campaign_named(load_project(folder, drafts=True), name)


def _show(previewed: CampaignPreview, form: PreviewFormat, drawn: Callable[[], CampaignProgram]) -> None:
    foreseen = previewed.foreseen
    if form is PreviewFormat.JSON:
        import msgspec

        typer.echo(msgspec.json.encode(foreseen).decode())
    elif form is PreviewFormat.MERMAID:
        from parcours.journey.picture.mermaid import campaign_mermaid

        campaign = drawn()
        if [*campaign.steps] != [*foreseen.steps]:
            raise CallerError(
                f"The campaign {campaign.name!r} of the engine has other steps than the one in the folder, whose graph "
                "would be drawn: publish it first."
            )
        typer.echo(campaign_mermaid(campaign, foreseen.sizes()), nl=False)
    else:
        _print(previewed)


def _print(previewed: CampaignPreview) -> None:
    import msgspec
    from rich.console import Console

    from parcours.core.time_text import time_text
    from parcours.insight.report import campaign_part, counts_part
    from parcours.insight.summary import CampaignCount

    console, foreseen = Console(), previewed.foreseen
    counts = msgspec.convert(msgspec.to_builtins(foreseen), CampaignCount)
    said = f"as of {time_text(previewed.at)}: nobody is sent anything"
    console.print(campaign_part(previewed.campaign, counts, said))
    gates = {
        f"{name}: {gate}": number
        for name, each in foreseen.steps.items()
        for gate, number in (each.gates or {}).items()
    }
    if gates:
        console.print(counts_part("Would be refused or held by a gate", "step and gate", "deliveries", gates))
    unforeseen = [name for name, each in foreseen.steps.items() if each.unforeseen]
    if unforeseen:
        console.print(f"What follows on {', '.join(unforeseen)} is not foreseen, and shown as nobody.", highlight=False)
    for name, rows in foreseen.sample.items():
        if rows:
            console.print()
            console.print(name, style="bold", highlight=False)
            for row in rows:
                console.print(f"  {_row(row)}", markup=False, highlight=False, soft_wrap=True)


def _row(row: Any) -> str:
    import msgspec

    columns = {name: value for name, value in row.items() if name != "person"}
    return f"{row['person']} {msgspec.json.encode(columns).decode()}" if columns else str(row["person"])


for name, command in campaign_life.COMMANDS.items():
    campaign.command(name)(command)
