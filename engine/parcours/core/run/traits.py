"""Changes of traits: those that an identify call sets, within the room for undeclared ones, and what is told of any."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from parcours.core.fact import Changed, LimitReached
from parcours.core.paths import pick
from parcours.core.turn import Turn
from parcours.expression.dotted import joined_path, split_path
from parcours.wording import quoted


def set_traits(turn: Turn, changes: dict[str, object]) -> None:
    """Change traits; null removes one. Those that find no room are dropped, which is recorded."""
    settings = turn.settings
    traits = {**turn.profile.traits, **changes}
    for name in [name for name, value in changes.items() if value is None]:
        del traits[name]
    before = turn.profile.traits
    if _size(traits) <= min(settings.traits_bytes_max, settings.all_traits_bytes_max):
        turn.change_traits(traits)  # they fit even if none is declared
    else:
        turn.change_traits(_set_one_by_one(turn, changes))
    tell_changes(turn, before, changes)


def tell_changes(turn: Turn, before: Mapping[str, object], names: Iterable[str]) -> None:
    """Record which of the traits of these names are not as they were before.

    Of an object it is the declared paths below it, and the object itself if only something else in it has changed.
    """
    after, declared = turn.profile.traits, turn.program.disclosure.traits
    for name in names:
        if _same(before.get(name), after.get(name)):
            continue
        paths = declared.get(name, ())
        told: Sequence[str] = paths
        if paths != (name,):  # nearly every trait is declared as a whole
            told = [path for path in paths if not _same(pick(before, path), pick(after, path))]
        for path in told or (joined_path((name,)),):
            value = None
            if path in turn.program.disclosure.told_traits:
                value = msgspec.json.encode(pick(after, path)).decode()
            turn.effects.facts.append(Changed(turn.at, turn.person, "trait", path, value))


def _same(one: object, other: object) -> bool:
    """Whether both are the same value of JSON, where true is no number."""
    return one is other or (one == other and isinstance(one, bool) == isinstance(other, bool))


def _set_one_by_one(turn: Turn, changes: dict[str, object]) -> dict[str, object]:
    kept = dict(turn.profile.traits)
    declared = frozenset(split_path(path)[0] for path in turn.program.trait_kinds)
    for name, value in changes.items():
        if value is None:
            kept.pop(name, None)
            continue
        traits = {**kept, name: value}
        undeclared = {other: kept for other, kept in traits.items() if other not in declared}
        if name not in declared and _size(undeclared) > turn.settings.traits_bytes_max:
            tell_dropped(turn, name, "traits_bytes_max")
        elif not has_room(turn, traits):
            tell_dropped(turn, name, "all_traits_bytes_max")
        else:
            kept = traits
    return kept


def has_room(turn: Turn, traits: dict[str, object]) -> bool:
    """Whether all these traits fit into a profile."""
    return _size(traits) <= turn.settings.all_traits_bytes_max


def _size(traits: dict[str, object]) -> int:
    return len(msgspec.json.encode(traits))


def tell_dropped(turn: Turn, name: str, setting: str) -> None:
    """Record that a trait has found no room under this setting."""
    turn.effects.facts.append(LimitReached(turn.at, turn.person, setting, f"trait {quoted(name)} was not kept"))
