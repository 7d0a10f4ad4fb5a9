"""The generator of traffic: events that meet and miss a project's conditions, from a seed.

Values are drawn from around the constants that the project compares with, times half from its durations, so that ties
are frequent, and half from anywhere; where there are quiet hours, some events are timed so that deliveries fall on
their edges in the person's local time. One person's events depend on the seed and the person's number alone.

Some people are anonymous until they log in, and even then not all of their calls have the user id; of some of them the
device is another person's, who may have logged in there before or does so later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final

from parcours.channel import CALL
from parcours.config import DAY_MS, HOUR_MS
from parcours.core.fact import DeliveryReached, Fact
from parcours.core.identity import ANONYMOUS, id_of, namespace_of, person_name
from parcours.core.time_text import time_text
from parcours.expression.dotted import split_path
from parcours.expression.expression import Scope
from parcours.expression.zones import next_local_time, zone, zone_names
from parcours.journey.channels import PERSONALISATION
from parcours.journey.project import Project
from parcours.testing.explore.parts import Parts, parts_of
from parcours.testing.explore.values import Values

EVENTS_A_PERSON: Final = 10

STARTS_MS: Final = (
    1_774_602_000_000,  # 2026-03-27T09:00:00Z, Europe's summer begins
    1_792_749_600_000,  # 2026-10-23T10:00:00Z, and ends
    1_772_788_800_000,  # 2026-03-06T09:20:00Z, North America's summer begins
    1_793_354_400_000,  # 2026-10-30T10:00:00Z, and ends
    1_775_206_800_000,  # 2026-04-03T09:00:00Z, Lord Howe's summer ends, by half an hour
)
"""Two days before a clock change somewhere: people begin there where no journey names a time of its own."""

FINE_MS: Final = 3 * HOUR_MS
"""Times off the grid are up to this long after the one before."""

RARE_REACTIONS: Final = ("bounced", "complained", "unsubscribed")
"""Reactions that gates depend on, though no step listens for them."""


LOG_IN: Final = 0.2
"""The share of people who are anonymous at first."""

ON_ANOTHERS_DEVICE: Final = 0.01
"""The share of people whose device is that of the person before them: twice as many share one."""


@dataclass(frozen=True, slots=True)
class Act:
    """One call of one person, by her name as results have it. `at` is in ms."""

    at: int
    person: str
    call: Mapping[str, Any]

    def as_call(self) -> dict[str, Any]:
        """The call as a line of the event format."""
        by = "anonymousId" if namespace_of(self.person) == ANONYMOUS else "userId"
        return {**self.call, by: id_of(self.person), "timestamp": time_text(self.at)}


class Traffic:
    """Generates what people do in one project."""

    def __init__(self, project: Project, seed: int) -> None:
        self._project = project
        self._program = project.program
        self._parts: Parts = parts_of(project.program)
        self._seed = seed
        self._zone_paths = self._program.profile_timezone.paths
        self._values = Values(self._parts, frozenset(self._zone_paths), STARTS_MS[0])
        self._events = self._declared()
        moving = sorted(name for name in self._program.moving if name in self._events)
        self._names = moving or sorted(self._events)
        contents = [message.contents for message in self._program.messages.values()]
        self._spoken_of = sorted({name for content in contents for name in content})
        if self._program.offers.decisions or self._program.scores or self._program.places:
            self._spoken_of.append(PERSONALISATION)
        self._purposes = sorted({message.purpose for message in self._program.messages.values()})

    def _declared(self) -> dict[str, dict[str, str]]:
        """The properties of each incoming event, those of its rule-based types included."""
        events: dict[str, dict[str, str]] = {}
        for name, event in self._project.documents.events.events.items():
            events.setdefault(event.of or name, {}).update(event.kinds)
        return events

    def acts(self, events: int) -> list[Act]:
        """So many events, and identify and consent calls of their people, in the order of time for each person."""
        whole, rest = divmod(events, EVENTS_A_PERSON)
        sizes = [EVENTS_A_PERSON] * whole + [rest] * bool(rest)
        return [act for number, size in enumerate(sizes, start=1) for act in self._life(number, size)]

    def reactions(self, facts: Iterable[Fact], round_number: int) -> Iterator[Act]:
        """Reactions that people may have to what was sent to them."""
        for fact in facts:
            if isinstance(fact, DeliveryReached) and fact.outcome == "sent":
                chance = Random(f"{self._seed}/{round_number}/{fact.key}")
                if chance.random() < 0.6:
                    call = self._outcome(chance, fact) if fact.channel == CALL else self._reaction(chance)
                    call |= {"journey": fact.journey, "step": fact.step, "channel": fact.channel}
                    yield Act(fact.at + self._pause(chance), fact.person, call)

    def _reaction(self, chance: Random) -> dict[str, Any]:
        reactions = RARE_REACTIONS if chance.random() < 0.1 else self._parts.reactions
        return {"type": "reaction", "reaction": chance.choice(reactions)}

    def _outcome(self, chance: Random, fact: DeliveryReached) -> dict[str, Any]:
        """The outcome of a call."""
        if chance.random() < 0.3:
            return {"type": "reaction", "reaction": "failed"}
        kinds = self._program.actions[fact.message].answer
        answer = self._values.of(chance, fact.person, "event", kinds, willing=chance.random() < 0.6)
        return {"type": "reaction", "reaction": "answered", "answer": answer}

    def _life(self, number: int, events: int) -> Sequence[Act]:
        """What a person does, some of it before she logs in."""
        acts, chance = list(self._person(number, events)), Random(f"{self._seed}/log-in/{number}")
        shares = self._is_on_anothers_device(number) or self._is_on_anothers_device(number + 1)
        if chance.random() >= LOG_IN and not shares:
            return acts
        acts.sort(key=lambda act: act.at)
        device = number
        while self._is_on_anothers_device(device):
            device -= 1
        visitor, place = person_name(None, f"d{device}"), chance.randrange(len(acts))
        assert visitor is not None, "it is made of an id"
        traits = self._some_traits(chance, acts[0].person, willing=True) if place else acts[0].call["traits"]
        log_in = {"type": "identify", "traits": traits, "anonymousId": id_of(visitor)}
        before = [replace(act, person=visitor) for act in acts[:place]]
        after = [replace(act, person=visitor) if chance.random() < 0.2 else act for act in acts[place:]]
        return [*before, Act(acts[place].at, acts[place].person, log_in), *after]

    def _is_on_anothers_device(self, number: int) -> bool:
        return number > 1 and Random(f"{self._seed}/device/{number}").random() < ON_ANOTHERS_DEVICE

    def _person(self, number: int, events: int) -> Iterator[Act]:
        chance, person = Random(f"{self._seed}/{number}"), f"p{number}"
        willing = chance.random() < 0.6
        anchor = chance.choice(self._parts.instants_ms or STARTS_MS)
        at = anchor - chance.choice((0, HOUR_MS, DAY_MS))
        traits = self._traits(chance, person, willing=willing)
        yield Act(at, person, {"type": "identify", "traits": traits})
        yield from self._consents(chance, person, at)
        zone_name = self._zone_name(traits, at)
        habit = chance.choice(self._names) if self._names else ""  # a person who enters and never buys gets far
        for _ in range(events if self._names else 0):
            at = self._next(chance, at, zone_name)
            if chance.random() < 0.1:
                yield Act(at, person, {"type": "identify", "traits": self._some_traits(chance, person, willing)})
            name = habit if chance.random() < 0.75 else chance.choice(self._names)
            properties = self._values.of(chance, person, "event", self._events[name], willing=willing)
            yield Act(at, person, {"type": "track", "event": name, "properties": properties})

    def _consents(self, chance: Random, person: str, at: int) -> Iterator[Act]:
        """Most people consent to most things, some of them late or to one purpose only, and some withdraw it."""
        for channel in self._spoken_of:
            late = at + self._pause(chance)
            if chance.random() < 0.8:
                purpose = {"purpose": chance.choice(self._purposes)} if chance.random() < 0.2 else {}
                yield self._consent(at if chance.random() < 0.8 else late, person, channel, True, purpose)
            if chance.random() < 0.1:
                yield self._consent(late + self._pause(chance), person, channel, False, {})

    @staticmethod
    def _consent(at: int, person: str, channel: str, granted: bool, purpose: Mapping[str, str]) -> Act:
        return Act(at, person, {"type": "consent", "channel": channel, "granted": granted, **purpose})

    def _next(self, chance: Random, at: int, zone_name: str) -> int:
        """The time of a person's next event: after a pause, or so that a delivery falls on an edge of quiet hours."""
        if self._parts.quiet_minutes and chance.random() < 0.25:
            ahead = chance.choice(self._parts.lengths_ms)
            edge = next_local_time(at + ahead, chance.choice(self._parts.quiet_minutes), (), zone(zone_name))
            return max(at, edge - ahead + chance.choice((-1, 0, 1)))
        return at + self._pause(chance)

    def _pause(self, chance: Random) -> int:
        """The duration until the next event: on the project's own grid, or any."""
        if chance.random() < 0.5:
            return max(0, chance.choice(self._parts.lengths_ms) + chance.choice((-1, 0, 0, 0, 0, 1)))
        return chance.randrange(FINE_MS)

    def _traits(self, chance: Random, person: str, *, willing: bool) -> dict[str, Any]:
        return self._values.of(chance, person, "profile", self._project.documents.profile.kinds, willing=willing)

    def _some_traits(self, chance: Random, person: str, willing: bool) -> dict[str, Any]:
        """New values for some traits. The zone stays, so that the person's local time is known for every moment."""
        traits = self._traits(chance, person, willing=willing)
        return {name: value for name, value in traits.items() if not self._tells_zone(name)}

    def _tells_zone(self, name: str) -> bool:
        return any(split_path(path)[1] == name for path in self._zone_paths if path.startswith("profile."))

    def _zone_name(self, traits: Mapping[str, Any], at: int) -> str:
        name = self._program.profile_timezone.value(Scope(profile=traits, now_ms=at))
        return name if isinstance(name, str) and name in zone_names() else self._program.timezone
