"""The commands about campaigns: what one would do, before it does it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from parcours.cli.files import events_source
from parcours.cli.lines import read_lines
from parcours.cli.project import ProjectFolder
from parcours.cli.run import time_ms

if TYPE_CHECKING:
    from parcours.campaigns.preview import StepPreview
    from parcours.insight.summary import CampaignCount
    from parcours.journey.campaign_program import CampaignProgram

campaign = typer.Typer(name="campaign", help="See what a campaign would do.", no_args_is_help=True)


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
    events: Annotated[
        str, typer.Option(metavar="FILE", help="What has happened, as NDJSON; may be gzipped; - is standard input.")
    ],
    at: Annotated[str | None, typer.Option(metavar="TIME", help="As of when; as of the last event without it.")] = None,
    sample: Annotated[int, typer.Option(min=0, max=1_000, help="Rows of each set that are shown.")] = 5,
    form: Annotated[PreviewFormat, typer.Option("--format", help="A table, JSON, or the graph.")] = PreviewFormat.TABLE,
) -> None:
    """Make all sets of a campaign as of an instant, and nothing else: nobody is sent anything."""
    at_ms = None if at is None else time_ms(at, "--at")
    source = events_source(events)

    from parcours.campaigns.coordinator import PreviewAsked
    from parcours.dispatch.judgement import load_project
    from parcours.simulation.campaigning import CampaignsAsked
    from parcours.simulation.simulation import simulate

    project = load_project(folder, drafts=True)
    found: dict[str, Any] = {}

    def told(campaign: CampaignProgram, as_of: int, steps: dict[str, StepPreview]) -> None:
        found.update(campaign=campaign, as_of=as_of, steps=steps)

    simulate(
        project,
        read_lines(source),
        until_ms=at_ms,
        campaigns=CampaignsAsked(preview=PreviewAsked(name, at_ms, sample, told)),
    )
    _show(found["campaign"], found["as_of"], found["steps"], form)


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
