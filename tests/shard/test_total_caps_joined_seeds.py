"""Total caps where people become one, by chance: whoever stands still loses nothing that is to leave or to come to her.

Each seed is a small life on three shards: visitors and known people ask for offers and are told something by mail, are
said to be one, and shards end and open again; dispatchers claim one by one, and answer when they like.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import pytest
from tests.projects import write_texts
from tests.shard.moving_world import MovingWorld, ids, name_in
from tests.shard.test_total_caps import FEW_MAX, SHOP

from parcours.core.effect import Outgoing
from parcours.core.fact import Decided, DeliveryReached, Moved
from parcours.core.offers.totals import TotalCount
from parcours.journey.project import Project
from parcours.shard.offer_totals import name_of_offer

SHARDS = 3
STEPS = 90
USERS = [name_in(shard, SHARDS, base) for shard, base in enumerate(("anna", "bert", "carl"))]
VISITORS = [name_in(shard, SHARDS, f"@anonymous/{base}") for shard, base in ((0, "v"), (1, "v"), (1, "w"), (2, "v"))]
OVER = {"sent", "cancelled", "failed", "refused"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder: Path = tmp_path_factory.mktemp("shop")
    events = "{properties: {cart: string}}"
    texts = {name: text.replace("reentry: always", "correlation: event.cart") for name, text in SHOP.items()}
    texts["events.yaml"] = f"events: {{Asked: {events}, Told: {events}, Gone: {{}}, Later: {events}}}\n"
    write_texts(folder, texts)
    return Project.load(folder)


class Life:
    """
    entered  events that were acknowledged, by which somebody enters a journey
    stood    how often a line had to come later
    """

    def __init__(self, shop: Project, seed: int) -> None:
        self.chance = Random(seed)
        self.world = MovingWorld(shop, SHARDS)
        self.entered = self.stood = 0
        self._claimed: list[tuple[int, int, Outgoing]] = []
        for name in VISITORS:
            self._call("identify", name, traits={"email": f"{name[11:]}@mail.example"})

    def run(self) -> None:
        for _ in range(STEPS):
            self._step()
        for _ in range(60):
            self.world.settle()
            self._claimed += self.world.claim()
            self._answer(1.0)
            self.world.pass_ms(600_000)

    def _step(self) -> None:
        chance, world = self.chance, self.world
        world.now_ms += chance.choice([0, 1, 100, 1_001])
        match chance.randrange(12):
            case 0 | 1 | 2 | 3:
                event = chance.choice(["Told", "Told", "Later", "Later", "Asked", "Gone"])
                taken = self._call(
                    "track", chance.choice([*USERS, *VISITORS]), event=event, properties={"cart": f"c{world.messages}"}
                )
                self.entered += taken and event != "Gone"
            case 4:
                user, visitor = chance.choice(USERS), chance.choice(VISITORS)[11:]
                world.say(type="identify", userId=user, anonymousId=visitor, traits={})
            case 5:
                world.say(type="alias", userId=chance.choice(USERS), previousId=chance.choice(VISITORS)[11:])
            case 6:
                world.pass_ms(1)
            case 7 | 8:
                world.carry(*chance.sample(range(SHARDS), 2))
            case 9:
                self._bring(*chance.sample(range(SHARDS), 2))
            case 10 if chance.random() < 0.3:
                world.reopen(chance.randrange(SHARDS))
            case _:
                self._claimed += world.claim(most=1)
                self._answer(0.5)

    def _call(self, kind: str, name: str, **call: object) -> bool:
        taken = self.world.say(None, type=kind, **ids(name), **call) is not None
        self.stood += not taken
        return taken

    def _bring(self, sender: int, to: int) -> None:
        """The answer is lost, so all of it comes again."""
        if (batch := self.world.each[sender].exchanging.batch(to)) is not None:
            for _ in self.world.each[to].exchanging.taking(batch, self.world.now_ms):
                pass

    def _answer(self, share: float) -> None:
        """Answer for this share of what is claimed; of what a shard has forgotten meanwhile it makes nothing."""
        for each in [each for each in self._claimed if self.chance.random() < share]:
            self._claimed.remove(each)
            self.world.answer(each, sent=self.chance.random() < 0.8)


@pytest.mark.parametrize("seed", range(100))
def test_whoever_stands_still_loses_nothing_that_is_to_leave_or_to_come(shop: Project, seed: int) -> None:
    life = Life(shop, seed)
    life.run()

    facts, shards = life.world.facts(), life.world.each
    began = [each for each in facts if isinstance(each, Moved) and each.what == "entered"]
    told = [each for each in facts if isinstance(each, DeliveryReached)]
    over = Counter(each.key for each in told if each.outcome in OVER)
    assert len(began) == life.entered and life.stood
    assert over.keys() == {each.key for each in told} and set(over.values()) <= {1}
    assert not any(shard._slots.outbox_entries() or len(shard.asking._stash) or shard._names.still for shard in shards)
    steps = [each.origin.split("/")[0] for each in facts if isinstance(each, Decided)]
    assert steps.count("ask") == sum(each.journey == "ask" for each in began)
    counts = shards[life.world.slot_map.shard(name_of_offer("few"))].asking.totals.counts
    kept = {name: life.world.profile(name).offers for name in (*USERS, *VISITORS)}
    held = sum(each.offer == "few" for offers in kept.values() if offers for each in offers.propositions)
    assert held == counts.get("few", TotalCount()).ever <= FEW_MAX
