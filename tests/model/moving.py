"""A model of people who move between shards, and of the lines that are written meanwhile.

Durable state of a shard changes only in a commit, and a crash anywhere loses everything else. Messages between shards
are numbered; whatever is sent is lost, doubled or late. A router has several batches under way to each shard. The
bookkeeping is the engine's own: `Positions` and `Deferrals` of a shard, `HeldLines` of a router. What a person is, and
how she moves, is as small as it can be here: a list of the messages applied to her.
"""

from __future__ import annotations

import pickle
import random
from collections import Counter

from tests.model.movers import HOME, SHARDS, Applied, Line, Message, ModelRouter, ModelShard, Mutant, State

from parcours.config import Settings

KNOWN = ("u", "v", "w")
STEPS_MAX = 60_000
LINES = 40


class World:
    """Everything, and chance."""

    def __init__(self, seed: int, mutant: Mutant | None = None) -> None:
        self.chance = chance = random.Random(seed)
        self.mutant = mutant
        self.settings = Settings(
            batches_in_flight_max=chance.choice([2, 4]),
            deferred_names_max=chance.choice([1, 2, 1_000]),
            later_max_s=chance.choice([2, 30, 1_000]),
        )
        self.shards = [ModelShard(number, self.settings, mutant) for number in range(SHARDS)]
        self.routers = [ModelRouter(name, self.settings, mutant) for name in ("r", "s")]
        self.net: list[Message] = []
        self.log: list[Applied] = []
        self.figures: Counter[str] = Counter()
        self.now_s = 0.0
        self.born = 0
        self.to_hand_in: list[Line] = [self._line(message) for message in range(LINES)]
        self.open: list[dict[int, Line]] = [{}, {}]
        """Of each router: what it has not acknowledged."""
        self.repeats = 12

    def _line(self, message: int) -> Line:
        roll = self.chance.random()
        if roll < 0.5:
            return Line(message, self.chance.choice(["@a", "@a", "@b"]))
        return Line(message, self.chance.choice(KNOWN), self.chance.choice(["@a", "@b"]) if roll < 0.68 else None)

    def run(self) -> str | None:
        """What is wrong at the end, None if nothing is."""
        for _ in range(STEPS_MAX):
            try:
                self._step()
            except AssertionError as error:
                return f"assertion: {error}"
            if self._is_over():
                return self._wrong()
        return "it does not settle"

    def _is_over(self) -> bool:
        if self.to_hand_in or any(self.open) or self.net:
            return False
        return all(shard.is_up and not any(shard.state().sent.values()) for shard in self.shards)

    def _step(self) -> None:
        chance = self.chance
        self.now_s += chance.random() * 0.02
        roll = chance.random()
        for shard in self.shards:
            if not shard.is_up and chance.random() < 0.3:
                shard.open()
        if roll < 0.005:
            self._crash(chance.choice(self.shards))
        elif roll < 0.008 and self.figures["routers lost"] < 3:
            self._lose_router(chance.randrange(2))
        elif roll < 0.12:
            self._hand_in()
        elif roll < 0.35:
            self._send(chance.randrange(2), chance.randrange(SHARDS))
        elif roll < 0.45:
            self._carry(chance.choice(self.shards))
        elif self.net:
            self._arrive(self.net.pop(chance.randrange(len(self.net))))

    def _crash(self, shard: ModelShard) -> None:
        shard.is_up = False
        self.figures["crashes"] += 1

    def _lose_router(self, place: int) -> None:
        """Its batches may still be on their way; clients hand in again what they have no answer for."""
        self.figures["routers lost"] += 1
        self.born += 1
        name = f"{self.routers[place].name[0]}{self.born}"
        self.routers[place] = ModelRouter(name, self.settings, self.mutant)
        for line in self.open[place].values():
            self.routers[place].hand_in(line)

    def _hand_in(self) -> None:
        chance = self.chance
        for _ in range(chance.choice([1, 1, 4])):
            if not self.to_hand_in:
                return
            line = self.to_hand_in.pop(0)
            place = chance.randrange(2)
            self.open[place][line.message] = line
            self.routers[place].hand_in(line)
            if self.repeats and chance.random() < 0.4:  # a client that does not wait long says it once more, later
                self.repeats -= 1
                self.to_hand_in.insert(chance.randint(0, len(self.to_hand_in)), line)

    def _send(self, place: int, shard: int) -> None:
        router, chance = self.routers[place], self.chance
        for line in router.expired(self.now_s):
            self.figures["too late"] += 1
            router.hand_in(line)
        batch = router.load(shard, chance.choice([1, 2, 5]), self.now_s)
        if batch is None or chance.random() < 0.2:
            flights = router.flights[shard]
            if not flights:
                return
            batch = flights[min(flights) if chance.random() < 0.7 else chance.choice(list(flights))].batch
        self._post(("batch", router.name, shard, batch))

    def _carry(self, shard: ModelShard) -> None:
        sent = [(to, number, message) for to, each in shard.state().sent.items() for number, message in each.items()]
        if shard.is_up and sent:
            oldest = min(number for _, number, _ in sent)
            likely = [each for each in sent if each[1] == oldest] if self.chance.random() < 0.7 else sent
            to, number, message = self.chance.choice(likely)
            self._post(("message", shard.number, to, number, message))

    def _post(self, thing: Message) -> None:
        if self.chance.random() < 0.15:
            return
        self.net.append(thing)
        if self.chance.random() < 0.15:
            self.net.append(thing)

    def _commit(self, shard: ModelShard, state: State) -> bool:
        """Whether whoever is to hear of it does."""
        if self.chance.random() < 0.04:
            self._crash(shard)
            return False
        shard.disk = pickle.dumps(state)
        if self.chance.random() < 0.04:
            self._crash(shard)
            return False
        return True

    def _arrive(self, thing: Message) -> None:
        match thing:
            case ("batch", router, to, batch):
                if (shard := self.shards[to]).is_up:
                    answer, state, applied = shard.take(batch)
                    before = shard.disk
                    heard = state is None or self._commit(shard, state)
                    if shard.disk != before:
                        self.log += applied
                        self.figures.update(each.verdict for each in answer.deferred)
                        self.figures["with all others"] += sum(each.with_others for each in answer.deferred)
                    if heard:
                        self._post(("answer", router, to, answer))
            case ("answer", router, shard_number, answer):
                for place, each in enumerate(self.routers):
                    if each.name == router:
                        for line in each.answered(shard_number, answer, self.now_s):
                            self.open[place].pop(line.message, None)
            case ("message", sender, to, number, message):
                if (shard := self.shards[to]).is_up:
                    state = shard.hear(sender, number, message)
                    if state is None or self._commit(shard, state):
                        if number <= shard.state().taken.get(sender, 0):
                            self._post(("taken", sender, to, number))
                    if state is not None:
                        self.figures[message[0]] += 1
            case ("taken", sender, to, number):
                if (shard := self.shards[sender]).is_up:
                    state = shard.state()
                    if state.sent.get(to, {}).pop(number, None):
                        self._commit(shard, state)
            case _:
                raise AssertionError(thing)

    def _wrong(self) -> str | None:
        states = [shard.state() for shard in self.shards]
        found = Counter(each for state in states for events in state.people.values() for each in events)
        for message in range(LINES):
            if found[message] != 1:
                return f"message {message} is applied {found[message]} times"
        if any(state.moved_meanwhile for state in states):
            return "somebody has moved who was to stand still"
        if any(state.still or state.returning for state in states):
            return "somebody stands still, or is still returning"
        for state in states:
            for name, person in state.owner_of.items():
                if states[HOME[person]].names.get(name) != person:
                    return f"{name} has gone to {person}, who does not know of it"
            for name, person in state.names.items():
                if states[HOME[name]].owner_of.get(name) != person:
                    return f"{person} thinks she has {name}"
        newest: dict[tuple[str, str], int] = {}
        for router, number, written, message in self.log:
            if number < newest.get((router, written), 0):
                return f"message {message} of {written} by {router} was overtaken"
            newest[router, written] = number
        return None
