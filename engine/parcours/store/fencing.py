"""Fencing and numbering: the epoch of a new owner, and the check that a record may be appended. For every store.

The epoch is a fencing token: it grows with each owner, and a record of an earlier owner is refused. Both functions
are asked inside the step that writes, so that nothing can come between the answer and what is done by it.
"""

from __future__ import annotations

from parcours.errors import StoreBusy
from parcours.store.store import Record


def next_epoch(expected: int | None, held: int) -> int:
    """The epoch of a new owner. Raises StoreBusy if another one is held than the new owner was told."""
    if expected not in (None, held):
        raise StoreBusy(f"the shard is held under epoch {held}, not {expected}: it has been given to somebody else")
    return held + 1


def check_record(record: Record, newest: int, held: int) -> None:
    """Refuse the record unless it follows the newest one and comes under the epoch held."""
    if record.epoch < held:
        raise StoreBusy(f"the shard is held under epoch {held}; epoch {record.epoch} is over and has to stop")
    assert record.epoch == held, f"epoch {record.epoch} has not been acquired, {held} is held"
    assert record.sequence == newest + 1, f"record {record.sequence} does not follow record {newest}"
