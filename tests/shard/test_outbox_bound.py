"""Does a shard know how much waits in its outbox, for each channel, whatever each delivery waits for?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import pytest

from parcours.channel import Accepted, Ambiguous, NotSent, Refused
from parcours.config import MINUTE_MS, Settings
from parcours.core.effect import Outgoing
from parcours.core.input import Settlement
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


@pytest.mark.parametrize("outbox_full, refuses", [("keep", False), ("refuse", True)])
def test_a_full_outbox_is_a_trouble_and_events_are_refused_only_where_that_is_asked_for(
    outbox_full: str, refuses: bool, new_world: Callable[..., World], lines: Lines
) -> None:
    world = new_world(settings=Settings.model_validate({"outbox_max": 2, "outbox_full": outbox_full}))
    for person in ("anna", "bert"):
        assert world.shard.refuses() is None and world.shard.standing.troubles(world.now_ms) == []
        world.take(lines.identify(person), lines.track(person, "Started"), lines.track(person, "Bought"))

    told = "2 deliveries wait for the channel 'email', and outbox_max=2"
    assert world.shard.standing.troubles(world.now_ms) == [told]
    assert world.shard.refuses() == world.shard.status().refuses == (told if refuses else None)
    world.settle(Accepted(world.claim(1)[0].key))
    assert world.shard.refuses() is None and world.shard.standing.troubles(world.now_ms) == []
