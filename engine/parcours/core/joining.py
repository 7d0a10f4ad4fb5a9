"""What do two people have once they are one? Everything but their runs and deliveries, which arriving.py takes in.

Where both have something that only one can have, the person's own stays; what is a set or a history is put together.
A withdrawal outlasts every grant. Of somebody whose history is not used (`anonymous_history: unused`) only declared
traits, withdrawals, dead addresses and what counts against caps come along: nothing that an event of hers has said.

Her memberships in audiences lapse, for the person is looked at again, but for saved ones, which have the person then
(arriving.py); and so do her marks for reads that are not over: a read counts the person, and nobody twice.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from parcours.config import DAY_MS
from parcours.core.delivery import reservations, stated_consents, suppression
from parcours.core.delivery.deciding import drop_offers, join_offers
from parcours.core.delivery.destinations import join_synced
from parcours.core.fact import LimitReached
from parcours.core.identity import USER, namespace_of
from parcours.core.paths import pick, replaced
from parcours.core.profile import Identity, Profile, Timer
from parcours.core.run.traits import set_traits
from parcours.core.series_entries import SeriesEntries
from parcours.core.turn import Turn
from parcours.core.whereabouts import follow_no_more, join_places
from parcours.expression.definition_keys import plain
from parcours.expression.dotted import split_path


def join(turn: Turn, name: str, other: Profile) -> None:
    """Give the person what somebody else of this name has, but for runs and what belongs to them."""
    used = turn.program.anonymous_history == "used"
    _join_traits(turn, other.traits, used=used)
    stated_consents.take_in(turn, other.consents, grants=used)
    suppression.take_in(turn, other)
    reservations.take_in(turn, other)
    if used:
        _join_series(turn, other.series)
        join_places(turn, other)
        join_offers(turn, other)
    else:
        drop_offers(turn, other)
    follow_no_more(turn)
    join_synced(turn, other)
    turn.profile.limits += [each for each in other.limits if each not in turn.profile.limits]
    turn.profile.identity = _identity(turn, name, other.identity)


def _identity(turn: Turn, name: str, other: Identity | None) -> Identity:
    """Her names: the one that was merged, and those that were its own."""
    own = turn.profile.identity or Identity()
    names = {**(other.names if other is not None else {}), **own.names, name: turn.at // DAY_MS}
    return Identity(names=names, identified=True, shared=own.shared)


def identify(turn: Turn) -> None:
    """Somebody who is called by a user id is known from now on; nobody else is."""
    if namespace_of(turn.person) == USER and (turn.profile.identity is None or not turn.profile.identity.identified):
        turn.profile.identity = replace(turn.profile.identity or Identity(), identified=True)


def keep_names(turn: Turn) -> None:
    """See to it that names are let go that nobody has used for long."""
    profile, memory_ms = turn.profile, turn.settings.identity_memory_ms
    if profile.identity is None or not profile.identity.names or any(each.kind == "names" for each in profile.timers):
        return
    profile.sequence += 1
    due = (min(profile.identity.names.values()) + 1) * DAY_MS + memory_ms
    profile.timers.append(Timer(max(due, turn.at + 1), profile.sequence, "names"))


def let_names_go(turn: Turn) -> None:
    """The names that nobody has used for long are the person's no more."""
    identity, memory_ms = turn.profile.identity, turn.settings.identity_memory_ms
    if identity is not None:
        lapsed = [name for name, day in identity.names.items() if (day + 1) * DAY_MS + memory_ms <= turn.at]
        for name in lapsed:
            del identity.names[name]
        turn.effects.let_go = tuple(lapsed)
        keep_names(turn)


def _join_traits(turn: Turn, theirs: Mapping[str, object], *, used: bool) -> None:
    """Fill the traits that the person lacks: declared ones first, then the others as far as there is room."""
    own, declared = turn.profile.traits, turn.program.trait_kinds
    roots = dict.fromkeys(split_path(path)[0] for path in declared)
    filled: dict[str, object] = {}
    if used:
        names = sorted(theirs, key=lambda trait: trait not in roots)
        filled = {trait: _filled(own.get(trait), theirs[trait]) for trait in names}
    else:
        traits = dict(own)
        for path in declared:
            value = pick(theirs, path)
            if value is not None and _lacks(traits, split_path(path)):
                traits = replaced(traits, path, value)
        filled = {root: traits[root] for root in roots if root in traits}
    changes = {trait: value for trait, value in filled.items() if value is not None and value != own.get(trait)}
    if changes:
        set_traits(turn, changes)


def _filled(own: object, theirs: object) -> object:
    """The value that both together have: of two objects each path that either has."""
    if isinstance(own, dict) and isinstance(theirs, dict):
        return own | {key: _filled(own.get(key), value) for key, value in theirs.items()}
    return theirs if own is None else own


def _lacks(traits: object, keys: tuple[str, ...] | list[str]) -> bool:
    """Whether nothing stands at the path, and nothing in its way."""
    for key in keys:
        if traits is None:
            return True
        if not isinstance(traits, dict):
            return False
        traits = traits.get(key)
    return traits is None


def _join_series(turn: Turn, theirs: Mapping[str, SeriesEntries]) -> None:
    """Put histories together by time, the person's own first at a tie; the newest entries stay."""
    for key, entries in theirs.items():
        own = turn.profile.series.setdefault(key, SeriesEntries())
        own.take_in(entries)
        surplus = len(own) - turn.settings.series_entries_max
        if surplus > 0:
            own.drop(surplus)
            why = f"the {surplus} oldest entries of {plain(key)!r} were dropped"
            turn.effects.facts.append(LimitReached(turn.at, turn.person, "series_entries_max", why))
