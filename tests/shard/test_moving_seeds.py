"""Moves between shards under crashes: whatever happens between two messages, nothing is lost, doubled or two people's.

Each seed is a small life: visitors and known people do things, log in, share a device, and shards end and open again
between any two of their commits. What is acknowledged has to be there once, whatever name it was written under.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest
from tests.shard.moving_world import MovingWorld, name_in

from parcours.core.fact import Moved
from parcours.core.profile import Profile
from parcours.journey.project import Project
from parcours.shard.messages import LineOutcome

SHARDS = 3
STEPS = 60


class Life:
    """One seed."""

    def __init__(self, shop: Project, seed: int) -> None:
        self.chance = random.Random(seed)
        self.world = MovingWorld(shop, SHARDS)
        self.known = [name_in(shard, SHARDS, base) for shard, base in enumerate(("anna", "bert", "carl"))]
        self.visitors = [name_in(shard, SHARDS, "@anonymous/v") for shard in (0, 1, 1, 2)]
        self.visitors[2] = name_in(1, SHARDS, "@anonymous/w")
        self.orders: dict[str, str] = {}
        """By message id, under what name it was acknowledged."""
        self.figures = Counter[str]()

    def run(self) -> None:
        for _ in range(STEPS):
            self._step()
        for _ in range(100):
            self.world.settle()
            if not self.world.standing_still():
                break
        self._check()

    def _step(self) -> None:
        chance, world = self.chance, self.world
        world.now_ms += chance.choice([0, 1, 500])
        roll = chance.random()
        if roll < 0.3:
            self._order(chance.choice([*self.visitors, *self.known]))
        elif roll < 0.45:
            self._link(chance.choice(self.known), chance.choice(self.visitors))
        elif roll < 0.5:
            self._alias(chance.choice(self.known), chance.choice([*self.known, *self.visitors]))
        elif roll < 0.75:
            world.carry(*chance.sample(range(SHARDS), 2))
        elif roll < 0.85:
            self._lose_an_answer(*chance.sample(range(SHARDS), 2))
        elif roll < 0.92:
            world.reopen(chance.randrange(SHARDS))
            self.figures["crashes"] += 1
        else:
            self._send()

    def _order(self, name: str) -> None:
        chance = self.chance
        again = chance.random() < 0.3 and self.orders
        message_id = chance.choice(sorted(self.orders)) if again else f"o{self.world.messages}"
        name = self.orders.get(message_id, name)
        outcome = self.world.say(
            message_id, type="track", event="Started", properties={"cart": message_id}, **_ids(name)
        )
        if outcome is not None:
            assert outcome == (LineOutcome.DUPLICATE if message_id in self.orders else LineOutcome.ACCEPTED)
            self.orders[message_id] = name
        else:
            self.figures["later"] += 1

    def _link(self, user: str, visitor: str) -> None:
        outcome = self.world.identify(user, visitor, email=f"{user}@shop.example")
        self.figures["identified"] += outcome is not None

    def _alias(self, user: str, previous: str) -> None:
        if previous != user:
            self.world.say(type="alias", userId=user, previousId=previous.removeprefix("@anonymous/"))

    def _lose_an_answer(self, sender: int, to: int) -> None:
        """The peer takes messages, and ends before it can say so."""
        batch = self.world.each[sender].exchanging.batch(to)
        if batch is not None:
            for _ in self.world.each[to].exchanging.taking(batch, self.world.now_ms):
                pass
            self.world.reopen(to)
            self.figures["answers lost"] += 1

    def _send(self) -> None:
        """A dispatcher claims what is ready, and answers for some of it now."""
        for claimed in self.world.claim():
            if self.chance.random() < 0.6:
                self.world.answer(claimed, sent=self.chance.random() < 0.8)

    def _check(self) -> None:
        world = self.world
        assert not world.standing_still()
        people = {name: world.profile(name) for name in (*self.known, *self.visitors)}
        entries = [fact for fact in world.facts() if isinstance(fact, Moved) and fact.what == "entered"]
        assert len(entries) == len(self.orders), "each order that was acknowledged began one run, and no other did"
        origins = Counter(
            (run.origin.name, run.origin.number) if run.origin else (name, run.number)
            for name, profile in people.items()
            for run in (*profile.runs, *profile.past)
        )
        assert not [origin for origin, count in origins.items() if count > 1], "no run is two people's"
        for name, profile in people.items():
            self._check_names(name, profile, people)
        self.figures["merged"] += sum(len(each.identity.names) for each in people.values() if each.identity)

    def _check_names(self, name: str, profile: Profile, people: dict[str, Profile]) -> None:
        identity = profile.identity
        if identity is None:
            return
        assert not identity.returning, "whoever was asked back has come"
        if identity.moved_to is not None:
            owner = people[identity.moved_to].identity
            assert owner is not None and name in owner.names
            assert not profile.runs
        for each in identity.names:
            known = people[each].identity
            assert known is not None and known.moved_to == name


def _ids(name: str) -> dict[str, object]:
    return {"anonymousId": name[11:]} if name.startswith("@") else {"userId": name}


@pytest.mark.parametrize("history", ["used", "unused"])
@pytest.mark.parametrize("part", range(4))
def test_nothing_is_lost_doubled_or_two_people_s(part: int, history: str, new_shop: Callable[..., Project]) -> None:
    shop = new_shop(history=history)
    figures = Counter[str]()
    for seed in range(part * 25, part * 25 + 25):
        life = Life(shop, seed)
        try:
            life.run()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        figures += life.figures
    assert min(figures[what] for what in ("merged", "crashes", "later", "answers lost")) > 0
