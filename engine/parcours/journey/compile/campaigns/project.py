"""The compiler of all campaigns of a project, and what they say together: names, saves, and messages of several."""

from __future__ import annotations

from collections.abc import Mapping

from parcours.journey.campaign_program import CampaignProgram, SavedAudience, Table
from parcours.journey.campaign_steps import Save
from parcours.journey.compile.analyses.scope import AnalysisScope
from parcours.journey.compile.campaigns.campaign import CampaignCompiler
from parcours.journey.compile.campaigns.row_messages import rows_named
from parcours.journey.compile.campaigns.scope import CampaignScope
from parcours.journey.compile.campaigns.tables import lost_names
from parcours.journey.compile.declarations import Declarations
from parcours.journey.model.campaign_acts import CampaignSendStep
from parcours.journey.model.document import MessageDocument
from parcours.journey.model.steps import SendStep
from parcours.journey.parts import Message
from parcours.journey.read.documents import Documents, Margins
from parcours.journey.read.finding import Margin


def compiled_campaigns(
    documents: Documents,
    margins: Margins,
    declared: Declarations,
    analyses: AnalysisScope,
    tables: Mapping[str, Table],
    messages: Mapping[str, Message],
) -> tuple[CampaignProgram, ...]:
    """The campaigns by name."""
    timezone, compiled = documents.settings.timezone, list[CampaignProgram]()
    unread = lost_names(margins, "audiences")
    for document, margin in zip(documents.campaigns, margins.campaigns, strict=True):
        lost = margins.lost.get(margin.file, frozenset())
        scope = CampaignScope(document, documents, declared, analyses, tables, lost, unread)
        compiled.append(CampaignCompiler(scope, margin, timezone).compile(messages))
    _warn_of_saves(compiled, margins)
    return tuple(sorted(compiled, key=lambda each: each.name))


def _warn_of_saves(campaigns: list[CampaignProgram], margins: Margins) -> None:
    seen: dict[str, str] = {}
    for campaign, margin in zip(campaigns, margins.campaigns, strict=True):
        for number, step in enumerate(campaign.steps.values()):
            if isinstance(step, Save):
                other = seen.setdefault(step.audience, campaign.name)
                if other != campaign.name:
                    margin.warn(f"the campaign {other!r} saves this audience as well", "steps", number, "save")


def saved_audiences(documents: Documents, declared: Declarations) -> dict[str, SavedAudience]:
    """The audiences that campaigns save, by their keys (definition_keys.py)."""
    keyed = {declared.definition_keys.audience(name): each for name, each in documents.audiences.saved.items()}
    return {name: SavedAudience(name, each.label, each.silent) for name, each in keyed.items()}


def check_rows(message: MessageDocument, documents: Documents, margins: Margins, margin: Margin) -> None:
    """Note a message that names columns of a row, and is sent by no campaign, or by a journey as well."""
    named = rows_named(message)
    faulty = any(each.file in margins.lost for each in (*margins.campaigns, *margins.journeys))
    if not named or faulty or {"campaign", "journey"} & margins.unread:
        return
    said = f"{named[0]} is a column of a campaign's set"
    campaigns = [step for each in documents.campaigns for step in each.steps if isinstance(step, CampaignSendStep)]
    if not any(step.send == message.message for step in campaigns):
        margin.error(f"{said}, and no campaign sends this message")
    for journey in documents.journeys:
        if any(isinstance(step, SendStep) and step.send == message.message for step in journey.steps):
            margin.error(f"{said}, and the journey {journey.journey!r} sends this message as well")
