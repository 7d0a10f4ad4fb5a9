"""What expressions ask of a person beside her traits: event histories, consents, memberships in audiences, and scores.

A series is (event, property, condition). Its condition is tested when the event arrives, and only time and value are
kept, for the longest window that any expression names. A window is (now - w, now]: it slides exactly.

A membership is not looked up in what was noted of the person when audiences were last compared: the condition is asked
of her as she stands. So it is right at any instant, between the updates of a round and for a read as of an instant too,
and needs no filling. What a campaign has saved has no condition, and is looked up.

A score is asked in the same way, and of one input it is computed once for the traits and the instant that it is asked
for: histories and consents change before the first condition of an input is asked.
"""

from __future__ import annotations

import msgspec

from parcours.config import Settings
from parcours.core.consent import has_consent, may_personalise
from parcours.core.profile import Profile
from parcours.core.series_entries import SeriesEntries
from parcours.expression.values import Limits, Scope, Scored, Untold
from parcours.journey.program import Program


class Said(msgspec.Struct, frozen=True):
    """What a score has said, and of which traits and instant."""

    traits: dict[str, object]
    now_ms: int
    scored: Scored | None


class PersonHistory(msgspec.Struct, frozen=True):
    """The expressions' `History` of one person. `said` has what scores have said of her for the input at hand."""

    profile: Profile
    program: Program
    said: dict[str, Said] = {}

    def consent(self, channel: str, purpose: str) -> bool:
        return has_consent(self.profile, self.program.policies.consent, channel, purpose)

    def inside(self, audience: str, now_ms: int, limits: Limits) -> bool:
        # A scope of its own: a condition sees neither the event nor the macro variables of whoever asks.
        scope = Scope(profile=self.profile.traits, now_ms=now_ms, history=self, limits=limits)
        return is_member(self.program, self.profile, audience, scope)

    def scored(self, score: str, now_ms: int, limits: Limits) -> Scored | None:
        traits, said = self.profile.traits, self.said.get(score)
        if said is not None and said.traits is traits and said.now_ms == now_ms:
            return said.scored
        known, found = self.program.scores.get(score), None
        if known is not None and may_personalise(self.profile, self.program.policies):
            found = known.of(Scope(profile=traits, now_ms=now_ms, history=self, limits=limits))
        self.said[score] = Said(traits, now_ms, found)
        return found

    def count(self, key: str, window_ms: int, now_ms: int) -> int:
        entries = self.profile.series.get(key)
        return 0 if entries is None else max(entries.until(now_ms) - entries.until(now_ms - window_ms), 0)

    def sum(self, key: str, window_ms: int, now_ms: int) -> float:
        entries = self._entries(key)
        first, last = entries.until(now_ms - window_ms), entries.until(now_ms)
        return entries.total(first, last) if first < last else 0.0

    def last(self, key: str) -> int | None:
        entries = self._entries(key)
        return entries.time(len(entries) - 1) if entries else None

    def next_exit(self, key: str, window_ms: int, now_ms: int) -> int | None:
        """The instant at which the oldest entry in the window leaves it."""
        entries = self.profile.series.get(key)
        if entries is None or (first := entries.until(now_ms - window_ms)) == len(entries):
            return None
        at = entries.time(first)
        return at + window_ms if at <= now_ms else None

    def _entries(self, key: str) -> SeriesEntries:
        return self.profile.series.get(key, _NONE)


_NONE = SeriesEntries()


def is_member(program: Program, profile: Profile, audience: str, scope: Scope) -> bool:
    """Whether the person whom the scope is of is in an audience: by its condition, or as a campaign has saved it."""
    known = program.audiences.get(audience)
    return profile.audiences.get(audience, False) if known is None else known.condition.holds(scope)


def scope_at(profile: Profile, at: int, program: Program, settings: Settings) -> Scope:
    """What an expression sees of a person alone at an instant, at which the profile has to stand; nothing is told."""
    history = PersonHistory(profile, program)
    return Scope(profile=profile.traits, now_ms=at, history=history, limits=Untold(settings.macro_steps_max))
