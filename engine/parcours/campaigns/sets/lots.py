"""Lots: the order in which people come where chance is asked for, the same wherever and however often it is.

The lot of a person is the first 8 bytes of the BLAKE2b hash (64 bytes) of a seed and her name; the lowest comes first.
"""

from __future__ import annotations

from hashlib import blake2b


def seed_of(campaign: str, run: int, step: str) -> bytes:
    """What stands before a person's name, for a step of a run."""
    return b"".join(each.encode() + b"\0" for each in (campaign, str(run), step))


def lot(seed: bytes, person: str) -> int:
    return int.from_bytes(blake2b(seed + person.encode()).digest()[:8])
