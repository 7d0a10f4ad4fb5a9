"""What a shard and a router do in the model of people who move (moving.py)."""

from __future__ import annotations

import pickle
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from parcours.config import Settings
from parcours.routing.held import HeldLine, HeldLines
from parcours.shard.deferrals import Deferrals
from parcours.shard.messages import Again, Answer, Batch, LineOutcome, Verdict
from parcours.shard.positions import Positions

Mutant: TypeAlias = Literal[
    "does not stand still", "router remembers moved", "no ids come back", "no back", "later lines are taken",
    "joined twice", "no returning", "free too early",
]  # fmt: skip
Message: TypeAlias = tuple[Any, ...]

HOME = {"@a": 0, "@b": 0, "u": 1, "v": 2, "w": 0}
SHARDS = 3


@dataclass
class State:
    """What a shard has on disk."""

    people: dict[str, list[int]] = field(default_factory=dict)
    joined: Counter[tuple[str, str]] = field(default_factory=Counter)
    owner_of: dict[str, str] = field(default_factory=dict)
    returning: set[str] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)
    still: dict[str, str] = field(default_factory=dict)
    moved_meanwhile: set[str] = field(default_factory=set)
    """Who was not, between an identify and its answer, as she had been."""
    names: dict[str, str] = field(default_factory=dict)
    """Of people here: a name that came to her."""
    ids: dict[str, set[int]] = field(default_factory=dict)
    own: dict[str, bytes] = field(default_factory=dict)
    sent: dict[int, dict[int, Message]] = field(default_factory=dict)
    last_sent: dict[int, int] = field(default_factory=dict)
    taken: dict[int, int] = field(default_factory=dict)
    record: int = 0

    def send(self, to: int, message: Message) -> None:
        number = self.last_sent[to] = self.last_sent.get(to, 0) + 1
        self.sent.setdefault(to, {})[number] = message


@dataclass(frozen=True)
class Line:
    """A line of a client: `links` is the name that an identify links."""

    message: int
    written: str
    links: str | None = None

    def encoded(self) -> bytes:
        return pickle.dumps(self)


Applied: TypeAlias = tuple[str, int, str, int]
"""Router, line number, written name and message."""


class Free(Deferrals):
    """A mutant: later lines of a deferred name are taken."""

    def has_to_wait(self, place: int, name: str) -> bool:
        return False


class ModelShard:
    """One shard: a crash throws away all but `disk`."""

    def __init__(self, number: int, settings: Settings, mutant: Mutant | None) -> None:
        self.number, self.settings, self.mutant = number, settings, mutant
        self.disk = pickle.dumps(State())
        self.is_up = True
        self.positions = Positions(settings)

    def open(self) -> None:
        self.is_up = True
        self.positions = Positions(self.settings)
        self.positions.restore(self.state().own)

    def state(self) -> State:
        state: State = pickle.loads(self.disk)
        return state

    def take(self, batch: Batch) -> tuple[Answer, State | None, list[Applied]]:
        """The answer, what has to be committed before it leaves, and what is applied with that."""
        known = self.positions.outcomes(batch)
        if known is not None:
            return Answer(batch.number, known, deferred=self.positions.deferred(batch)), None, []
        if batch.number != (expected := self.positions.expected(batch.router)):
            return Answer(batch.number, expected=expected), None, []
        state, applied = self.state(), list[Applied]()
        deferrals = self.positions.deferrals(batch)
        if self.mutant == "later lines are taken":
            deferrals.__class__ = Free
        outcomes = bytearray(len(batch.lines))
        for place, text in enumerate(batch.lines):
            line: Line = pickle.loads(text)
            again = batch.again[place] if place < len(batch.again) else None
            assert again is None or again.name == line.written
            verdict, owner = self._judge(state, line, again.owner if again else None)
            if verdict == "duplicate":
                outcomes[place] = LineOutcome.DUPLICATE
            elif verdict is not None:
                is_first = place < len(batch.again) or not deferrals.has_to_wait(place, line.written)
                deferrals.defer(place, line.written, verdict if is_first else "later", owner if is_first else None)
            elif deferrals.has_to_wait(place, line.written):
                deferrals.defer(place, line.written, "later")
            else:
                self._apply(state, line, again.owner if again and again.owner else line.written)
                applied.append((batch.router.split("-")[0], batch.line_numbers[place], line.written, line.message))
        state.record += 1
        name, entry = self.positions.advance(batch, bytes(outcomes), state.record, deferrals)
        state.own[name] = entry
        return Answer(batch.number, bytes(outcomes), deferred=deferrals.deferred), state, applied

    def _judge(
        self, state: State, line: Line, owner: str | None
    ) -> tuple[Verdict | Literal["duplicate"] | None, str | None]:
        name = line.written
        if owner is None:
            if line.message in state.ids.get(name, ()):
                return "duplicate", None
            if name in state.returning:
                return "later", None
            if name in state.owner_of:
                return "moved", state.owner_of[name]
        elif state.names.get(name) == owner and line.message in state.ids.get(f"{name} of {owner}", ()):
            return "duplicate", None
        person = owner or name
        if person in state.still and self.mutant != "does not stand still":
            return "later", None
        if owner is not None and state.names.get(name) != owner and self.mutant != "no back":
            return "back", None
        return None, None

    def _apply(self, state: State, line: Line, person: str) -> None:
        key = line.written if person == line.written else f"{line.written} of {person}"
        state.ids.setdefault(key, set()).add(line.message)
        if person in state.still:
            state.moved_meanwhile.add(person)
        state.people.setdefault(person, []).append(line.message)
        if line.links and state.names.get(line.links) != person:
            state.still[person] = line.links
            state.send(HOME[line.links], ("ask", line.links, person))

    def hear(self, sender: int, number: int, message: Message) -> State | None:
        """A message of another shard; None if it has been taken, or another comes next."""
        state = self.state()
        last = state.taken.get(sender, 0)
        if number != last + 1 and not (self.mutant == "joined twice" and number <= last):
            return None
        state.taken[sender] = max(number, last)
        match message:
            case ("ask", name, person):
                self._leave(state, sender, name, person)
            case ("package", name, person, history):
                state.people.setdefault(person, []).extend(history)
                state.names[name] = person
                state.still.pop(person, None)
            case ("not merged", name, person):
                state.still.pop(person, None)
            case ("forget", name, person):
                state.names.pop(name, None)
                ids = state.ids.pop(f"{name} of {person}", set())
                state.send(sender, ("forgotten", name, set() if self.mutant == "no ids come back" else ids))
            case ("forgotten", name, ids):
                state.returning.discard(name)
                state.ids.setdefault(name, set()).update(ids)
            case _:
                raise AssertionError(message)
        return state

    def _leave(self, state: State, asks: int, name: str, person: str) -> None:
        owner = state.owner_of.get(name)
        if owner is not None and owner != person:
            state.send(HOME[owner], ("forget", name, owner))
            del state.owner_of[name]
            state.shared.add(name)
            if self.mutant != "no returning":
                state.returning.add(name)
        if owner is not None or name in state.shared:
            state.send(asks, ("not merged", name, person))
        else:
            state.owner_of[name] = person
            state.send(asks, ("package", name, person, state.people.pop(name, [])))


@dataclass
class Flight:
    batch: Batch
    held: list[HeldLine[Line]]
    fresh: list[tuple[int, Line]]


class ModelRouter:
    """One router: everything is lost with it."""

    def __init__(self, name: str, settings: Settings, mutant: Mutant | None) -> None:
        self.name, self.settings, self.mutant = name, settings, mutant
        self.lines = 0
        self.waiting: list[list[tuple[int, Line]]] = [[] for _ in range(SHARDS)]
        self.flights: list[dict[int, Flight]] = [{} for _ in range(SHARDS)]
        self.next = [1] * SHARDS
        self.held = HeldLines[Line](HOME.__getitem__, self._unanswered_from, settings.later_max_s)
        self.remembered: dict[str, str] = {}

    def hand_in(self, line: Line) -> None:
        self.lines += 1
        to = self.remembered.get(line.written)
        self.waiting[HOME[to or line.written]].append((self.lines, line))

    def _unanswered_from(self, shard: int) -> int | None:
        numbers = (number for flight in self.flights[shard].values() for number, _ in flight.fresh)
        return min(numbers, default=None)

    def expired(self, now_s: float) -> list[Line]:
        return [held.owner for held in self.held.expire(now_s)]

    def load(self, shard: int, most: int, now_s: float) -> Batch | None:
        """A further batch, if there are lines and credits."""
        oldest = min(self.flights[shard], default=self.next[shard])
        if self.next[shard] - oldest >= self.settings.batches_in_flight_max:
            return None
        held = self.held.load(shard, now_s, most, 10**9)
        fresh, self.waiting[shard] = self.waiting[shard][:most], self.waiting[shard][most:]
        if not held and not fresh:
            return None
        settled = self.held.take_settled(shard)
        if self.mutant == "free too early":
            settled = [type(each)(each.name, 10**9) for each in settled]
        again = [line.again for line in held]
        if self.mutant == "router remembers moved" and not held:
            moved = [(n, line) for n, line in fresh if self.remembered.get(line.written)]
            fresh = moved + [pair for pair in fresh if pair not in moved]
            again = [Again(line.written, self.remembered[line.written]) for _, line in moved]
        numbers = [line.number for line in held] + [number for number, _ in fresh]
        lines = [line.line for line in held] + [line.encoded() for _, line in fresh]
        batch = Batch(self.name, self.next[shard], numbers, lines, again=again, settled=settled)
        self.flights[shard][batch.number] = Flight(batch, held, fresh)
        self.next[shard] += 1
        return batch

    def answered(self, shard: int, answer: Answer, now_s: float) -> list[Line]:
        """The lines that are acknowledged by it."""
        if answer.expected is not None or answer.number not in self.flights[shard]:
            return []
        flight = self.flights[shard].pop(answer.number)
        told = {each.place: each for each in answer.deferred}
        done = []
        for place, held in enumerate(flight.held):
            if place in told:
                self.held.defer(shard, held, told[place], now_s)
            else:
                self.held.settle(held)
                done.append(held.owner)
        for place, (number, line) in enumerate(flight.fresh, len(flight.held)):
            if place in told:
                held = HeldLine(number, line.encoded(), line, shard, now_s)
                self.held.defer(shard, held, told[place], now_s)
            else:
                done.append(line)
        if self.mutant == "router remembers moved":
            self.remembered |= {each.name: each.owner for each in answer.deferred if each.owner}
        return done
