"""The compiled policies of a project: what gates ask before a message goes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

ConsentDefault: TypeAlias = Literal["opt_in", "opt_out"]


@dataclass(frozen=True, slots=True)
class ConsentPolicy:
    """The default of consent, by channel if named: marketing needs a grant (opt_in), or none (opt_out)."""

    default: ConsentDefault = "opt_in"
    channels: Mapping[str, ConsentDefault] = field(default_factory=dict)

    def assumes(self, channel: str) -> bool:
        """Whether a person who has said nothing may be sent marketing on this channel."""
        return self.channels.get(channel, self.default) == "opt_out"


@dataclass(frozen=True, slots=True)
class Cap:
    """A frequency cap: at most `max` deliveries in a window of `per_ms`, over all that it names; None: any."""

    channels: frozenset[str] | None
    message_class: str | None
    purpose: str | None
    max: int
    per_ms: int


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Quiet hours: a weekly window in the person's zone, from one minute of the day (0-1439) to another, exclusive.

    days  those on which it starts (0 is Monday); `until_minute` up to `from_minute` is one of the day after
    """

    channels: frozenset[str] | None
    from_minute: int
    until_minute: int
    days: frozenset[int]
    then: Literal["hold", "drop"]


@dataclass(frozen=True, slots=True)
class Holdout:
    """A group that gets no marketing at all: whose bucket of the salt and her name is below `bound` (of 10,000)."""

    name: str
    bound: int
    salt: str


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies that gates apply before a message goes out. Without any, marketing needs an opt-in."""

    consent: ConsentPolicy = field(default_factory=ConsentPolicy)
    caps: tuple[Cap, ...] = ()
    quiet_hours: tuple[QuietHours, ...] = ()
    holdouts: tuple[Holdout, ...] = ()
    personalisation: ConsentDefault = "opt_out"
    """Whether scores need a grant (opt_in), or are made until she withdraws it."""

    longest_cap_ms: int = field(init=False, repr=False, compare=False)
    """The longest window of a cap, 0 without any."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "longest_cap_ms", max((cap.per_ms for cap in self.caps), default=0))
