"""May this record be appended, may this epoch be taken? The same answer in every store."""

from __future__ import annotations

from parcours.errors import StoreBusy
from parcours.store.store import Record


def check_epoch(asked: int, held: int) -> None:
    """Raise StoreBusy if the shard has since been given to somebody else."""
    if asked < held:
        raise StoreBusy(f"the shard is held under epoch {held}; epoch {asked} is over and has to stop")


def check_record(record: Record, newest: int, held: int) -> None:
    """Refuse the record unless it follows the newest one and comes under the epoch held."""
    check_epoch(record.epoch, held)
    assert record.epoch == held, f"epoch {record.epoch} has not been taken, {held} is held"
    assert record.sequence == newest + 1, f"record {record.sequence} does not follow record {newest}"
