"""How does a live shard keep who stands still for total caps? In its own slot, an entry for each, with what waits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias, get_args

import msgspec

from parcours.core.input import Input
from parcours.core.offers.totals import TotalAnswer, TotalAsk
from parcours.shard.peer_messages import IdentityMessage
from parcours.shard.stash import Stash, StillReady, Waiting

ASKING: Final = "asking "
"""What the names of the entries begin with in the shard's own slot; a person's name follows."""


class StoredHeld(msgspec.Struct, frozen=True, array_like=True):
    """Somebody who stands still.

    inputs  what waits for her: its kind, and its bytes
    """

    asks: tuple[TotalAsk, ...]
    answers: list[TotalAnswer]
    until: int
    follows: str | None
    inputs: list[tuple[str, bytes]]


def _kinds(union: object) -> dict[str, Any]:
    return {each.__name__: each for each in get_args(union)}


Kinds: TypeAlias = Mapping[str, Any]
KINDS: Final[Kinds] = {**_kinds(Input), **_kinds(IdentityMessage), StillReady.__name__: StillReady}
"""The types of all that can wait, by name."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(StoredHeld).decode
_decoders = {name: msgspec.msgpack.Decoder(kind).decode for name, kind in KINDS.items()}


def stored_entries(stash: Stash) -> list[tuple[str, bytes]]:
    """The entries of the shard's own slot that have changed; empty bytes for whoever goes on."""
    return [(f"{ASKING}{person}", _encoded(stash, person)) for person in sorted(stash.changed)]


def _encoded(stash: Stash, person: str) -> bytes:
    if person not in stash:
        return b""
    asks, answers, until, follows, inputs = stash.stored(person)
    return _encode(StoredHeld(asks, answers, until, follows, [(type(each).__name__, _encode(each)) for each in inputs]))


def restore_stash(stash: Stash, own: Mapping[str, bytes]) -> None:
    """Have everybody stand still who did, by the entries of the shard's own slot."""
    for name, data in own.items():
        if name.startswith(ASKING):
            held = _decode(data)
            inputs: list[Waiting] = [_decoders[kind](each) for kind, each in held.inputs]
            stash.restore(name.removeprefix(ASKING), held.asks, held.answers, held.until, held.follows, inputs)
