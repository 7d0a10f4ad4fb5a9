"""The values of expressions: plain JSON data, timestamps, durations, and "missing".

Timestamps are aware datetimes in UTC, durations are timedeltas, an object is a `dict`, a list a `list`; null counts as
missing everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import Any, Final, Literal, Protocol, TypeAlias

import msgspec

from parcours.config import MACRO_STEPS_MAX
from parcours.instants import EPOCH


class Missing(Enum):
    """The value of an absent or null attribute, and of arithmetic on one."""

    MISSING = "missing"

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing.MISSING

KINDS: Final = ("string", "number", "integer", "boolean", "timestamp", "date", "object", "list")
"""The kinds that events.yaml and profile.yaml may declare."""

_KIND_OF_TYPE: Final[Mapping[type, str]] = {
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    datetime: "timestamp",
    timedelta: "duration",
    list: "list",
    dict: "object",
}


Band: TypeAlias = Literal["low", "medium", "high"]


class Scored(msgspec.Struct, frozen=True):
    """What a score says of a person: a probability from 0 to 1, the model's margin that it is made of, and its band."""

    probability: float
    margin: float
    band: Band


class History(Protocol):
    """A person's event history, consents, audiences and scores, the event at hand included. A window of w covers
    (now - w, now], all in ms.

    Asked during evaluation: it may not change anything, and answers for an unknown key as for one without entries.
    """

    def count(self, key: str, window_ms: int, now_ms: int) -> int:
        """How many entries of the series lie in the window."""
        ...

    def sum(self, key: str, window_ms: int, now_ms: int) -> float:
        """The sum of their numbers, whole if all of them are; 0 where there are none."""
        ...

    def last(self, key: str) -> int | None:
        """The instant of the latest entry, however long ago."""
        ...

    def next_exit(self, key: str, window_ms: int, now_ms: int) -> int | None:
        """The instant after `now_ms` at which the oldest entry in the window leaves it: its time + the window."""
        ...

    def consent(self, channel: str, purpose: str) -> bool:
        """Whether messages of this purpose may go out on the channel."""
        ...

    def inside(self, audience: str, now_ms: int, limits: Limits) -> bool:
        """Whether she is in the audience of this key at the instant; `limits` are those of its condition."""
        ...

    def scored(self, score: str, now_ms: int, limits: Limits) -> Scored | None:
        """What the score of this name says of her at the instant, None where it is missing; `limits` are those of its
        features.
        """
        ...


class NoHistory:
    """The history of a person who did nothing, agreed to nothing, and is in no audience."""

    __slots__ = ()

    def count(self, key: str, window_ms: int, now_ms: int) -> int:
        return 0

    def sum(self, key: str, window_ms: int, now_ms: int) -> float:
        return 0

    def last(self, key: str) -> int | None:
        return None

    def next_exit(self, key: str, window_ms: int, now_ms: int) -> int | None:
        return None

    def consent(self, channel: str, purpose: str) -> bool:
        return False

    def inside(self, audience: str, now_ms: int, limits: Limits) -> bool:
        return False

    def scored(self, score: str, now_ms: int, limits: Limits) -> Scored | None:
        return None


NO_HISTORY: Final[History] = NoHistory()


class Limits(Protocol):
    """What one evaluation may take, and who is told when it would take more."""

    @property
    def macro_steps_max(self) -> int: ...

    def exceeded(self, text: str) -> None:
        """The expression of this text was given up at `macro_steps_max`; its value is missing."""


class Untold(msgspec.Struct, frozen=True):
    """Limits that are reached without a word."""

    macro_steps_max: int = MACRO_STEPS_MAX

    def exceeded(self, text: str) -> None:
        pass


UNTOLD: Final = Untold()


class OutOfSteps(Exception):
    """An evaluation has taken all its steps. It never leaves the expression."""


class Steps(msgspec.Struct):
    """The macro steps that one evaluation has left."""

    left: int

    def take(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise OutOfSteps


class Scope(msgspec.Struct):
    """The input of an evaluation: what an expression can see. `run` holds id, entered_at (ms), correlation and step.

    row    of a set or a table, where a campaign asks
    context, offer  of a decision, and of the offer that is looked at
    offers what decisions of the run have chosen, by the names that its steps give them
    message  that a source has read, by its parts
    sizes  of sets, by name; "" is the set at hand
    steps  set while an expression with macros is evaluated
    found  what parts of conditions have come to that ask the event alone (sharing.py); None where nothing is kept
    """

    event: Mapping[str, object] = {}
    entry: Mapping[str, object] = {}
    profile: Mapping[str, object] = {}
    run: Mapping[str, object] = {}
    now_ms: int = 0
    variables: tuple[object, ...] = ()
    history: History = NO_HISTORY
    limits: Limits = UNTOLD
    steps: Steps | None = None
    row: Mapping[str, object] = {}
    sizes: Mapping[str, int] = {}
    context: Mapping[str, object] = {}
    offer: Mapping[str, object] = {}
    offers: Mapping[str, object] = {}
    message: Mapping[str, object] = {}
    found: dict[object, Any] | None = None

    def inner(self) -> Scope:
        """A copy in which a macro binds its variable without touching the caller's scope."""
        return copy(self)


Evaluate: TypeAlias = Callable[[Scope], object]
"""A compiled expression or part of one. Raises for no data whatever."""


def kind_of(value: object) -> str:
    """The kind of a value, in the words of events.yaml ("number" for every number)."""
    return _KIND_OF_TYPE.get(type(value), "missing")


NUMBERS: Final = frozenset[type]({int, float})
"""The types of numbers: a boolean is none."""


def is_number(value: object) -> bool:
    """Whether it is an integer or a double. A boolean is not a number."""
    return type(value) in NUMBERS


def to_timestamp(value: object) -> object:
    """ISO 8601 text as a timestamp; text without a zone is in UTC. MISSING for anything that is not one."""
    if type(value) is datetime:
        return value
    if type(value) is not str:
        return MISSING
    try:
        parsed = datetime.fromisoformat(value)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return MISSING


def to_date(value: object) -> object:
    """The local date that a text names, as `YYYY-MM-DD`; of a date with a time the date alone."""
    if type(value) is not str:
        return MISSING
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(value).date().isoformat()
    except ValueError:
        return MISSING


def from_ms(value: object) -> object:
    """Milliseconds since the epoch as a timestamp. MISSING for anything that is not one."""
    if type(value) is not int:
        return to_timestamp(value)
    try:
        return EPOCH + timedelta(milliseconds=value)
    except OverflowError:
        return MISSING


def to_iso(moment: datetime) -> str:
    """A timestamp as `2026-01-01T10:00:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def to_json(value: object) -> object:
    """A value as JSON can hold it: timestamps as ISO text, durations as seconds text, missing as None."""
    if value is MISSING:
        return None
    if isinstance(value, datetime):
        return to_iso(value)
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}s"
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    return value
