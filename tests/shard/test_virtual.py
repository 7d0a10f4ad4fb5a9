"""Under virtual time a person's clock stands still while a delivery of hers is under way, and goes on afterwards."""

from __future__ import annotations

import msgspec
import pytest
from tests.shard.recorded_batches import recorded_batch

from parcours.channel import Refused
from parcours.config import Settings
from parcours.core.identity import SlotMap
from parcours.journey.model.document import (
    AudiencesDocument,
    EventsDocument,
    JourneyDocument,
    MessageDocument,
    ProfileDocument,
    ProjectDocument,
)
from parcours.journey.project import Project
from parcours.shard.requests import ExchangeDeliveries
from parcours.shard.shard import Shard
from parcours.shard.timekeeping import VirtualTime
from parcours.store.memory import MemoryStore

AT = "2026-01-01T10:00:0%d.000Z"

FIRST = {
    "journey": "first",
    "priority": 90,
    "entry": {"event": "Started"},
    "exit": [{"audience": "staff"}],
    "steps": [
        {"id": "write", "send": "note"},
        {"id": "listen", "wait_for": [{"reaction": "failed", "of": "write", "next": "again"}]},
        {"id": "again", "send": "note"},
        {"id": "stay", "wait": "1d"},
    ],
}

SECOND = {
    "journey": "second",
    "entry": {"event": "Started"},
    "steps": [
        {"id": "write", "send": "note"},
        {"id": "listen", "wait_for": [{"reaction": "failed", "of": "write", "next": "hire"}]},
        {"id": "hire", "update": {"role": '"staff"'}},
    ],
}


@pytest.fixture
def shard() -> Shard:
    """A shard under virtual time, whose deliveries leave for a dispatcher."""
    project = Project.of(
        ProjectDocument.model_validate({"project": "shop", "policies": {"consent": {"default": "opt_out"}}}),
        ProfileDocument.model_validate({"traits": {"email": "string", "role": "string"}}),
        EventsDocument.model_validate({"events": {"Started": {}}}),
        AudiencesDocument(audiences={"staff": 'profile.role == "staff"'}),
        [MessageDocument.model_validate({"message": "note", "email": {"text": "Hello"}})],
        [JourneyDocument.model_validate(journey) for journey in (FIRST, SECOND)],
    )
    shard = Shard(0, SlotMap(1), project.program, MemoryStore(), Settings(), time=VirtualTime())
    shard.open(0)
    return shard


def line(second: int, **call: object) -> bytes:
    return msgspec.json.encode({"userId": "sarah", "timestamp": AT % second, **call})


def test_a_delivery_that_is_cancelled_before_its_claim_keeps_nobody_waiting(shard: Shard) -> None:
    known = line(0, type="identify", traits={"email": "s@shop.example"})
    shard.take(recorded_batch("router", 1, [1, 2], [known, line(1, type="track", event="Started")]), 0)
    both = [outgoing.key for outgoing in shard.exchange(ExchangeDeliveries([], "email", 10, "d", 1), 0).outgoing]

    # The first refusal has `again` queued; the second makes her staff at the same instant, which ends that run.
    shard.exchange(ExchangeDeliveries([(1, Refused(key, "no")) for key in both], "email", 0, "d", 2), 0)
    assert (len(both), shard.ready(), shard.status().standing_still) == (2, {"email": 1}, 1)
    claims = shard.exchange(ExchangeDeliveries([], "email", 10, "d", 3), 0)
    shard.take(recorded_batch("router", 2, [3], [line(2, type="identify", traits={"role": "guest"})]), 0)

    assert (claims.outgoing, claims.more, shard.status().standing_still) == ([], False, 0)
    profile = shard.profile("sarah")
    assert profile is not None and profile.traits["role"] == "guest"
