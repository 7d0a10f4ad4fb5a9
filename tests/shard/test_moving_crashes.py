"""A shard ends in the middle of a move: before or after each commit of either, and with its answer lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import pytest
from tests.shard.crashing_world import CrashingWorld
from tests.shard.moving_world import name_in
from tests.shard.peer_world import Crash, CrashingStore

from parcours.config import SECOND_MS
from parcours.core.effect import Outgoing
from parcours.core.fact import Merged, Moved
from parcours.core.profile import Profile
from parcours.errors import StoreBroken, StoreBusy
from parcours.journey.project import Project
from parcours.shard.messages import LineOutcome
from parcours.shard.shard import Shard

U, A = 0, 1
ANNA, BERT = name_in(U, 2, "anna"), name_in(U, 2, "bert")
VISITOR = name_in(A, 2, "@anonymous/v")


@pytest.fixture
def world(new_shop: Callable[..., Project]) -> CrashingWorld:
    return CrashingWorld(new_shop(history="used"))


def start(world: CrashingWorld, message_id: str, name: str = VISITOR) -> LineOutcome | None:
    """A cart is begun, which is a run of its own."""
    ids = {"anonymousId": name[11:]} if name.startswith("@") else {"userId": name}
    return world.say(message_id, type="track", event="Started", properties={"cart": message_id}, **ids)


def log_in(world: CrashingWorld, message_id: str, user: str = ANNA) -> LineOutcome | None:
    return world.say(
        message_id, type="identify", userId=user, anonymousId=VISITOR[11:], traits={"email": "a@b.example"}
    )


def carts(world: CrashingWorld, name: str) -> list[str]:
    return sorted("".join(filter(str.isdigit, str(run.correlation))) for run in world.profile(name).runs)


# Everywhere


def merge(world: CrashingWorld) -> None:
    """A visitor with a cart logs in, and goes on under both names."""
    line = {"type": "track", "event": "Started"}
    world.hand_in("1", **line, properties={"cart": "1"}, anonymousId=VISITOR[11:])
    world.hand_in("2", type="identify", userId=ANNA, anonymousId=VISITOR[11:], traits={"email": "a@b.example"})
    world.hand_in("3", **line, properties={"cart": "3"}, anonymousId=VISITOR[11:])
    world.hand_in("4", **line, properties={"cart": "4"}, userId=ANNA)


def share(world: CrashingWorld) -> None:
    """Somebody else logs in at the same device, which is nobody's from then on."""
    merge(world)
    world.hand_in("5", type="identify", userId=BERT, anonymousId=VISITOR[11:], traits={})
    world.hand_in("6", type="track", event="Started", properties={"cart": "6"}, anonymousId=VISITOR[11:])
    world.hand_in("3", type="track", event="Started", properties={"cart": "3"}, anonymousId=VISITOR[11:])


def alias(world: CrashingWorld) -> None:
    """Nobody has the previous id yet: three questions are asked, one of them of the other shard."""
    world.hand_in("1", type="alias", userId=ANNA, previousId=VISITOR[11:])
    world.hand_in("2", type="track", event="Started", properties={"cart": "2"}, anonymousId=VISITOR[11:])


Life = Callable[[CrashingWorld], None]
LIVES: Final[tuple[Life, ...]] = (merge, share, alias)


def end_of(world: CrashingWorld, live: Life) -> tuple[dict[str, Profile], list[str]]:
    """Who is who in the end, and all that was told."""
    live(world)
    world.insist(world.settle)
    return {name: world.profile(name) for name in (ANNA, BERT, VISITOR)}, sorted(map(repr, world.facts()))


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("live", LIVES)
def test_a_crash_at_any_commit_of_either_changes_nothing(
    live: Life, when: Crash, new_shop: Callable[..., Project]
) -> None:
    shop = new_shop(history="used")
    undisturbed = end_of(CrashingWorld(shop), live)
    crashes = 0

    for shard in (U, A):
        crashes += sum(1 for _ in commits_that_end(shop, live, shard, when, undisturbed))

    assert crashes > 4


def commits_that_end(shop: Project, live: Life, shard: int, when: Crash, undisturbed: object) -> Iterator[int]:
    """Live once for each commit of the shard, which ends there."""
    for commit in range(1, 100):
        world = CrashingWorld(shop)
        world.crash_at(shard, commit, when)
        assert end_of(world, live) == undisturbed, f"shard {shard} ended {when} its commit {commit}"
        store = world.stores[shard]
        assert isinstance(store, CrashingStore)
        if store.crash is not None:
            return
        yield commit
    raise AssertionError("no life has so many commits")


# Row by row


@pytest.mark.parametrize("when", ["before", "after"])
def test_u_ends_at_the_commit_that_asks(world: CrashingWorld, when: Crash) -> None:
    start(world, "1")
    world.crash_at(U, 1, when)
    with pytest.raises(StoreBroken):
        log_in(world, "2")
    world.open_again()

    again = log_in(world, "2")

    assert again == (LineOutcome.ACCEPTED if when == "before" else LineOutcome.DUPLICATE)
    world.settle()
    assert carts(world, ANNA) == ["1"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_ends_at_the_commit_that_packs(world: CrashingWorld, when: Crash) -> None:
    start(world, "1")
    log_in(world, "2")
    world.crash_at(A, 1, when)
    with pytest.raises(StoreBroken):
        world.carry(U, A)
    world.open_again()

    told = start(world, "3")

    assert told == (LineOutcome.ACCEPTED if when == "before" else None), "she lives on there, or it is later"
    world.settle()
    assert carts(world, ANNA) == (["1", "3"] if when == "before" else ["1"])
    assert start(world, "4") == LineOutcome.ACCEPTED
    assert len(carts(world, ANNA)) == (3 if when == "before" else 2)


def test_a_lives_on_until_it_has_packed_though_u_ends(world: CrashingWorld) -> None:
    log_in(world, "1")
    world.reopen(U)

    assert start(world, "2") == LineOutcome.ACCEPTED
    assert start(world, "3", ANNA) is None, "she stands still"

    world.settle()
    assert carts(world, ANNA) == ["2"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_u_ends_at_the_commit_that_joins(world: CrashingWorld, when: Crash) -> None:
    start(world, "1")
    log_in(world, "2")
    world.carry(U, A)
    world.crash_at(U, 1, when)
    with pytest.raises(StoreBroken):
        world.carry(A, U)
    world.open_again()

    told = start(world, "3")

    assert told == (None if when == "before" else LineOutcome.ACCEPTED)
    world.settle()
    assert len([fact for fact in world.facts() if isinstance(fact, Merged)]) == 1
    assert world.profile(ANNA).counts == {"remind": 1 if when == "before" else 2}


def test_nothing_is_joined_twice_if_u_s_answer_is_lost(world: CrashingWorld) -> None:
    start(world, "1")
    log_in(world, "2")
    world.carry(U, A)
    package = world.each[A].exchanging.batch(U)
    assert package is not None
    for _ in world.each[U].exchanging.taking(package, world.now_ms):
        pass

    world.reopen(A)
    world.settle()
    for _ in world.each[U].exchanging.taking(package, world.now_ms):
        pass

    assert len([fact for fact in world.facts() if isinstance(fact, Merged)]) == 1
    assert carts(world, ANNA) == ["1"]


def cut_loose(world: CrashingWorld) -> None:
    """Anna had the visitor, and somebody else has just logged in there."""
    log_in(world, "1")
    world.settle()
    start(world, "2")
    log_in(world, "3", BERT)


FORGETS: Final = ((U, A), (A, U), (U, A))
"""Which shard speaks to which, one after the other: the question, `Forget` with the answer, `Forgotten`."""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("hop", range(len(FORGETS)), ids=["asked", "forget", "forgotten"])
def test_either_ends_while_a_name_is_asked_back(world: CrashingWorld, when: Crash, hop: int) -> None:
    cut_loose(world)
    for pair in FORGETS[:hop]:
        world.carry(*pair)
    sender, taker = FORGETS[hop]
    world.crash_at(taker, 1, when)
    with pytest.raises(StoreBroken):
        world.carry(sender, taker)
    world.open_again()

    told = start(world, "4")

    is_hers_still, is_back = (hop, when) == (0, "before"), (hop, when) == (2, "after")
    assert told == (LineOutcome.ACCEPTED if is_hers_still or is_back else None)
    world.settle()
    assert world.identity(VISITOR).shared
    assert world.identity(ANNA).names == world.identity(BERT).names == {}
    assert start(world, "2") == LineOutcome.DUPLICATE, "its id has come back with the name"
    entered = [fact for fact in world.facts() if isinstance(fact, Moved) and fact.what == "entered"]
    assert len(entered) == (1 if told is None else 2)


def answer_and_settle(world: CrashingWorld, claimed: tuple[int, int, Outgoing]) -> None:
    world.answer(claimed)
    world.settle()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("shard", [U, A], ids=["u", "a"])
def test_either_ends_while_a_receipt_is_told(world: CrashingWorld, when: Crash, shard: int) -> None:
    world.say("1", type="identify", anonymousId=VISITOR[11:], traits={"email": "v@shop.example"})
    world.say("2", type="track", event="Ordered", properties={}, anonymousId=VISITOR[11:])
    (claimed,) = world.claim()
    log_in(world, "3")
    world.settle()

    world.crash_at(shard, 1, when)
    with pytest.raises(StoreBroken):
        answer_and_settle(world, claimed)
    world.open_again()
    world.settle()

    (run,) = world.profile(ANNA).runs
    (delivery,) = run.deliveries
    assert delivery.state == ("unknown" if (shard, when) == (A, "before") else "sent")
    world.pass_ms(400 * SECOND_MS)
    again = [(each.key, each.attempt) for _, _, each in world.claim()]
    assert again == ([(claimed[2].key, 2)] if delivery.state == "unknown" else [])


@pytest.mark.parametrize("shard", [U, A], ids=["u", "a"])
def test_a_stale_copy_of_either_is_refused(world: CrashingWorld, shard: int) -> None:
    start(world, "1")
    log_in(world, "2")
    stale: Shard = world.each[shard]
    if shard == U:
        world.carry(U, A)
    batch = world.each[1 - shard].exchanging.batch(shard)
    assert batch is not None
    world.reopen(shard)

    with pytest.raises(StoreBusy):
        for _ in stale.exchanging.taking(batch, world.now_ms):
            pass

    world.settle()
    assert carts(world, ANNA) == ["1"]
    assert len([fact for fact in world.facts() if isinstance(fact, Merged)]) == 1
