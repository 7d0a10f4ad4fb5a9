"""What does a person's own clock show? The zone follows from the traits that were known at that time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import datetime

from parcours.instants import to_moment
from parcours.journey.expression import Scope
from parcours.journey.program import Program
from parcours.journey.zones import zone, zone_names


class PersonClocks:
    """Tells local times. Made from what became known of people: (time in ms, person, traits), in the order of time.

    A zone that a journey itself sets by an update is not seen.
    """

    def __init__(self, program: Program, known: Iterable[tuple[int, str, Mapping[str, object]]]) -> None:
        self._program = program
        self._changes: dict[str, list[tuple[int, str]]] = {}
        traits: dict[str, dict[str, object]] = {}
        for at, person, changed in known:
            traits[person] = {**traits.get(person, {}), **changed}
            name = program.profile_timezone.value(Scope(profile=traits[person], now_ms=at))
            chosen = name if isinstance(name, str) and name in zone_names() else program.timezone
            self._changes.setdefault(person, []).append((at, chosen))

    def local(self, person: str, at_ms: int) -> datetime:
        """The time that the person's clock shows."""
        changes = self._changes.get(person, [])
        place = bisect_right(changes, at_ms, key=lambda change: change[0])
        name = changes[place - 1][1] if place else self._program.timezone
        return to_moment(at_ms).astimezone(zone(name))


def in_window(local: datetime, from_minute: int, until_minute: int, days: Iterable[int]) -> bool:
    """Whether a weekly window is open; a day (0 is Monday) names its start, and its end is exclusive."""
    minute, weekday, wanted = local.hour * 60 + local.minute, local.weekday(), frozenset(days)
    if from_minute < until_minute:
        return from_minute <= minute < until_minute and weekday in wanted
    began_today = minute >= from_minute and weekday in wanted
    return began_today or (minute < until_minute and (weekday - 1) % 7 in wanted)
