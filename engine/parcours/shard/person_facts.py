"""What does a shard's journal still tell of one person? Facts, found by reading it record after record.

There is no index by person: somebody asks seldom, and an index would be paid for by every commit. So the
journal is read in slices, between which the shard goes on with its work, and of each record only the facts
of that one person are kept. They reach back as far as the journal does.
"""

from __future__ import annotations

from parcours.core.fact import Fact
from parcours.core.fact_block import decode_facts
from parcours.core.identity import SlotMap
from parcours.shard.messages import Recalled
from parcours.store.address import open_store
from parcours.store.store import Record, Store

SLICE_BYTES = 4_000_000
"""Read in one go: about 20 ms, as long as a large batch takes."""

RECORD_BYTES = 500
"""What looking at a record costs beside its contents, in bytes that could be read meanwhile."""


def recall(store: Store, person: str, after: int, through: int) -> Recalled:
    """The person's facts in a slice of the records above `after` up to `through`, in the order of happening."""
    name = person.encode()
    found: list[Fact] = []
    looked_at = 0
    for record in store.records(after):
        if record.sequence > through:
            break
        if name in record.facts:  # most records do not name the person, and need not be decoded
            facts = decode_facts(record.facts, f"record {record.sequence}")
            found += [fact for fact in facts if fact.person == person]
        looked_at += _size_bytes(record)
        if looked_at >= SLICE_BYTES:
            return Recalled(found, through, record.sequence)
    return Recalled(found, through)


def recall_from(address: str, shards: int, person: str) -> list[Fact]:
    """All that a store still tells of a person, for whom no engine is running.

    Raises StoreBusy if one is: nothing else may open its files. Nothing that the store holds changes.
    """
    store = open_store(address, SlotMap(shards).shard(person))
    try:
        facts: list[Fact] = []
        after: int | None = 0
        while after is not None:
            recalled = recall(store, person, after, through=ALL)
            facts += recalled.facts
            after = recalled.after
        return facts
    finally:
        store.close()


ALL = 2**63 - 1
"""Above the number of any record."""


def _size_bytes(record: Record) -> int:
    return RECORD_BYTES + len(record.facts) + sum(len(data) for _, _, data in record.profiles)
