"""A life of a shard that is handed an event which ends its process: `poisoned_life.py FOLDER`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

from parcours.config import Settings
from parcours.core.identity import SlotMap
from parcours.journey.model.document import (
    EventsDocument,
    JourneyDocument,
    MessageDocument,
    ProfileDocument,
    ProjectDocument,
)
from parcours.journey.project import Project
from parcours.shard.messages import Batch
from parcours.shard.shard import Shard
from parcours.store.sqlite import SqliteStore

DEADLY = "deadly@shop.example"


def normalize(channel: str, address: str, region: str | None) -> str:
    del channel, region
    if address == DEADLY:
        os._exit(9)
    return address


def ordered(person: str) -> list[bytes]:
    traits = {"email": f"{person}@shop.example"}
    calls: list[dict[str, object]] = [{"type": "identify", "traits": traits}, {"type": "track", "event": "Ordered"}]
    return [msgspec.json.encode(call | {"userId": person}) for call in calls]


def main(folder: Path) -> None:
    project = Project.of(
        ProjectDocument(project="shop"),
        ProfileDocument(traits={"email": "string"}),
        EventsDocument.model_validate({"events": {"Ordered": {}}}),
        messages=[
            MessageDocument.model_validate({"message": "thanks", "class": "transactional", "email": {"subject": "Hi"}})
        ],
        journeys=[
            JourneyDocument.model_validate(
                {"journey": "ship", "entry": {"event": "Ordered"}, "steps": [{"id": "thank", "send": "thanks"}]}
            )
        ],
    )
    store = SqliteStore(folder, 0)
    shard = Shard(0, SlotMap(1), project.program, store, Settings(), normalize=normalize)
    shard.open(1_000_000)
    if shard.profile("anna") is None:
        shard.take(Batch("before", 1, [1, 2, 3], [ordered(name)[0] for name in ("anna", "deadly", "bert")]), 1_000_000)
    orders = [ordered(name)[1] for name in ("anna", "deadly", "bert")]
    answer = shard.take(Batch("after", 1, [1, 2, 3], orders), 1_000_001)
    sys.stdout.write(" ".join(map(str, answer.outcomes)))
    store.close()


main(Path(sys.argv[1]))
