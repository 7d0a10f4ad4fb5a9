"""What goes along with somebody who moves to another shard: the bytes of a message."""

from __future__ import annotations

import msgspec

from parcours.core.effect import Outgoing
from parcours.core.fact import JoiningCall


class Packed(msgspec.Struct, frozen=True, array_like=True):
    """
    at       the time until which she has lived where she comes from
    call     by what she is merged
    profile  encoded
    outbox   what of hers is still to leave
    """

    at: int
    call: JoiningCall
    profile: bytes
    outbox: list[Outgoing]


pack = msgspec.msgpack.Encoder().encode
unpack = msgspec.msgpack.Decoder(Packed).decode
