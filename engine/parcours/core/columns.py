"""A person's columns as of an instant: what her shard tells of her, so that sets of people can be made elsewhere.

Nothing of an author's expression leaves the shard but its value: the same closures answer as everywhere, over the
profile as it stands at the instant. A row is bytes from here on, and only whoever makes sets reads it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import msgspec

from parcours.config import Settings
from parcours.core.consent import consents_in_force, may_personalise
from parcours.core.history import is_member, scope_at
from parcours.core.identity import namespace_of
from parcours.core.paths import pick_at
from parcours.core.places.state import places_entered
from parcours.core.profile import Profile
from parcours.expression.definition_keys import number_of, plain
from parcours.expression.expression import MISSING, History
from parcours.expression.history import HistoryCall
from parcours.journey.campaign_columns import ALL_NAMES, ShardColumns
from parcours.journey.program import Program

_DURATION: Final = 1
"""The code of a duration: its microseconds, of eight bytes."""

_AS_THEY_ARE: Final = frozenset({bool, int, float, str})

_MICROSECOND: Final = timedelta(microseconds=1)


class PersonColumns(msgspec.Struct, frozen=True, array_like=True):
    """What a stage of a campaign asks of one person, each part in the order of `ShardColumns`.

    inside     whether she is in each audience
    values     of each expression: plain data, a datetime or a timedelta, None where it is missing
    traits     at each path, None where there is nothing
    histories  a number; of the last time the instant in ms, None where there is none
    consents   whether each is given
    names      her other names, those that were merged into her, in any of the namespaces; sorted
    """

    inside: list[bool]
    values: list[object]
    traits: list[object]
    histories: list[int | float | None]
    consents: list[bool]
    names: list[str] = []


class PersonTold(msgspec.Struct, frozen=True, array_like=True):
    """What the table of people tells of one: traits at the paths asked for, audiences and consents by name, and the
    places that she was told to have entered and not to have left.
    """

    traits: list[object]
    audiences: list[str]
    consents: list[str]
    places: list[str] = []


def columns_of(profile: Profile, at: int, program: Program, asked: ShardColumns, settings: Settings) -> bytes:
    """The person's `PersonColumns` at an instant, at which the profile has to stand."""
    scope = scope_at(profile, at, program, settings)
    row = PersonColumns(
        [is_member(program, profile, audience, scope) for audience in asked.audiences],
        [_told(each.expression.value(scope)) for each in asked.expressions],
        [pick_at(profile.traits, path) for path in asked.paths],
        [_asked(scope.history, call, at) for call in asked.histories],
        [scope.history.consent(channel, purpose) for channel, purpose in asked.consents],
        _other_names(profile, asked.namespaces),
    )
    return _encode(row)


def features_of(profile: Profile, at: int, program: Program, score: str, settings: Settings) -> bytes:
    """The person's `PersonColumns` for a score at an instant, at which the profile has to stand: the value of each of
    its features, none if it is not about her, or she is not to be scored; and all her other names.
    """
    scope, known = scope_at(profile, at, program, settings), program.scores[score]
    is_about = may_personalise(profile, program.policies) and (known.among is None or known.among.holds(scope))
    values = [_told(each.value.value(scope)) for each in known.features] if is_about else []
    return _encode(PersonColumns([], values, [], [], [], _other_names(profile, (ALL_NAMES,))))


def told_of(
    profile: Profile, at: int, program: Program, paths: tuple[tuple[str, ...], ...], settings: Settings
) -> bytes:
    """The person's `PersonTold` at an instant, at which the profile has to stand.

    An audience is told under its name as it is defined now. A consent is "channel", or "channel/purpose" where
    something was said of the purpose or a message has it.
    """
    scope = scope_at(profile, at, program, settings)
    row = PersonTold(
        [pick_at(profile.traits, path) for path in paths],
        sorted(plain(key) for key in newest_audiences(program) if is_member(program, profile, key, scope)),
        sorted(
            channel if purpose is None else f"{channel}/{purpose}"
            for (channel, purpose), granted in consents_in_force(profile, program).items()
            if granted
        ),
        [] if profile.whereabouts is None else places_entered(profile.whereabouts),
    )
    return _encode(row)


def newest_audiences(program: Program) -> list[str]:
    """The keys of all audiences, of each name the newest definition."""
    newest: dict[str, str] = {}
    for key in program.audiences:
        known = newest.get(plain(key))
        if known is None or number_of(key) > number_of(known):
            newest[plain(key)] = key
    return sorted(newest.values())


def read_columns(row: bytes) -> PersonColumns:
    """What `columns_of` has made."""
    return _decode_columns(row)


def read_told(row: bytes) -> PersonTold:
    """What `told_of` has made."""
    return _decode_told(row)


def _other_names(profile: Profile, namespaces: tuple[str, ...]) -> list[str]:
    if not namespaces or profile.identity is None:
        return []
    names = sorted(profile.identity.names)
    return names if ALL_NAMES in namespaces else [name for name in names if namespace_of(name) in namespaces]


def _asked(history: History, call: HistoryCall, at: int) -> int | float | None:
    if call.window_ms is None:
        return history.last(call.key)
    if call.path is None:
        return history.count(call.key, call.window_ms, at)
    return history.sum(call.key, call.window_ms, at)


def _told(value: object) -> object:
    """The value in a form that keeps its kind as bytes; the encoder itself would make a text of a duration."""
    if type(value) in _AS_THEY_ARE:
        return value
    if value is MISSING:
        return None
    if isinstance(value, timedelta):
        return msgspec.msgpack.Ext(_DURATION, (value // _MICROSECOND).to_bytes(8, signed=True))
    if isinstance(value, Mapping):
        return {key: _told(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_told(each) for each in value]
    return value


def _decoded(code: int, data: memoryview) -> object:
    assert code == _DURATION, "nothing else is told in a form of its own"
    return int.from_bytes(data, signed=True) * _MICROSECOND


_encode = msgspec.msgpack.Encoder().encode
_decode_columns = msgspec.msgpack.Decoder(PersonColumns, ext_hook=_decoded).decode
_decode_told = msgspec.msgpack.Decoder(PersonTold, ext_hook=_decoded).decode
