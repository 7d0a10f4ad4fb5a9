"""Chance that belongs to a name: the same seed and name give the same number, whatever else is asked for.

Faults and calls are left out of a plan when it is shrunk. What remains must not change by that, so delays and the like
are not drawn from a stream, but found from what they are for.
"""

from __future__ import annotations

from zlib import crc32


def share(seed: int, *names: object) -> float:
    """A number from 0 up to 1."""
    return crc32(repr((seed, *names)).encode()) / 2**32


def between(low: float, high: float, seed: int, *names: object) -> float:
    """A number in this range; small ones are likelier."""
    return low + (high - low) * share(seed, *names) ** 2
