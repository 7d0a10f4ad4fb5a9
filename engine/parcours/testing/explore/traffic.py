"""What might people do? Made-up people and events that meet and miss the project's conditions, from a seed.

Values are drawn from around the constants that the project compares with, times half from the lengths of
time that it names, so that ties are frequent, and half from anywhere. One person's events depend on the seed
and the person's number alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from parcours.channel import CALL
from parcours.config import DAY_MS, HOUR_MS
from parcours.core.fact import DeliveryReached, Fact
from parcours.core.time_text import time_text
from parcours.journey.project import Project
from parcours.testing.explore.parts import Parts, parts_of

EVENTS_A_PERSON: Final = 10
START_MS: Final = 1_774_602_000_000
"""2026-03-27T09:00:00Z: two days before Europe's clocks change, where no journey names a time of its own."""

ZONES: Final = ("Europe/Paris", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "nowhere")
TEXTS: Final = ("a", "b", "c")
FINE_MS: Final = 3 * HOUR_MS
"""Times that lie on no grid are up to this long after the one before."""


@dataclass(frozen=True, slots=True)
class Act:
    """One call of one person. `at` is in ms."""

    at: int
    person: str
    call: Mapping[str, Any]

    def as_call(self) -> dict[str, Any]:
        """The call as a line of the event format says it."""
        return {**self.call, "userId": self.person, "timestamp": time_text(self.at)}


class Traffic:
    """Makes up what people do in one project."""

    def __init__(self, project: Project, seed: int) -> None:
        self._project = project
        self._program = project.program
        self._parts: Parts = parts_of(project.program)
        self._seed = seed
        self._zone_paths = self._program.profile_timezone.paths
        self._events = self._declared()
        moving = sorted(name for name in self._program.moving if name in self._events)
        self._names = moving or sorted(self._events)

    def _declared(self) -> dict[str, dict[str, str]]:
        """The properties of each event that may come in, those of the types it may also be included."""
        events: dict[str, dict[str, str]] = {}
        for name, event in self._project.documents.events.events.items():
            events.setdefault(event.of or name, {}).update(event.properties)
        return events

    def acts(self, events: int) -> list[Act]:
        """So many events, and what becomes known of the people who do them, in the order of time for each person."""
        whole, rest = divmod(events, EVENTS_A_PERSON)
        sizes = [EVENTS_A_PERSON] * whole + [rest] * bool(rest)
        return [act for number, size in enumerate(sizes, start=1) for act in self._person(number, size)]

    def reactions(self, facts: Iterable[Fact], round_number: int) -> Iterator[Act]:
        """What people might make of what was sent to them."""
        for fact in facts:
            if isinstance(fact, DeliveryReached) and fact.outcome == "sent":
                chance = Random(f"{self._seed}/{round_number}/{fact.key}")
                if chance.random() < 0.6:
                    call = self._outcome(chance, fact) if fact.channel == CALL else self._reaction(chance)
                    call |= {"journey": fact.journey, "step": fact.step, "channel": fact.channel}
                    yield Act(fact.at + self._pause(chance), fact.profile, call)

    def _reaction(self, chance: Random) -> dict[str, Any]:
        return {"type": "reaction", "reaction": chance.choice(self._parts.reactions)}

    def _outcome(self, chance: Random, fact: DeliveryReached) -> dict[str, Any]:
        """What the other side makes of a call."""
        if chance.random() < 0.3:
            return {"type": "reaction", "reaction": "failed"}
        answer = self._values(chance, fact.profile, "event", self._program.actions[fact.message].answer)
        return {"type": "reaction", "reaction": "answered", "answer": answer}

    def _person(self, number: int, events: int) -> Iterator[Act]:
        chance, person = Random(f"{self._seed}/{number}"), f"p{number}"
        anchor = chance.choice(self._parts.instants_ms or (START_MS,))
        at = anchor - chance.choice((0, HOUR_MS, DAY_MS))
        yield Act(at, person, {"type": "identify", "traits": self._traits(chance, person)})
        yield from self._consents(chance, person, at)
        for _ in range(events if self._names else 0):
            at += self._pause(chance)
            if chance.random() < 0.1:
                yield Act(at, person, {"type": "identify", "traits": self._some_traits(chance, person)})
            name = chance.choice(self._names)
            properties = self._values(chance, person, "event", self._events[name])
            yield Act(at, person, {"type": "track", "event": name, "properties": properties})

    def _consents(self, chance: Random, person: str, at: int) -> Iterator[Act]:
        if not getattr(self._program, "policies", None):
            return
        for channel in sorted({name for message in self._program.messages.values() for name in message.contents}):
            if chance.random() < 0.8:
                yield Act(at, person, {"type": "consent", "channel": channel, "granted": True})
            if chance.random() < 0.1:
                late = at + self._pause(chance)
                yield Act(late, person, {"type": "consent", "channel": channel, "granted": False})

    def _pause(self, chance: Random) -> int:
        """A length of time after which the next thing happens: on the project's own grid, or anywhere."""
        if chance.random() < 0.5:
            return max(0, chance.choice(self._parts.lengths_ms) + chance.choice((-1, 0, 0, 0, 0, 1)))
        return chance.randrange(FINE_MS)

    def _traits(self, chance: Random, person: str) -> dict[str, Any]:
        return self._values(chance, person, "profile", self._project.documents.profile.traits)

    def _some_traits(self, chance: Random, person: str) -> dict[str, Any]:
        """Some traits anew. The zone stays, so that afterwards the person's clock is known for every moment."""
        return {name: value for name, value in self._traits(chance, person).items() if not self._tells_zone(name)}

    def _tells_zone(self, name: str) -> bool:
        return any(path.split(".")[1] == name for path in self._zone_paths if path.startswith("profile."))

    def _values(self, chance: Random, person: str, root: str, kinds: Mapping[str, str]) -> dict[str, Any]:
        """An object with a value for most of the paths."""
        whole: dict[str, Any] = {}
        for path, kind in sorted(kinds.items()):
            value = self._value(chance, person, f"{root}.{path}", kind)
            if chance.random() < 0.9:
                _put(whole, path.split("."), value)
        return whole

    def _value(self, chance: Random, person: str, path: str, kind: str) -> Any:
        if path in self._zone_paths:
            return chance.choice(ZONES)
        if path in self._parts.addresses:
            return _address(chance, person, self._parts.addresses[path])
        constants = self._parts.constants.get(path, ())
        match kind:
            case "number" | "integer":
                around = [each for c in constants if not isinstance(c, str | bool) for each in (c - 1, c, c + 1)]  # type: ignore[operator]
                return chance.choice([*around, 0, 1, 100])
            case "boolean":
                return chance.random() < 0.5
            case "timestamp":
                return time_text(START_MS + chance.choice((-30, -1, 0, 1, 30)) * DAY_MS)
            case "object":
                return {}
            case "list":
                return [c for c in (*constants, *TEXTS) if chance.random() < 0.3]
            case _:
                texts = [c for c in constants if isinstance(c, str)]
                return chance.choice([*texts, *texts, *TEXTS])


def _address(chance: Random, person: str, channel: str) -> str:
    if chance.random() < 0.05:
        return "no address"
    return {"email": f"{person}@example.com", "sms": f"+336{person[1:]:0>8}"}.get(channel, f"token-{person}")


def _put(whole: dict[str, Any], keys: list[str], value: object) -> None:
    """Set a path, unless something that is no object stands in its way."""
    for key in keys[:-1]:
        below = whole.setdefault(key, {})
        if not isinstance(below, dict):
            return
        whole = below
    whole[keys[-1]] = value
