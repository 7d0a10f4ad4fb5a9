"""What is a case? A project as its author writes it, with terms in place of expressions, and what happens in it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.model.campaigns.tables import Table
from tests.model.campaigns.terms import Term, written
from tests.projects import write_documents

Document = dict[str, Any]

OBSERVED = "seen-by-us"
"""How the names of files begin that show who is in a set."""


@dataclass
class Case:
    """
    traits, events   as declared
    conditions       audiences by their conditions; `saved` those that campaigns save
    table_documents  tables.yaml, and `files` the bytes of their files by path
    lines            of the recording, in the order of the file
    starts           campaigns that are begun by hand, with the instants in ms
    tried            how often each kind of thing is in it
    """

    seed: int
    timezone: str
    policies: Document
    holdouts: Document
    traits: dict[str, str]
    events: Document
    messages: dict[str, Document]
    conditions: dict[str, Term]
    saved: list[str]
    tables: dict[str, Table]
    table_documents: dict[str, Document]
    files: dict[str, bytes]
    campaigns: list[Document]
    journeys: list[Document]
    lines: list[Document]
    starts: dict[str, int] = field(default_factory=dict)
    tried: Counter[str] = field(default_factory=Counter)

    def unobserved(self) -> Case:
        """The case without the exports that only show who is in which set."""
        campaigns = [
            {**each, "steps": [step for step in each["steps"] if not is_observing(step)]} for each in self.campaigns
        ]
        return replace(self, campaigns=campaigns)

    def documents(self) -> dict[str, Document]:
        """By their paths, with texts in place of terms."""
        audiences = {**self.conditions, **{name: {"saved": True, "label": name} for name in self.saved}}
        whole: dict[str, Document] = {
            "parcours": {
                "project": "drawn",
                "timezone": self.timezone,
                "policies": self.policies,
                "holdouts": self.holdouts,
            },
            "profile": {"traits": self.traits},
            "events": {"events": self.events},
            "audiences": {"audiences": audiences},
            "tables": {"tables": self.table_documents},
        }
        whole |= {f"messages/{name}": each for name, each in self.messages.items()}
        whole |= {f"campaigns/{each['campaign']}": each for each in self.campaigns}
        whole |= {f"journeys/{each['journey']}": each for each in self.journeys}
        return {path: written(_for_authors(each)) for path, each in whole.items()}

    @property
    def recorded(self) -> bytes:
        return b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in self.lines)

    def write(self, folder: Path) -> None:
        """Writes `project`, with the files of its tables, and the recording for `parcours simulate` beside it."""
        write_documents(folder / "project", self.documents())
        (folder / "events.ndjson").write_bytes(self.recorded)
        for name, content in self.files.items():
            path = folder / "project" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _for_authors(document: Document) -> Document:
    """Without what steps say to the model alone: the sets whose sizes they ask for."""
    if "campaign" not in document:
        return document
    steps = [{key: value for key, value in step.items() if key != "sizes"} for step in document["steps"]]
    return {**document, "steps": steps}


def is_observing(step: Document) -> bool:
    return "export" in step and str(step["export"]["file"]).startswith(OBSERVED)
