"""The twin lives as the shard does where the two could differ without anybody's fault."""

from __future__ import annotations

import msgspec

from parcours.channel import Accepted, Feedback
from parcours.config import Settings
from parcours.core.fact import DeliveryReached
from parcours.segment.reports import feedback_line
from parcours.shard.messages import Batch
from parcours.testing.faults.disk import Claimed, Commit, Given, Unasked
from parcours.testing.faults.twin import Twin


def test_a_late_acceptance_counts_as_long_as_the_delivery_is_in_the_outbox() -> None:
    # given a mail in doubt after a crash, of which a reaction tells that it has arrived
    twin = Twin(Settings(), {})
    lines = [
        {"type": "identify", "userId": "p1", "traits": {"email": "p1@example.com"}, "messageId": "i"},
        {
            "type": "track",
            "event": "Ordered",
            "userId": "p1",
            "properties": {"cart": "a", "number": 1},
            "messageId": "m",
        },
    ]
    twin._owners = {msgspec.json.encode(line): "p1" for line in lines}
    twin.follow([commit(1, Batch("r", 1, [1, 2], list(twin._owners)))], 0)
    (key,) = {fact.key for fact in twin.facts["p1"] if isinstance(fact, DeliveryReached)}
    reported = feedback_line(Feedback(key=key, reaction="delivered"))
    twin._owners[reported] = "p1"
    twin.follow([commit(2, Claimed("p1", key)), commit(3, opens=True), commit(4, Batch("r", 2, [3], [reported]))], 0)

    # when its dispatcher, which has survived, says that it was accepted
    twin.follow([commit(5, Unasked(Accepted(key, "provider-1")))], 0)

    (delivery,) = twin.state("p1").runs[0].deliveries
    assert (delivery.state, delivery.provider_id) == ("delivered", "provider-1")


def commit(number: int, *given: Given, opens: bool = False) -> Commit:
    return Commit(number, 1, 1_000 * number, given, opens, [])
