"""What an expression sees that is asked beside the shards: a row of a set or table, and what a shard told of a person.

The same closures answer as in the shard. They find there what `shard_columns` has asked for, and nothing else: whoever
asks for more has made a mistake.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from parcours.config import Settings
from parcours.core.columns import PersonColumns
from parcours.expression.expression import NO_HISTORY, History, Scope
from parcours.expression.values import Limits, Scored, Untold
from parcours.journey.campaign_columns import ShardColumns

_NOBODY: Final[Mapping[str, object]] = {}


class ToldHistory:
    """A `History` of which a shard told what is asked: calls by key and window, consents by channel and purpose,
    memberships by the audience's key.
    """

    __slots__ = ("_audiences", "_calls", "_consents")

    def __init__(
        self,
        calls: Mapping[tuple[str, int | None], int | float | None],
        consents: Mapping[tuple[str, str], bool],
        audiences: Mapping[str, bool],
    ) -> None:
        self._calls = calls
        self._consents = consents
        self._audiences = audiences

    def count(self, key: str, window_ms: int, now_ms: int) -> int:
        counted = self._told(key, window_ms)
        assert isinstance(counted, int), "a count is a whole number"
        return counted

    def sum(self, key: str, window_ms: int, now_ms: int) -> float:
        total = self._told(key, window_ms)
        assert total is not None, "a sum is always there"
        return total

    def last(self, key: str) -> int | None:
        instant = self._told(key, None)
        assert instant is None or isinstance(instant, int), "an instant is in milliseconds"
        return instant

    def next_exit(self, key: str, window_ms: int, now_ms: int) -> int | None:
        raise AssertionError("shards tell of one instant, and of none after it")

    def consent(self, channel: str, purpose: str) -> bool:
        assert (channel, purpose) in self._consents, f"no shard was asked for the consent {(channel, purpose)}"
        return self._consents[channel, purpose]

    def inside(self, audience: str, now_ms: int, limits: Limits) -> bool:
        assert audience in self._audiences, f"no shard was asked for the audience {audience}"
        return self._audiences[audience]

    def scored(self, score: str, now_ms: int, limits: Limits) -> Scored | None:
        raise AssertionError("a score is asked in the shard alone")

    def _told(self, key: str, window_ms: int | None) -> int | float | None:
        assert (key, window_ms) in self._calls, f"no shard was asked for {key} over {window_ms}"
        return self._calls[key, window_ms]


class ToldScopes:
    """The scopes of one step's expressions.

    run       "CAMPAIGN/NUMBER"; of a person's row her name stands before it, as of any run of hers
    begun_ms  when the run began
    """

    def __init__(self, run: str, step: str, at_ms: int, begun_ms: int, asked: ShardColumns, settings: Settings) -> None:
        self._run, self._step, self._begun_ms = run, step, begun_ms
        self._now_ms, self._limits = at_ms, Untold(settings.macro_steps_max)
        self._calls = [(call.key, call.window_ms) for call in asked.histories]
        self._consents = asked.consents
        self._audiences = asked.audiences
        self._paths = asked.paths

    def of_run(self, sizes: Mapping[str, int] | None = None) -> Scope:
        """What is asked once, of the run and of sizes of sets."""
        return Scope(run=self._run_view(self._run), now_ms=self._now_ms, limits=self._limits, sizes=sizes or {})

    def of_row(self, row: Mapping[str, object], person: str | None, told: PersonColumns | None) -> Scope:
        """What is asked of a row, and of the person whose it is. Nothing is known of whoever no shard told of."""
        return Scope(
            profile=_NOBODY if told is None else self._profile(told.traits),
            run=self._run_view(self._run if person is None else f"{person}/{self._run}"),
            now_ms=self._now_ms,
            history=NO_HISTORY if told is None else self._history(told),
            limits=self._limits,
            row=row,
        )

    def _run_view(self, run: str) -> dict[str, object]:
        return {"id": run, "entered_at": self._begun_ms, "step": self._step}

    def _history(self, told: PersonColumns) -> History:
        if not (self._calls or self._consents or self._audiences):
            return NO_HISTORY
        return ToldHistory(
            dict(zip(self._calls, told.histories, strict=True)),
            dict(zip(self._consents, told.consents, strict=True)),
            dict(zip(self._audiences, told.inside, strict=True)),
        )

    def _profile(self, traits: list[object]) -> dict[str, object]:
        profile: dict[str, object] = {}
        for path, value in zip(self._paths, traits, strict=True):
            if value is not None:
                _put(profile, path, value)
        return profile


def _put(profile: dict[str, object], path: tuple[str, ...], value: object) -> None:
    """Put what is at a path where it was; what lies at a path above has it already, or comes with it later."""
    *above, name = path
    within = profile
    for key in above:
        below = within.setdefault(key, {})
        if not isinstance(below, dict):
            return
        within = below
    within[name] = value
