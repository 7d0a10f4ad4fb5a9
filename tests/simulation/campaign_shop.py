"""A small shop with campaigns, and recordings of its people, for tests of what campaigns do under virtual time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.projects import write_documents

from parcours.campaigns.campaign_line import CampaignLine
from parcours.campaigns.set_places import SetPlace
from parcours.core.fact import DeliveryReached, Fact, Moved
from parcours.core.time_text import time_text
from parcours.journey.project import Project
from parcours.simulation.campaigning import CampaignsAsked
from parcours.simulation.simulation import Result, simulate

BEGIN_MS = 1_767_258_000_000
"""2026-01-01T09:00Z."""

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

WISH = {"message": "wish", "email": {"subject": "Yours", "text": "{{ row.wish.name }}"}}
"""A message that names a column of a set."""

DOCUMENTS: dict[str, dict[str, Any]] = {
    "parcours": {"project": "shop", "policies": {"consent": {"default": "opt_out"}}},
    "profile": {
        "traits": {
            "email": "string",
            "phone": "string",
            "push_token": "string",
            "score": "number",
            "city": "string",
            "timezone": "string",
        }
    },
    "events": {"events": {"Seen": {}, "Bought": {"properties": {"total": "number"}}}},
    "audiences": {"audiences": {"seen": 'count("Seen", "30d") > 0', "best": {"saved": True, "label": "Best"}}},
    "messages/news": {
        "message": "news",
        "email": {"subject": "News", "text": "Of {{ profile.city }}."},
        "sms": {"text": "News"},
    },
}


@dataclass
class Told:
    """What came of a simulation."""

    result: Result
    lines: list[CampaignLine] = field(default_factory=list)
    places: list[SetPlace] = field(default_factory=list)

    def sizes(self, run: int = 1) -> dict[str, int]:
        """The size of each output, named `STEP.OUTPUT`."""
        return {f"{line.step}.{line.output}": line.size for line in self.lines if line.run == run and line.step}

    def line(self, step: str, output: str = "main", run: int = 1) -> CampaignLine:
        (found,) = [each for each in self.lines if (each.step, each.output, each.run) == (step, output, run)]
        return found

    def sent(self, step: str) -> dict[str, int]:
        """When each person was sent the step's message, in ms after the beginning."""
        return {fact.person: fact.at - BEGIN_MS for fact in self.deliveries("sent") if fact.step == step}

    def deliveries(self, outcome: str) -> list[DeliveryReached]:
        return [each for each in self.facts if isinstance(each, DeliveryReached) and each.outcome == outcome]

    def moves(self, person: str) -> list[tuple[str, str | None, int]]:
        """(what, step, ms after the beginning) of each move of a person."""
        return [
            (each.what, each.step, each.at - BEGIN_MS)
            for each in self.facts
            if isinstance(each, Moved) and each.person == person
        ]

    @property
    def facts(self) -> list[Fact]:
        return list(self.result.facts)


def at(hours: float) -> str:
    """An instant so many hours after the beginning."""
    return time_text(BEGIN_MS + round(hours * HOUR_MS))


def identified(person: str, hours: float = 0, **traits: object) -> dict[str, Any]:
    given = {"email": f"{person}@mail.example", "phone": f"+336123456{int(person[1:]):02}", **traits}
    return {"type": "identify", "userId": person, "timestamp": at(hours), "traits": given}


def tracked(person: str, event: str, hours: float, **properties: object) -> dict[str, Any]:
    return {"type": "track", "userId": person, "event": event, "timestamp": at(hours), "properties": properties}


def reacted(person: str, reaction: str, step: str, hours: float, **more: object) -> dict[str, Any]:
    return {
        "type": "reaction", "userId": person, "reaction": reaction, "campaign": "push", "step": step,
        "channel": "email", "timestamp": at(hours), **more,
    }  # fmt: skip


def people(number: int, city: str = "Paris") -> list[dict[str, Any]]:
    """So many people, `u0` on, whose scores are their numbers."""
    return [identified(f"u{each}", score=each, city=city) for each in range(number)]


def project_in(folder: Path, *campaigns: Mapping[str, Any], **documents: Mapping[str, Any]) -> Project:
    """The shop with these campaigns, and documents besides its own or in their place; `_` stands for `/`."""
    named = {name.replace("_", "/", 1): dict(each) for name, each in documents.items()}
    listed = {f"campaigns/{each['campaign']}": dict(each) for each in campaigns}
    write_documents(folder, {**DOCUMENTS, **named, **listed})
    return Project.load(folder)


def campaign(*steps: Mapping[str, Any], hours: float = 1, **more: Any) -> dict[str, Any]:
    """A campaign `push` that begins so many hours after the beginning."""
    return {"campaign": "push", "schedule": {"at": at(hours)}, "steps": [dict(each) for each in steps], **more}


def told(
    project: Project,
    calls: Iterable[Mapping[str, Any]],
    *,
    shards: int = 1,
    exports: Path | None = None,
    starts: Iterable[tuple[str, int | None]] = (),
    explain: str = "",
    **more: Any,
) -> Told:
    """Simulate these calls. `explain` is somebody whose places in sets are told."""
    lines: list[CampaignLine] = []
    places: list[SetPlace] = []
    asked = CampaignsAsked(exports, tuple(starts), lines.append, explain=(explain, places.append))
    recorded = b"\n".join(json.dumps(each).encode() for each in calls)
    return Told(simulate(project, recorded, shards=shards, campaigns=asked, **more), lines, places)
