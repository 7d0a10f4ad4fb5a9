"""How does a batch of a recording look? As one of live lines, with the times that their reader has found in them."""

from __future__ import annotations

from parcours.config import Settings
from parcours.segment.line import timestamp_of
from parcours.shard.messages import Batch


def recorded_batch(router: str, number: int, line_numbers: list[int], lines: list[bytes]) -> Batch:
    """The lines as a batch for a shard under virtual time."""
    return Batch(router, number, line_numbers, lines, times=[timestamp_of(line, Settings()) for line in lines])
