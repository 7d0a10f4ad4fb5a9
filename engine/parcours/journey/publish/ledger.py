"""The ledger of what is published: which version of each journey takes entries, which drain, what is closed or paused.

The ledger changes step by step, each change with a number and one effective time. A `Ledger` is the state after a
change; every function here takes a ledger and returns the next one, so that a change is computed once and then only
distributed: applying a ledger twice changes nothing. A publication is a project as it was published: it is kept for as
long as a journey has a version in it.

    open ── close ──> closed        pause / resume: of any journey that is not stopped,
     │ ^                │           whether it is open or closed
     │ └─── publish ────┤
     └────── stop ──> stopped
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import msgspec

from parcours.errors import CallerError
from parcours.expression.definition_keys import DefinitionKeys
from parcours.journey.publish.digest import Digests
from parcours.wording import bounded, nearest, quoted

EntryState: TypeAlias = Literal["open", "closed", "stopped"]
JourneyStateName: TypeAlias = Literal["open", "closed", "stopped", "paused"]
Reopening: TypeAlias = bool | frozenset[str]
Verb: TypeAlias = Literal["publish", "close", "stop", "pause", "resume"]
Named: TypeAlias = Literal["journey", "campaign"]
"""What a name in the ledger is of; both share one name space."""


CHANGES_MAX: Final = 500
"""Changes that are remembered. All shards have them, and every change writes them anew."""

SENTENCES_MAX: Final = 10
"""Sentences that are remembered of a change: a publication may change a hundred messages."""

SENTENCE_MAX: Final = 300
"""Characters of one of them."""


class Version(msgspec.Struct, frozen=True, array_like=True):
    """One version of a journey: its content never changes.

    publication  the number of the one that holds it
    at           when it was published, in ms; 0 for what a store began with
    by           by whom: the name of a key, "" where nobody was named
    """

    number: int
    digest: str
    publication: int
    at: int
    by: str = ""


class LedgerEntry(msgspec.Struct, frozen=True, array_like=True):
    """The state of one journey.

    entries    whether the journey takes entries, was closed, or stopped
    offered    whether the newest publication has the journey at all
    paused_at  since when it is paused, in ms
    versions   oldest first; runs may be in any of them
    """

    entries: EntryState
    offered: bool
    paused_at: int | None
    versions: tuple[Version, ...]

    @property
    def newest(self) -> Version:
        return self.versions[-1]

    @property
    def state(self) -> JourneyStateName:
        if self.paused_at is not None:
            return "paused"
        return self.entries if self.offered or self.entries == "stopped" else "closed"


class Definition(msgspec.Struct, frozen=True, array_like=True):
    """The latest definition of a name: its number and digest."""

    number: int
    digest: str


class ChangeFigures(msgspec.Struct, frozen=True, array_like=True):
    """Of the moment before a change: open runs of the journeys concerned that stayed where they were, that ended, or
    that made up for what a pause had kept; and the deliveries that were cancelled with runs.
    """

    stay: int = 0
    end: int = 0
    make_up: int = 0
    cancelled: int = 0


class Change(msgspec.Struct, frozen=True, array_like=True):
    """A change as it is remembered.

    number, at, verb, journey, by  those of the ledger after it
    figures                        None where nobody has counted, as at an opening
    said                           what was otherwise afterwards, the first sentences of it
    """

    number: int
    at: int
    verb: Verb
    journey: str
    by: str
    figures: ChangeFigures | None = None
    said: tuple[str, ...] = ()


class Ledger(msgspec.Struct, frozen=True, array_like=True):
    """Everything that is published, after one change.

    number           of the last change
    at               its effective time, in ms
    verb, journey    what was done, and to which journey: "" for a publication, which is of them all
    publication      the number of the newest one
    source           digest of the newest publication's documents
    definition_keys  the definition numbers above 1 of audiences and of event types, by publication
    by               who made the change: the name of a key, "" where nobody was named
    trail            the newest changes, this one last
    """

    number: int = 0
    at: int = 0
    verb: Verb = "publish"
    journey: str = ""
    publication: int = 0
    source: str = ""
    journeys: dict[str, LedgerEntry] = {}
    audiences: dict[str, Definition] = {}
    events: dict[str, Definition] = {}
    definition_keys: dict[int, tuple[dict[str, int], dict[str, int]]] = {}
    by: str = ""
    trail: tuple[Change, ...] = ()

    def definition_keys_of(self, publication: int) -> DefinitionKeys:
        return DefinitionKeys(*self.definition_keys.get(publication, ({}, {})))

    def publications(self) -> set[int]:
        """The publications that some version is part of, and the newest one."""
        return {self.publication} | {each.publication for entry in self.journeys.values() for each in entry.versions}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A project that may be published: the digest of all its documents, and those of its parts."""

    source: str
    digests: Digests


def published(ledger: Ledger, offer: Candidate, at: int, *, reopen: Reopening, by: str = "") -> Ledger:
    """The ledger after publishing the candidate. A journey whose content has changed gets the next version.

    reopen  closed and stopped journeys are opened again, even those that have not changed; or those of these names
    """
    publication = ledger.publication + 1
    audiences = _renewed(ledger.audiences, offer.digests.audiences)
    events = _renewed(ledger.events, offer.digests.events)
    offered = offer.digests.versioned
    journeys = {name: _withdrawn(entry) for name, entry in ledger.journeys.items() if name not in offered}
    for name, digest in offered.items():
        entry = ledger.journeys.get(name)
        journeys[name] = _next(entry, Version(1, digest, publication, at, by), reopen=is_reopened(name, reopen))
    named = _numbers(audiences, offer.digests.audiences), _numbers(events, offer.digests.events)
    # Definition numbers are kept by publication, since an older one has to be compiled again with those of its time.
    renewed = Ledger(ledger.number + 1, at, "publish", "", publication, offer.source, journeys, audiences, events)
    kept = {number: each for number, each in ledger.definition_keys.items() if number in renewed.publications()}
    keys = kept | ({publication: named} if any(named) else {})
    return _remembered(msgspec.structs.replace(renewed, definition_keys=keys, by=by), ledger.trail)


def is_reopened(journey: str, reopen: Reopening) -> bool:
    """Whether a publication opens this journey again that has not changed."""
    return reopen if isinstance(reopen, bool) else journey in reopen


def retired(ledger: Ledger, in_use: Collection[tuple[str, int]]) -> Ledger:
    """The ledger without drained versions: those without open runs (`in_use` names the ones that have some)."""
    journeys = {
        name: msgspec.structs.replace(
            entry,
            versions=(*(each for each in entry.versions[:-1] if (name, each.number) in in_use), entry.newest),
        )
        for name, entry in ledger.journeys.items()
    }
    return msgspec.structs.replace(ledger, journeys=journeys)


def _next(entry: LedgerEntry | None, version: Version, *, reopen: bool) -> LedgerEntry:
    if entry is None:
        return LedgerEntry("open", True, None, (version,))
    # The same digest means the same version: only the publication that holds its documents moves on.
    if entry.newest.digest != version.digest:
        following = msgspec.structs.replace(version, number=entry.newest.number + 1)
        return LedgerEntry("open", True, entry.paused_at, (*entry.versions, following))
    # A journey that comes back after a publication without it opens again, as a new one would.
    entries: EntryState = "open" if reopen or not entry.offered else entry.entries
    held_now = msgspec.structs.replace(entry.newest, publication=version.publication)  # older ones can be dropped
    return LedgerEntry(entries, True, entry.paused_at, (*entry.versions[:-1], held_now))


def _withdrawn(entry: LedgerEntry) -> LedgerEntry:
    return msgspec.structs.replace(entry, offered=False)


def _renewed(known: Mapping[str, Definition], digests: Mapping[str, str]) -> dict[str, Definition]:
    """The definition of each name now. An unused one keeps its number: histories under its key may outlive it."""
    renewed = dict(known)
    for name, digest in digests.items():
        before = known.get(name)
        if before is None or before.digest != digest:
            renewed[name] = Definition(1 if before is None else before.number + 1, digest)
    return renewed


def _numbers(meanings: Mapping[str, Definition], names: Mapping[str, str]) -> dict[str, int]:
    return {name: meanings[name].number for name in names if meanings[name].number > 1}


def changed(ledger: Ledger, verb: Verb, name: str, at: int, by: str = "", of: Named = "journey") -> Ledger:
    """The ledger after closing, stopping, pausing or resuming a journey; the same one if that changes nothing.

    of  what it is in sentences, as the ledger does not tell campaigns from journeys
    Raises CallerError for an unknown journey, and for one that cannot be paused.
    """
    entry = ledger.journeys.get(name)
    if entry is None:
        raise CallerError(f"there is no {of} {quoted(name)}{nearest(name, ledger.journeys)}")
    if verb == "pause" and entry.entries == "stopped":
        raise CallerError(f"the {of} {name!r} is stopped: nobody is in it, and nobody enters")
    changed_entry = _changed(entry, verb, at)
    if changed_entry == entry:
        return ledger
    journeys = {**ledger.journeys, name: changed_entry}
    number = ledger.number + 1
    after = msgspec.structs.replace(ledger, number=number, at=at, verb=verb, journey=name, journeys=journeys, by=by)
    return _remembered(after, ledger.trail)


def noted(ledger: Ledger, figures: ChangeFigures, said: Sequence[str]) -> Ledger:
    """The ledger with what its newest change has come to."""
    *older, newest = ledger.trail
    shown = tuple(bounded(each, SENTENCE_MAX) for each in said[:SENTENCES_MAX])
    return msgspec.structs.replace(ledger, trail=(*older, msgspec.structs.replace(newest, figures=figures, said=shown)))


def _remembered(ledger: Ledger, trail: tuple[Change, ...]) -> Ledger:
    newest = Change(ledger.number, ledger.at, ledger.verb, ledger.journey, ledger.by)
    return msgspec.structs.replace(ledger, trail=(*trail, newest)[-CHANGES_MAX:])


def _changed(entry: LedgerEntry, verb: Verb, at: int) -> LedgerEntry:
    match verb:
        case "close":
            return msgspec.structs.replace(entry, entries="closed" if entry.entries == "open" else entry.entries)
        case "stop":
            return msgspec.structs.replace(entry, entries="stopped", paused_at=None)
        case "pause":
            return msgspec.structs.replace(entry, paused_at=at if entry.paused_at is None else entry.paused_at)
        case "resume":
            return msgspec.structs.replace(entry, paused_at=None)
        case _:
            raise AssertionError("a publication is no change of one journey")
