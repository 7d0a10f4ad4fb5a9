"""Version digests: a content hash of each journey, audience and rule-based event type, by which changes are recognised.

A digest is taken over the documents' values and not over their text: the order of keys, comments and values that equal
the default make no difference, on any machine. A journey's digest covers its document and the messages, actions,
audiences and event types that it uses, a campaign's the tables as well; policies, channels and the profile are
no part of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

from parcours.expression.expression import Expression
from parcours.journey.campaign_parts import asked_of_campaign, audiences_of_campaign, events_of_campaign
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.listening import audience_names, event_names, expressions_in, withdrawing_names
from parcours.journey.model.document import EventDocument
from parcours.journey.model.forms import Document
from parcours.journey.program import CallAction, Journey, Program, Send
from parcours.journey.read.documents import Documents

DIGEST_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Digests:
    """Hexadecimal digests by name. Of event types only rule-based ones are listed."""

    journeys: Mapping[str, str]
    audiences: Mapping[str, str]
    events: Mapping[str, str]
    campaigns: Mapping[str, str] = field(default_factory=dict)

    @property
    def versioned(self) -> dict[str, str]:
        """Those of journeys and campaigns, which share one name space."""
        return {**self.journeys, **self.campaigns}


def digests_of(documents: Documents, program: Program) -> Digests:
    """The digests of a project; `program` is compiled from its documents, with every name in its first definition."""
    content = _Content(documents, program)
    declared = documents.events.events
    return Digests(
        journeys={journey.name: digest(content.of_journey(journey)) for journey in program.journeys},
        audiences={name: digest(content.of_audience(name)) for name in program.audiences},
        events={name: digest([each.of, each.rule]) for name, each in declared.items() if each.of is not None},
        campaigns={campaign.name: digest(content.of_campaign(campaign)) for campaign in program.campaigns},
    )


def digest(value: object) -> str:
    """The digest of plain data, whatever the order of its keys."""
    canonical = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return blake2b(canonical.encode(), digest_size=DIGEST_BYTES).hexdigest()


_USED: Final[Mapping[str, str]] = {
    "message": "messages",
    "action": "actions",
    "audience": "audiences",
    "event": "events",
    "table": "tables",
}
"""The kinds of what a journey or a campaign may use, and under which keys of its content they are."""


def names_used(documents: Documents, program: Program, name: str) -> dict[str, frozenset[str]]:
    """What the digest of a journey or campaign covers, by kind: itself, and what it uses; nothing if it is unknown."""
    content = _Content(documents, program)
    campaign = next((each for each in program.campaigns if each.name == name), None)
    journey = next((each for each in program.journeys if each.name == name), None)
    if campaign is not None:
        found = content.of_campaign(campaign)
    elif journey is not None:
        found = content.of_journey(journey)
    else:
        return {}
    itself = "journey" if campaign is None else "campaign"
    return {itself: frozenset({name})} | {kind: frozenset(found[key]) for kind, key in _USED.items() if key in found}


@dataclass(frozen=True, slots=True)
class _Content:
    documents: Documents
    program: Program

    def of_journey(self, journey: Journey) -> dict[str, Any]:
        document = next(each for each in self.documents.journeys if each.journey == journey.name)
        steps = journey.steps.values()
        messages = {step.message for step in steps if isinstance(step, Send)}
        actions = {step.action for step in steps if isinstance(step, CallAction)}
        carried = [value for name in actions for value in self.program.actions[name].expressions]
        # The program has no definition numbers yet (its keys are plain names), so it can index the documents by name.
        audiences = audience_names(journey)
        events = event_names(journey) | withdrawing_names(journey) | _asked([*expressions_in(journey), *carried])
        return {
            "journey": values_of(document),
            "messages": {each.message: values_of(each) for each in self.documents.messages if each.message in messages},
            "actions": {name: values_of(self.documents.actions.actions[name]) for name in actions},
            "audiences": {name: self.of_audience(name) for name in audiences},
            "events": self._events(events),
        }

    def of_campaign(self, campaign: CampaignProgram) -> dict[str, Any]:
        document = next(each for each in self.documents.campaigns if each.campaign == campaign.name)
        asked = _asked(asked_of_campaign(campaign)) | events_of_campaign(campaign)
        return {
            "campaign": values_of(document),
            "messages": {
                each.message: values_of(each) for each in self.documents.messages if each.message in campaign.messages
            },
            "tables": {name: values_of(self.documents.tables.tables[name]) for name in campaign.tables},
            "audiences": {name: self.of_audience(name) for name in audiences_of_campaign(campaign)},
            "events": self._events(asked),
        }

    def of_audience(self, name: str) -> dict[str, object]:
        if name in self.program.saved_audiences:
            return {"saved": values_of(self.documents.audiences.saved[name])}
        condition = self.program.audiences[name].condition
        content: dict[str, object] = {"condition": condition.text, "events": self._events(_asked([condition]))}
        if condition.audiences:
            content["audiences"] = {asked: self.of_audience(asked) for asked in condition.audiences}
        return content

    def _events(self, names: Iterable[str]) -> dict[str, object]:
        """Event types, and those that rule-based ones are based on."""
        declared = self.documents.events.events
        wanted = {name for name in names if name in declared}
        wanted |= {base for name in wanted if (base := declared[name].of) in declared}
        return {name: _event_values(declared[name]) for name in wanted}


def _asked(expressions: Iterable[Expression]) -> set[str]:
    return {series.event for expression in expressions for series in expression.series}


def _event_values(event: EventDocument) -> object:
    """The values of an event type. What is exported of it, its name elsewhere and places mean nothing here."""
    beside = {"cloud_type": None, "location": None, "crossing": None}
    return values_of(event.model_copy(update={"properties": event.kinds, **beside}))


def values_of(document: Document) -> dict[str, object]:
    """The values that an author wrote, without those that equal the default."""
    dumped = document.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {key: _said(value) for key, value in dumped.items() if value is not None}


def _said(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _said(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [_said(inner) for inner in value]
    return value
