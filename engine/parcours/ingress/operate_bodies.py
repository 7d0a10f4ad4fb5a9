"""What operators send and are answered: the bodies of the routes of operate.py."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from parcours.insight.health import SignName
from parcours.insight.summary import StepCount
from parcours.journey.publish.ledger import JourneyStateName


class SignShown(msgspec.Struct, frozen=True, kw_only=True):
    """A sign that something is wrong with a journey.

    words    the same as a sentence
    figures  whole numbers by name; times in ms
    because  what it is mostly about, "" where there is nothing to say
    where    the path at which it shows
    """

    sign: SignName
    words: str
    figures: Mapping[str, int]
    because: str
    where: str


class JourneyShown(msgspec.Struct, frozen=True, kw_only=True):
    """A journey: its newest version, and how many runs of all versions have entered and reached the goal.

    entered_lately  of them, those of the last `recent_hours`
    health          what is wrong with it, worst first; nothing if it is fine
    """

    name: str
    state: JourneyStateName
    version: int
    entered: int
    entered_lately: int
    goal: int
    health: list[SignShown]


class Journeys(msgspec.Struct, frozen=True):
    """
    ledger  the number of the newest change: whoever changes anything may say that this is what he knows
    """

    ledger: int
    journeys: list[JourneyShown]


class JourneyLooked(msgspec.Struct, frozen=True, kw_only=True):
    """A journey with its steps, over all versions, or of the one that `?version=` asks for."""

    name: str
    state: JourneyStateName
    version: int
    entered: int
    goal: int
    steps: Mapping[str, StepCount]
    ledger: int
    health: list[SignShown]


class VersionShown(msgspec.Struct, frozen=True, kw_only=True):
    """
    at    when it was published, None for what a store began with long ago
    by    the name of the key with which it was, "" where nobody was named
    runs  how many are open in it
    """

    version: int
    at: str | None
    by: str
    runs: int
    digest: str


class Versions(msgspec.Struct, frozen=True, kw_only=True):
    """The versions of a journey that somebody may go by, the newest first."""

    name: str
    state: JourneyStateName
    ledger: int
    versions: list[VersionShown]


class ChangeAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    dry     only say what it would do
    ledger  the number of the newest change that the client knows
    """

    dry: bool | None = None
    ledger: int | None = None


class PublishAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    files    the project's texts by their paths in its folder
    journey  refuse it if anything else than this journey or campaign would change
    """

    files: dict[str, str]
    dry: bool | None = None
    ledger: int | None = None
    journey: str | None = None


class LetterShown(msgspec.Struct, frozen=True, kw_only=True):
    """What could not be applied. Without the scope `people:read` nobody is named, and `line` is None."""

    id: str
    at: str
    what: str
    person: str
    reason: str
    line: str | None


class Letters(msgspec.Struct, frozen=True):
    """Shard by shard, the oldest first."""

    letters: list[LetterShown]


class Resent(msgspec.Struct, frozen=True):
    """How many events have been applied."""

    applied: int


class Troubles(msgspec.Struct, frozen=True):
    """What is not in order now, a sentence each."""

    troubles: list[str]


class BackupAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Under which name the backup is to lie in the server's folder `backups`."""

    name: str
