"""Which bytes are the facts of one commit, and how can whoever reads them later be sure of what they say?

A block of facts outlives the record that it comes with: it is exported, and read by releases to come. So it begins
with a number of its own, by which it is decoded.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from parcours.core.fact import Fact
from parcours.errors import StoreBroken

FORMAT = 1
"""First byte of a block; raised when the shape of a fact changes. What follows is msgpack."""

_PREFIX = bytes([FORMAT])
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Fact]).decode


def encode_facts(facts: Sequence[Fact]) -> bytes:
    """The facts' bytes; none where there are no facts."""
    return _PREFIX + _encode(facts) if facts else b""


def decode_facts(block: bytes, where: str) -> list[Fact]:
    """The facts again. `where` names the block in the StoreBroken raised if it cannot be read."""
    if not block:
        return []
    if block[0] != FORMAT:
        raise StoreBroken(
            f"{where} has facts of format {block[0]}, this release of Parcours reads format {FORMAT}: "
            "read them with the release that wrote them"
        )
    try:
        return _decode(memoryview(block)[1:])
    except msgspec.MsgspecError as error:
        raise StoreBroken(f"{where} has facts that cannot be read: {error}") from error
