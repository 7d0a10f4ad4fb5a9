"""The twin lives as the shard does where the two could differ without anybody's fault."""

from __future__ import annotations

import msgspec
import pytest

from parcours.channel import Accepted, Feedback
from parcours.config import Settings
from parcours.core.fact import DeliveryReached
from parcours.journey.publish.ledger import changed
from parcours.journey.publish.publications import Publications, begun
from parcours.segment.reports import feedback_line
from parcours.shard.messages import Batch
from parcours.testing.faults.disk import Claimed, Commit, Given, Unasked
from parcours.testing.faults.project import shop
from parcours.testing.faults.twin import Twin


def ordered() -> tuple[Twin, str]:
    """A twin of somebody who has ordered, and the key of the mail that is to be sent to her."""
    twin = Twin(Settings(), {})
    call = {"type": "track", "event": "Ordered", "userId": "p1", "properties": {"cart": "a", "number": 1}}
    lines = [
        {"type": "identify", "userId": "p1", "traits": {"email": "p1@example.com"}, "messageId": "i"},
        {**call, "messageId": "m"},
    ]
    twin._owners = {msgspec.json.encode(line): "p1" for line in lines}
    twin.follow([commit(1, Batch("r", 1, [1, 2], list(twin._owners)))], 0)
    (key,) = {fact.key for fact in twin.facts["p1"] if isinstance(fact, DeliveryReached)}
    return twin, key


def arrived(twin: Twin, key: str) -> Batch:
    """A provider's report of the delivery."""
    reported = feedback_line(Feedback(key=key, reaction="delivered"))
    twin._owners[reported] = "p1"
    return Batch("r", 2, [3], [reported])


def known_of_delivery(twin: Twin) -> tuple[str, str | None]:
    """Its state and its provider's id."""
    profile = twin.state("p1")
    (delivery,) = [each for run in (*profile.runs, *profile.past) for each in run.deliveries]
    return delivery.state, delivery.provider_id


IN_TIME_S, LATE_S = 302, 304
"""A little before a delivery in doubt since second 3 is sent again, and after it."""


@pytest.mark.parametrize(("at_s", "provider_id"), [(5, "provider-1"), (IN_TIME_S, "provider-1"), (LATE_S, None)])
def test_a_late_acceptance_counts_as_long_as_the_delivery_is_in_the_outbox(at_s: int, provider_id: str | None) -> None:
    # given a mail in doubt after a crash, of which a reaction tells that it has arrived
    twin, key = ordered()
    twin.follow([commit(2, Claimed("p1", key)), commit(3, opens=True), commit(4, arrived(twin, key))], 0)

    # when its dispatcher, which has survived, says that it was accepted; nobody tells the twin which timers have fired
    twin.follow([commit(at_s, Unasked(Accepted(key, "provider-1")))], 0)

    assert known_of_delivery(twin) == ("delivered", provider_id)


def test_a_late_acceptance_counts_while_nobody_has_claimed_the_retry_of_a_delivery_that_has_arrived() -> None:
    twin, key = ordered()
    twin.follow([commit(2, Claimed("p1", key)), commit(3, opens=True), commit(LATE_S, arrived(twin, key))], 0)

    twin.follow([commit(LATE_S + 1, Unasked(Accepted(key, "provider-1")))], 0)

    assert known_of_delivery(twin) == ("delivered", "provider-1")


def test_nobody_waits_after_a_restart_for_the_receipt_of_what_has_arrived_while_it_was_claimed() -> None:
    twin, key = ordered()
    twin.follow([commit(2, Claimed("p1", key)), commit(3, arrived(twin, key)), commit(4, opens=True)], 0)

    twin.follow([commit(5, Unasked(Accepted(key, "provider-1")))], 0)

    assert known_of_delivery(twin) == ("delivered", None)


def test_a_late_acceptance_counts_while_a_pause_keeps_the_claim_of_the_delivery() -> None:
    # given a mail in doubt whose retry was claimed in a pause, and that it has arrived
    twin, key = ordered()
    begin = begun(shop())
    paused = Publications(changed(begin.ledger, "pause", "order", 310_000), begin.sources)
    twin.follow([commit(2, Claimed("p1", key)), commit(3, opens=True), commit(310, paused)], 0)
    twin.follow([commit(311, Claimed("p1", key)), commit(312, arrived(twin, key))], 0)

    twin.follow([commit(313, Unasked(Accepted(key, "provider-1")))], 0)

    assert known_of_delivery(twin) == ("delivered", "provider-1")


def commit(number: int, *given: Given, opens: bool = False) -> Commit:
    """A record at the second of its number."""
    return Commit(number, 1, 1_000 * number, given, opens, [])
