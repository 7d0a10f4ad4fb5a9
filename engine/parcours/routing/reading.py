"""A partition of a source that a router reads: what its batches say of it besides their lines."""

from __future__ import annotations


class Reading:
    """The partition, and `below`: before this offset nothing is outstanding at any shard. Whoever reads moves it on."""

    __slots__ = ("below", "partition")

    def __init__(self, partition: str, below: int) -> None:
        self.partition = partition
        self.below = below


NO_READING = Reading("", 0)
"""That of a router whose lines come from elsewhere."""
