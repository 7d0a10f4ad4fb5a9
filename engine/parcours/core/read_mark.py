"""Who somebody was at the instant of a read of an audience, noted as long as the read is not over."""

from __future__ import annotations

import msgspec


class ReadMark(msgspec.Struct, frozen=True, array_like=True):
    """Who somebody was at the instant of a read that is not over, for something later has happened to her.

    at       the instant
    inside   the journeys that read an audience then which she was in
    entered  the journeys that she has entered by it, ahead of others
    """

    at: int
    inside: tuple[str, ...]
    entered: tuple[str, ...] = ()
