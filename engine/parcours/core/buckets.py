"""Into which of so many equal parts somebody falls: the same one for ever, by a hash of names and not by chance."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from parcours.journey.model.steps import PERCENT_TOTAL

BUCKETS: Final = PERCENT_TOTAL
"""Shares are exact to a hundredth of a percent."""


def bucket_of(*names: str) -> int:
    """The bucket of these names together, from 0 to 9,999."""
    return hash_of(*names) % BUCKETS


def hash_of(*names: str) -> int:
    """A number below 2⁶⁴ that depends on these names together: the first 8 bytes of their blake2b, joined by NUL."""
    return int.from_bytes(blake2b("\0".join(names).encode()).digest()[:8], "big")
