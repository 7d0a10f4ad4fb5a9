"""/campaigns: a line for each campaign: how it stands, its newest run, and when the next one begins."""

from __future__ import annotations

from typing import Final

from parcours.ingress.campaign_figures import count_of
from parcours.ingress.changes import answered
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Request
from parcours.ingress.page.cards import Column, Row, cards
from parcours.ingress.page.frame import address, moment, name, screen, seen
from parcours.ingress.page.parts import chips
from parcours.ingress.page.run_parts import (
    at_hand_words,
    campaign_state_words,
    compiled,
    run_address,
    run_state_words,
)
from parcours.insight.figures import counted_text
from parcours.insight.page.markup import Child, Markup, element, together
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.campaign_steps import SendToSet
from parcours.journey.model.campaign_sets import MAIN
from parcours.service.campaign_state import CampaignState, RunOfCampaign
from parcours.service.live_report import LiveReport

COLUMNS: Final = (
    Column("Campaign"),
    Column("State"),
    Column("Newest run", is_whole=True),
    Column("Read in it", is_number=True),
    Column("Sent to in it", is_number=True),
    Column("Next run"),
    Column("Runs", is_number=True),
    Column("Goal reached", is_number=True),
)


async def _campaigns(door: Door, request: Request) -> Answer:
    report = await answered(door.service.report())
    found = await answered(door.service.campaigns())
    found.sort(key=_urgency)
    rows = [_row(door, request, report, each) for each in found]
    table = cards(counted_text(len(rows), "campaign", "campaigns"), COLUMNS, rows) if rows else _none()
    return screen(door, request, "Campaigns", element("h1", "Campaigns"), table)


campaigns_screen = seen(_campaigns)


def _urgency(of: CampaignState) -> tuple[int, str]:
    """Those first of which the newest run has failed, and then those of which one is under way."""
    states = {each.state for each in of.runs}
    failed = bool(of.runs) and of.runs[-1].state == "failed"
    return (0 if failed else 1 if "under_way" in states else 2, of.campaign)


def _none() -> Markup:
    return element("p", "No campaign is published yet. A project has them in ", element("code", "campaigns/"), ".")


def _row(door: Door, request: Request, report: LiveReport, of: CampaignState) -> Row:
    newest, count = of.runs[-1] if of.runs else None, count_of(report, of.campaign)
    program = compiled(door, of.campaign, of.version if newest is None else newest.version)
    tags = () if program is None else program.tags
    link = element("a", name(of.campaign), href=address(request, "campaigns", of.campaign))
    cells: list[Child] = [
        campaign_state_words(report.ledger, of.campaign, of.state),
        "none yet" if newest is None else _newest(request, of.campaign, newest),
        *_sizes(newest, program),
        _next(of, program),
        f"{count.runs:,}",
        f"{count.goal:,}",
    ]
    return Row(together(link, element("div", chips(tags), class_="tags") if tags else None), cells)


def _next(of: CampaignState, program: CampaignProgram | None) -> Child:
    if of.next_ms is not None:
        return moment(of.next_ms)
    return "by hand" if program is not None and program.schedule is None else "none"


def _newest(request: Request, campaign: str, run: RunOfCampaign) -> Child:
    link = element("a", f"Run {run.number}", href=run_address(request, campaign, run.number))
    return together(
        link,
        " ",
        run_state_words(run),
        " ",
        at_hand_words(run, request.received_ms),
        element("div", "began ", moment(run.began), class_="tags"),
    )


def _sizes(run: RunOfCampaign | None, program: CampaignProgram | None) -> tuple[str, str]:
    """How many rows a run has read, and to how many people it has sent, as far as its version is known."""
    if run is None or program is None:
        return "", ""
    told = {name: each.outputs.get(MAIN, 0) for name, each in run.steps.items()}
    read = [told.get(step.id, 0) for step in program.steps.values() if not step.sources]
    sent = [told.get(step.id, 0) for step in program.steps.values() if isinstance(step, SendToSet)]
    return f"{sum(read):,}", f"{sum(sent):,}" if sent else ""
