"""The commands about campaigns: what one would do, before it does it; and its life in a running engine."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from parcours.cli import campaign_life
from parcours.cli.as_of import At, Events, StoreUrl, ask, instant
from parcours.cli.project import ProjectFolder

if TYPE_CHECKING:
    from parcours.campaigns.preview import StepPreview
    from parcours.core.effect import Outgoing
    from parcours.insight.summary import CampaignCount
    from parcours.journey.campaign_program import CampaignProgram

campaign = typer.Typer(name="campaign", help="See what a campaign would do, and conduct it.", no_args_is_help=True)


class PreviewFormat(StrEnum):
    """How a preview is shown."""

    TABLE = "table"
    JSON = "json"
    MERMAID = "mermaid"


@campaign.callback()
def _group() -> None:
    """Each of them is a command of its own, however many there are."""


@campaign.command()
def preview(
    folder: ProjectFolder,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The campaign.")],
    events: Events = None,
    store: StoreUrl = None,
    at: At = None,
    sample: Annotated[int, typer.Option(min=0, max=1_000, help="Rows of each set that are shown.")] = 5,
    form: Annotated[PreviewFormat, typer.Option("--format", help="A table, JSON, or the graph.")] = PreviewFormat.TABLE,
) -> None:
    """Make all sets of a campaign as of an instant, and nothing else: nobody is sent anything."""
    at_ms = instant(events, store, at)

    from parcours.campaigns.coordinator import PreviewAsked
    from parcours.dispatch.judgement import load_project
    from parcours.simulation.campaigning import CampaignsAsked

    project = load_project(folder, drafts=True)
    found: dict[str, Any] = {}

    def told(campaign: CampaignProgram, as_of: int, steps: dict[str, StepPreview]) -> None:
        found.update(campaign=campaign, as_of=as_of, steps=steps)

    asked = CampaignsAsked(preview=PreviewAsked(name, at_ms, sample, told))
    ask(project, events, store, at_ms, campaigns=asked)
    _show(found["campaign"], found["as_of"], found["steps"], form)


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
) -> None:
    """Send one message of a campaign to an address of yours, with a person's data and marked [Proof].

    It goes by the project's own channel, and is in no count: nothing happens to the person, whose consent is not asked.
    """
    at_ms = instant(events, store, at)

    import asyncio
    import os

    from parcours.campaigns.coordinator import PreviewAsked
    from parcours.campaigns.proof import ProofAsked, send_step
    from parcours.config import Settings
    from parcours.core.identity import person_asked_for
    from parcours.dispatch.judgement import load_project
    from parcours.dispatch.proofs import channel_for, send_proof
    from parcours.dispatch.registry import Registry
    from parcours.simulation.campaigning import CampaignsAsked, campaign_named

    project, registry = load_project(folder, drafts=True), Registry.installed()
    asked_step = send_step(campaign_named(project, name), step)
    chosen = channel_for(asked_step.to, to, channel, registry)
    composed: list[Outgoing] = []
    proof_asked = ProofAsked(step, person_asked_for(person), (chosen, to), composed.append)
    asked = CampaignsAsked(preview=PreviewAsked(name, at_ms, 0, lambda *_: None, proof_asked))
    ask(project, events, store, at_ms, campaigns=asked)
    provider_id = asyncio.run(send_proof(project, composed[0], registry, Settings(), os.environ))
    known_as = f", which the provider knows as {provider_id}" if provider_id else ""
    typer.echo(f"A proof of {name}.{step} with the data of {composed[0].person} went to {to} by {chosen}{known_as}.")


def _show(campaign: CampaignProgram, as_of: int, steps: dict[str, StepPreview], form: PreviewFormat) -> None:
    counts = _counts(campaign, steps)
    if form is PreviewFormat.JSON:
        import msgspec

        told = msgspec.to_builtins(counts)
        for name, each in steps.items():
            told["steps"][name] |= {"gates": dict(each.gates)} if each.gates else {}
            told["steps"][name] |= {"unforeseen": True} if each.unforeseen else {}
        told["sample"] = {
            name if output == "main" else f"{name}.{output}": rows
            for name, each in steps.items()
            for output, rows in each.sample.items()
        }
        typer.echo(msgspec.json.encode(told).decode())
    elif form is PreviewFormat.MERMAID:
        from parcours.journey.campaign_graph import campaign_mermaid

        typer.echo(campaign_mermaid(campaign, counts.sizes()), nl=False)
    else:
        _print(campaign, as_of, counts, steps)


def _counts(campaign: CampaignProgram, steps: dict[str, StepPreview]) -> CampaignCount:
    from parcours.insight.summary import CampaignCount, CampaignStepCount

    return CampaignCount(
        version=campaign.version,
        steps={
            name: CampaignStepCount(
                inflow=each.made.inflow, outputs=each.made.outputs, dropped=dict(sorted(each.made.dropped.items()))
            )
            for name, each in steps.items()
        },
    )


def _print(campaign: CampaignProgram, as_of: int, counts: CampaignCount, steps: dict[str, StepPreview]) -> None:
    from rich.console import Console

    from parcours.core.time_text import time_text
    from parcours.insight.report import campaign_part, counts_part

    console = Console()
    console.print(campaign_part(campaign.name, counts, f"as of {time_text(as_of)}: nobody is sent anything"))
    gates = {f"{name}: {gate}": number for name, each in steps.items() for gate, number in each.gates.items()}
    if gates:
        console.print(counts_part("Would be refused or held by a gate", "step and gate", "deliveries", gates))
    unforeseen = [name for name, each in steps.items() if each.unforeseen]
    if unforeseen:
        console.print(f"What follows on {', '.join(unforeseen)} is not foreseen, and shown as nobody.", highlight=False)
    for name, each in steps.items():
        for output, rows in each.sample.items():
            if rows:
                console.print()
                console.print(name if output == "main" else f"{name}.{output}", style="bold", highlight=False)
                for row in rows:
                    console.print(f"  {_row(row)}", markup=False, highlight=False, soft_wrap=True)


def _row(row: Any) -> str:
    import msgspec

    columns = {name: value for name, value in row.items() if name != "person"}
    return f"{row['person']} {msgspec.json.encode(columns).decode()}" if columns else str(row["person"])


for name, command in campaign_life.COMMANDS.items():
    campaign.command(name)(command)
