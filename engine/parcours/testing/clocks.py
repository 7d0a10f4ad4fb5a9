"""The local time of people, from the traits that were known at each moment.

A fact of an update step names the traits it set, without values. A literal value is known from the step; after any
other value the person's zone is unknown until she is identified with such a trait again: no verdict is better than a
wrong one. Somebody who is merged fills the traits that the person lacks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from parcours.core.fact import DeliveryReached, Fact, Merged, Moved
from parcours.core.paths import replaced
from parcours.expression.dotted import split_path
from parcours.expression.expression import Scope, to_json
from parcours.expression.zones import zone, zone_names
from parcours.instants import to_moment
from parcours.journey.program import Program, Update


@dataclass(slots=True)
class _Person:
    """One person's traits over time.

    told     changes to come: (time in ms, traits)
    traits   the current ones
    heard    when each trait that the zone depends on last changed
    unknown  those of them whose value is not known
    """

    told: deque[tuple[int, Mapping[str, object]]]
    traits: dict[str, object] = field(default_factory=dict)
    heard: dict[str, int] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)


class PersonClocks:
    """Tells people's local times, from the changes of their traits: (time in ms, person, traits)."""

    def __init__(self, program: Program, known: Iterable[tuple[int, str, Mapping[str, object]]]) -> None:
        self._program = program
        self._deciding = program.zone_traits
        self._known: dict[str, list[tuple[int, Mapping[str, object]]]] = {}
        for at, person, traits in sorted(known, key=lambda each: each[0]):
            self._known.setdefault(person, []).append((at, traits))

    def along(self, facts: Iterable[Fact]) -> Iterator[tuple[DeliveryReached, datetime | None]]:
        """The facts of deliveries, each with the person's local time; None where it is unknown.

        facts  all of those people's, in the order of happening for each of them
        """
        people: dict[str, _Person] = {}
        for fact in facts:
            person = self._at(people, fact.person, fact.at)
            if isinstance(fact, DeliveryReached):
                yield fact, self._local(person, fact.at)
            elif isinstance(fact, Moved) and fact.what == "updated":
                self._update(person, fact)
            elif isinstance(fact, Merged):
                self._fill(person, self._at(people, fact.name, fact.at))

    def _at(self, people: dict[str, _Person], name: str, at: int) -> _Person:
        """Somebody as she is at this time."""
        person = people.get(name)
        if person is None:
            person = people[name] = _Person(deque(self._known.get(name, ())))
        self._hear(person, at)
        return person

    def _fill(self, person: _Person, merged: _Person) -> None:
        """Give the person what she lacks of the traits that the zone depends on."""
        declared = {split_path(path)[0] for path in self._program.trait_kinds}
        for name in self._deciding if self._program.anonymous_history == "used" else self._deciding & declared:
            own, other = person.traits.get(name), merged.traits.get(name)
            if name in merged.unknown or (isinstance(own, dict) and other is not None):
                person.unknown.add(name)
            elif own is None:
                person.traits[name] = other

    def _hear(self, person: _Person, through_ms: int) -> None:
        """Apply the changes of traits up to this time."""
        while person.told and person.told[0][0] <= through_ms:
            at, traits = person.told.popleft()
            person.traits.update(traits)
            for name in self._deciding & traits.keys():
                person.heard[name] = at
                person.unknown.discard(name)

    def _update(self, person: _Person, fact: Moved) -> None:
        """Apply an update step. Where it coincides with an identify call, which came last is unknown."""
        journey = self._program.journey(fact.journey, fact.version)
        step = journey.steps.get(fact.step or "") if journey is not None else None
        if not isinstance(step, Update):
            person.unknown |= self._deciding
            return
        for path, value in step.values.items():
            name = split_path(path)[0]
            if name in self._deciding:
                if not value.literal or person.heard.get(name) == fact.at:
                    person.unknown.add(name)
                    continue
                person.traits = replaced(person.traits, path, to_json(value.value(Scope())))
                if path == name:
                    person.unknown.discard(name)

    def _local(self, person: _Person, at_ms: int) -> datetime | None:
        if person.unknown:
            return None
        name = self._program.profile_timezone.value(Scope(profile=person.traits, now_ms=at_ms))
        chosen = name if isinstance(name, str) and name in zone_names() else self._program.timezone
        return to_moment(at_ms).astimezone(zone(chosen))


def in_window(local: datetime, from_minute: int, until_minute: int, days: Iterable[int]) -> bool:
    """Whether a weekly window is open; a day (0 is Monday) names its start, and its end is exclusive."""
    minute, weekday, wanted = local.hour * 60 + local.minute, local.weekday(), frozenset(days)
    if from_minute < until_minute:
        return from_minute <= minute < until_minute and weekday in wanted
    began_today = minute >= from_minute and weekday in wanted
    return began_today or (minute < until_minute and (weekday - 1) % 7 in wanted)
