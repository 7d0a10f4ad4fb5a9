"""Does a shard know how much waits in its outbox, for each channel, whatever each delivery waits for?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import pytest

from parcours.channel import Accepted, Ambiguous, Feedback, NotSent, Refused
from parcours.config import MINUTE_MS, Settings
from parcours.core.effect import Outgoing
from parcours.core.input import Settlement
from parcours.journey.project import Project
from parcours.journey.publish.ledger import Verb, changed
from parcours.journey.publish.publications import Publications
from parcours.segment.reports import feedback_line
from parcours.shard.work import OutgoingHead

if TYPE_CHECKING:
    from tests.shard.conftest import Lines, World


def there(world: World) -> dict[str, int]:
    """The entries that really lie in the slots, by channel."""
    return dict(Counter(entry.channel for _, entry in world.shard._slots.outbox_entries()))


def test_the_head_of_an_entry_is_how_one_begins() -> None:
    head = OutgoingHead.__struct_fields__
    assert Outgoing.__struct_fields__[: len(head)] == head
    outgoing = Outgoing("k", "u", "j", 1, 2, "s", "email", "m", "marketing", "to", 3, {"profile": {}})
    decoded = msgspec.msgpack.decode(msgspec.msgpack.encode(outgoing), type=OutgoingHead)
    assert decoded.channel == "email"


@pytest.mark.parametrize(
    "answer", [Accepted, lambda k: NotSent(k, "busy"), lambda k: Refused(k, "no"), lambda k: Ambiguous(k, "?")]
)
def test_the_count_follows_every_entry_from_its_decision_to_its_end_and_across_a_crash(
    answer: Callable[[str], Settlement], new_world: Callable[..., World], lines: Lines
) -> None:
    world = new_world()

    def check() -> None:
        assert world.shard._leaving.outbox.full(1) == there(world)

    for person in ("anna", "bert", "carl"):
        world.take(lines.identify(person), lines.track(person, "Started"), lines.track(person, "Bought"))
        check()
    (claimed, *_) = world.claim(2)
    check()
    world.settle(answer(claimed.key))
    check()
    world.reopen()
    check()
    for _ in range(3):
        world.pass_ms(6 * MINUTE_MS)
        world.settle(*[answer(each.key) for each in world.claim()])
        check()


BOUGHT, ORDERED = ("Started", "Bought"), ("Ordered",)
"""What anna does for a transactional mail: of a run that is over at once, and of one that stays open."""


def in_doubt(world: World, lines: Lines, events: tuple[str, ...]) -> str:
    """The key of the mail to anna for these events, of which only a reaction could tell whether it has arrived."""
    world.take(lines.identify("anna"), *(lines.track("anna", event) for event in events))
    (outgoing,) = world.claim()
    world.settle(Ambiguous(outgoing.key, "the connection broke"))
    return outgoing.key


@pytest.mark.parametrize("verb", ["resume", "stop"])
@pytest.mark.parametrize("journey, events", [("remind", BOUGHT), ("ship", ORDERED)])
@pytest.mark.parametrize("kept", ["claim", "retry"])
def test_a_delivery_that_a_pause_keeps_is_out_when_it_ends_if_a_reaction_has_told_of_it(
    new_world: Callable[..., World],
    new_shop: Callable[..., Project],
    lines: Lines,
    verb: Verb,
    kept: str,
    journey: str,
    events: tuple[str, ...],
) -> None:
    # given a mail in doubt, whose retry falls due in a pause of its journey, or a claim of it comes then
    world = new_world(project=new_shop())
    key = in_doubt(world, lines, events)
    if kept == "claim":
        world.pass_ms(10 * MINUTE_MS)
    change(world, "pause", journey)
    world.pass_ms(10 * MINUTE_MS)
    assert world.claim() == []

    # when it is known from a reaction that it has arrived, and the pause ends
    world.take(feedback_line(Feedback(key=key, reaction="delivered")))
    assert there(world) == {"email": 1}, "a late receipt may still come"
    world.now_ms += 1
    change(world, verb, journey)
    world.pass_ms(1)
    world.pass_ms(1)

    assert world.states("anna") == ["delivered"]
    assert world.shard._leaving.outbox.full(1) == there(world) == {}
    world.reopen()
    assert there(world) == {}


def test_a_delivery_that_a_reaction_has_told_of_is_out_when_its_run_is_left(world: World, lines: Lines) -> None:
    # given a mail in doubt of an open run, and that it has arrived
    key = in_doubt(world, lines, ORDERED)
    world.take(feedback_line(Feedback(key=key, reaction="delivered")))
    assert there(world) == {"email": 1}, "a late receipt may still come"

    # when the run is left, and nothing of it is tried again
    world.take(lines.track("anna", "Emptied"))
    world.pass_ms(10 * MINUTE_MS)

    assert world.states("anna") == ["delivered"]
    assert world.shard._leaving.outbox.full(1) == there(world) == {}


def change(world: World, verb: Verb, journey: str) -> None:
    before = world.shard.holding().publications
    world.shard.publish(Publications(changed(before.ledger, verb, journey, world.now_ms), before.sources))


@pytest.mark.parametrize("outbox_full, refuses", [("keep", False), ("refuse", True)])
def test_a_full_outbox_is_a_trouble_and_events_are_refused_only_where_that_is_asked_for(
    outbox_full: str, refuses: bool, new_world: Callable[..., World], lines: Lines
) -> None:
    world = new_world(settings=Settings.model_validate({"outbox_max": 2, "outbox_full": outbox_full}))
    for person in ("anna", "bert"):
        assert world.shard.standing.refuses() is None and world.shard.standing.troubles(world.now_ms) == []
        world.take(lines.identify(person), lines.track(person, "Started"), lines.track(person, "Bought"))

    told = "2 deliveries wait for the channel 'email', and outbox_max=2"
    assert world.shard.standing.troubles(world.now_ms) == [told]
    assert world.shard.standing.refuses() == world.shard.status().refuses == (told if refuses else None)
    world.settle(Accepted(world.claim(1)[0].key))
    assert world.shard.standing.refuses() is None and world.shard.standing.troubles(world.now_ms) == []
