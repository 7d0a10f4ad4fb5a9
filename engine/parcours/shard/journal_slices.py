"""How much of the journal is read in one go? Whoever reads more lets others have their turn in between."""

from __future__ import annotations

from typing import Final

from parcours.store.store import Record

SLICE_BYTES: Final = 4_000_000
"""Read in one go: 8 ms, less than a commit of single events takes with its fsync."""

RECORD_BYTES: Final = 8_000
"""What a record costs whatever it holds, in bytes that could be read meanwhile: 16 µs to find it and to prove its place
in the chain, and 2 ns for each of its bytes. Of single events a slice is some hundred records.
"""


def cost_bytes(record: Record) -> int:
    """How much of a slice the record takes."""
    return RECORD_BYTES + record.size_bytes()
