"""What is answered about a step and a channel: the bodies of the routes of steps.py."""

from __future__ import annotations

import msgspec


class WaitingAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    skip  how many runs at the beginning are not told
    """

    skip: str = "0"


class WaitingShown(msgspec.Struct, frozen=True, kw_only=True):
    """A run that waits; without the scope `people:read` nobody is named.

    since   when it has come to the step
    until   when it goes on at the latest, None where that is not known
    parked  why it stands still for good, None if it does not
    """

    person: str
    run: int
    version: int
    since: str
    until: str | None
    parked: str | None


class StepWaits(msgspec.Struct, frozen=True, kw_only=True):
    """
    looked_at  how many people were looked at
    whole      whether that was everybody who may wait there; else these are the longest waiting of those looked at
    next       what to `skip` for those that come after these, None if there are none
    """

    name: str
    step: str
    looked_at: int
    whole: bool
    waiting: list[WaitingShown]
    next: int | None


class NewestFact(msgspec.Struct, frozen=True, kw_only=True):
    """A move, or what became of a delivery; without the scope `people:read` nobody is named, and `to` is None.

    what     the move, or the outcome of the delivery; `words` are the same as a sentence
    channel  of a delivery, as `gate`, which refused or held it, and `to`, its address
    """

    at: str
    person: str
    journey: str
    version: int
    run: int | None
    step: str | None
    what: str
    words: str
    channel: str | None = None
    gate: str | None = None
    to: str | None = None


class NewestFacts(msgspec.Struct, frozen=True):
    """The newest first."""

    facts: list[NewestFact]
