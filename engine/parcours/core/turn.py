"""The turn: one input being applied to one person, the state that all rules of the core share meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

import msgspec

from parcours.channel import plain_address
from parcours.config import Settings
from parcours.core.effect import Effects
from parcours.core.fact import LimitReached, Moved, What, ZoneUnknown
from parcours.core.history import PersonHistory, Said
from parcours.core.offers.lessons import NO_LESSONS, Lesson
from parcours.core.offers.state import Picked
from parcours.core.offers.totals import Answers, supposed
from parcours.core.profile import Origin, Profile, Run, Timer, TimerKind
from parcours.core.time_text import time_text
from parcours.expression.dotted import split_path
from parcours.expression.expression import MISSING, Scope, to_iso
from parcours.expression.zones import zone_names
from parcours.instants import EARLIEST_MS
from parcours.journey.offers import Offers
from parcours.journey.program import CampaignEntry, Journey, Program
from parcours.wording import quoted

REGION_LETTERS = 2

ZONE_SHOWN_MAX = 64
"""Characters told of what is no time zone; the longest name of one has half as many."""


class Crowd(Protocol):
    """Simulated people's reactions, which depend on the delivery's key alone, so that every simulation is the same."""

    def reactions(self, key: str, channel: str) -> Iterable[tuple[int, str]]:
        """The reactions to a delivery that has been sent: (delay in ms, reaction), in any order."""


class Normalize(Protocol):
    """The channels' rules for addresses: pure functions, so that an address is judged the same wherever it is."""

    def __call__(self, channel: str, address: str, region: str | None) -> str:
        """The address as the channel will use it. Raises ValueError with the reason where it will not."""


def as_it_stands(channel: str, address: str, region: str | None) -> str:
    """The rule of channels of which nothing is known."""
    del channel
    return plain_address(address, region)


def region_of(program: Program, traits: Scope) -> str | None:
    """The country of somebody with these traits; it is the project's if they name none."""
    chosen = program.profile_region
    if chosen is None:
        return program.region
    name = chosen.value(traits)
    is_region = isinstance(name, str) and len(name) == REGION_LETTERS and name.isascii() and name.isalpha()
    return name.upper() if isinstance(name, str) and is_region else program.region


class DeadCodes(Protocol):
    """The channels' tables of what their providers say: pure, so that a failure is judged the same wherever it is."""

    def __call__(self, channel: str) -> frozenset[str]:
        """The codes with which the channel's provider says that an address is dead."""


def no_codes(channel: str) -> frozenset[str]:
    """The table of channels about whose codes nothing is known."""
    del channel
    return frozenset()


def iso(at_ms: int) -> str:
    """A time as `2026-01-01T10:00:00.000Z`."""
    return time_text(max(at_ms, EARLIEST_MS))


class Turn(msgspec.Struct):
    """The person, the program, the instant, and the effects so far.

    at        the instant of what is applied: the input's, or while a journey is resumed that of a buffered input
    gates_at  the instant that gates use: always that of the input
    timer     the one that fires, if one does
    updated   the run whose `update` step changed traits, until audiences have been evaluated again
    ended     the runs that have ended by this input, and those that were taken out of their archives (archive.py)
    said      what scores have said of her by this input
    happened  what became of her offers by this input, as events of hers that are still to come: name and properties
    answers   what total caps of offers have answered
    lessons   what rankings of offers that learn know at this instant
    zone_before  her time zone before this input changed traits that decide it, None as long as it has not
    """

    person: str
    profile: Profile
    at: int
    gates_at: int
    program: Program
    settings: Settings
    crowd: Crowd | None
    normalize: Normalize = as_it_stands
    dead_codes: DeadCodes = no_codes
    effects: Effects = msgspec.field(default_factory=Effects)
    updated: Run | None = None
    timer: Timer | None = None
    zone_before: str | None = None
    ended: list[Run] = []
    said: dict[str, Said] = {}
    happened: tuple[tuple[str, dict[str, object]], ...] = ()
    answers: Answers = supposed
    lessons: Mapping[str, Lesson] = NO_LESSONS

    def is_paused(self, journey: str) -> bool:
        """Whether the journey is paused at this instant."""
        return journey in self.program.paused and self.program.paused[journey] <= self.at

    def record(self, run: Run, what: What, why: str | None = None, left: str | None = None) -> None:
        """Record a move of the run, at its current step; `left` is the step before one that it has reached."""
        self.effects.facts.append(
            Moved(self.at, self.person, run.journey, run.version, run.number, run.step, what, why, left)
        )

    def set_timer(self, due: int, kind: TimerKind, run: Run, key: str = "", detail: str = "") -> None:
        self.profile.sequence += 1
        self.profile.timers.append(Timer(due, self.profile.sequence, kind, run.journey, run.number, key, detail))

    def due_of(self, kind: TimerKind) -> int | None:
        """When the first timer of this kind is due, None if the person has none."""
        return min((timer.due for timer in self.profile.timers if timer.kind == kind), default=None)

    def set_only_timer(self, due: int | None, kind: TimerKind, key: str = "") -> None:
        """Set the one timer of a kind and a key that the person has, None: she has none.

        One that is already set for this time keeps its place among its ties.
        """
        profile = self.profile
        if any(timer.kind == kind and timer.key == key and timer.due == due for timer in profile.timers):
            return
        profile.timers = [timer for timer in profile.timers if timer.kind != kind or timer.key != key]
        if due is not None:
            profile.sequence += 1
            profile.timers.append(Timer(due, profile.sequence, kind, key=key))

    def cancel_timers(self, run: Run, kinds: tuple[TimerKind, ...]) -> None:
        """Remove the run's timers of these kinds."""
        if self.profile.timers:
            self.profile.timers = [
                timer
                for timer in self.profile.timers
                if timer.run != run.number or timer.journey != run.journey or timer.kind not in kinds
            ]

    def drop_reactions(self, key: str) -> None:
        """Remove the timers of reactions to a delivery that is forgotten: they would concern nothing."""
        kinds = ("reaction", "click")
        self.profile.timers = [each for each in self.profile.timers if each.kind not in kinds or each.key != key]

    def change_traits(self, traits: dict[str, object]) -> None:
        """Give the person these traits in place of those she has; her zone of before is noted (zone_change.py)."""
        for name in self.program.zone_traits:
            if traits.get(name) is not self.profile.traits.get(name):
                self._change_zone(traits)
                return
        self.profile.traits = traits

    def _change_zone(self, traits: dict[str, object]) -> None:
        before = self._zone_value()
        if self.zone_before is None:
            self.zone_before = self._zone_of(before)
        self.profile.traits = traits
        given = self._zone_value()
        if given != before and _names_something(given) and not _is_zone(given):
            told = "" if self._is_zone_personal() else str(given)[:ZONE_SHOWN_MAX]
            self.effects.facts.append(ZoneUnknown(self.at, self.person, told, self.program.timezone))

    def _is_zone_personal(self) -> bool:
        """Whether the zone may not be told. Asked only where there is no such zone."""
        paths = self.program.profile_timezone.paths
        return any(self.program.disclosure.is_personal(split_path(path)[1:]) for path in paths)

    def scope(
        self,
        event: Mapping[str, object] | None = None,
        entry: Mapping[str, object] | None = None,
        run: Mapping[str, object] | None = None,
    ) -> Scope:
        """The scope of an expression: the person as she is now, and the event, entry and run where there are such."""
        return Scope(
            event=event or {},
            entry=entry or {},
            profile=self.profile.traits,
            run=run or {},
            now_ms=self.at,
            history=PersonHistory(self.profile, self.program, self.said),
            limits=self,
        )

    @property
    def macro_steps_max(self) -> int:
        return self.settings.macro_steps_max

    def exceeded(self, text: str) -> None:
        """Record that an expression was given up, once for each input."""
        why = f"no value for {quoted(text)}, whose macros go further"
        fact = LimitReached(self.at, self.person, "macro_steps_max", why)
        if fact not in self.effects.facts:
            self.effects.facts.append(fact)

    def tell_once(self, setting: str, about: str, why: str) -> None:
        """Record that a limit was reached, the first time only for this person and what it is about."""
        told = f"{setting}\0{about}"
        if told not in self.profile.limits:
            self.profile.limits.append(told)
            self.effects.facts.append(LimitReached(self.at, self.person, setting, why))

    def run_scope(
        self, run: Run, event: Mapping[str, object] | None = None, row: Mapping[str, object] | None = None
    ) -> Scope:
        """The scope of a run's expression; without an `event` at hand, the one that moved the run last."""
        scope = self.scope(run.event if event is None else event, run.entry, self.run_view(run))
        if row:
            scope.row = row
        if run.offers:
            scope.offers = {name: picked_view(picked, self.program.offers) for name, picked in run.offers.items()}
        return scope

    def zone_name(self) -> str:
        """The person's time zone; a person without one has the project's."""
        return self._zone_of(self._zone_value())

    def _zone_value(self) -> object:
        return self.program.profile_timezone.value(self._traits_alone())

    def _traits_alone(self) -> Scope:
        """The scope of an expression that may ask for nothing but traits: every delivery has some of those."""
        return Scope(profile=self.profile.traits, now_ms=self.at, limits=self)

    def _zone_of(self, value: object) -> str:
        return str(value) if _is_zone(value) else self.program.timezone

    def region(self) -> str | None:
        """The person's country; a person without one has the project's."""
        if self.program.profile_region is None:
            return self.program.region
        return region_of(self.program, self._traits_alone())

    def usable(self, channel: str, address: str) -> str:
        """The address as the channel will use it. Raises ValueError with the reason where it will not."""
        return self.normalize(channel, address, self.region())

    def run_view(self, run: Run) -> dict[str, object]:
        return {
            "id": f"{self.person}/{run.journey}/{run.number}",
            "entered_at": run.entered_at,
            "correlation": correlation_value(run.correlation),
            "step": run.step,
        }

    def origin_of(self, run: Run) -> Origin:
        """The name and number under which the run entered: whatever has to stay as it was for life goes by them."""
        return run.origin or Origin(self.person, run.number)

    def is_of_campaign(self, run: Run) -> bool:
        """Whether a campaign takes the run from step to step."""
        journey = self.program.journey(run.journey, run.version)
        return journey is not None and isinstance(journey.entry, CampaignEntry)

    def journey_of(self, run: Run) -> Journey | None:
        """The journey of an open run in its version; None for an ended run, and for a version that no longer exists."""
        return None if run.ended_at is not None else self.program.journey(run.journey, run.version)

    def open_runs(self) -> list[tuple[Journey, Run]]:
        """The open runs with their journeys, in the order in which they react: by priority, name and number."""
        return self._in_order(self.profile.runs)

    def ended_runs(self) -> list[tuple[Journey, Run]]:
        """The ended runs that the input has to do with, in the same order."""
        return self._in_order(self.ended)

    def _in_order(self, runs: list[Run]) -> list[tuple[Journey, Run]]:
        if not runs:
            return []
        pairs = [
            (journey, run) for run in runs if (journey := self.program.journey(run.journey, run.version)) is not None
        ]
        if len(pairs) > 1:
            pairs.sort(key=lambda pair: (-pair[0].priority, pair[0].name, pair[1].number))
        return pairs


def picked_view(picked: Picked, offers: Offers) -> dict[str, object]:
    """What expressions see of an offer that a run keeps. Its attributes are those that are published now."""
    offer = offers.offers.get(picked.offer)
    return {
        "name": picked.offer,
        "score": picked.score,
        "fallback": picked.is_fallback,
        "attributes": {} if offer is None else dict(offer.attributes),
    }


def _is_zone(value: object) -> bool:
    return isinstance(value, str) and value in zone_names()


def _names_something(value: object) -> bool:
    """Whether the value of a trait says anything: a blank text says as much as no trait."""
    return value is not MISSING and value is not None and bool(str(value).strip())


def correlation_key(value: object) -> str | None:
    """A correlation's value as canonical text, None where it has none.

    Text is marked by a leading quote, so that "1" and 1 differ; 1 and 1.0 are the same number, and a timestamp is the
    same however its zone was written.
    """
    if isinstance(value, datetime):
        return f'"{to_iso(value)}'
    if isinstance(value, str):
        return f'"{value}'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int | float):
        return repr(value)
    return None


def correlation_value(key: str | None) -> object:
    """The value of a correlation for expressions: the text, number or boolean in its canonical text."""
    if key is None:
        return None
    return key[1:] if key.startswith('"') else msgspec.json.decode(key)
