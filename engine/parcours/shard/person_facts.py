"""One person's facts and kept inputs, recalled from a shard's journal record after record.

There is no index by person: somebody asks seldom, and an index would be paid for by every commit. So the
journal is read in slices, between which the shard goes on with its work, and of each record only the facts
of that one person are kept. They reach back as far as the journal does.
"""

from __future__ import annotations

from msgspec.structs import replace

from parcours.core.fact import Fact
from parcours.core.fact_block import decode_facts
from parcours.core.input_block import decode_inputs
from parcours.segment.line import read_envelope
from parcours.shard.journal_slices import SLICE_BYTES, cost_bytes
from parcours.shard.messages import Recalled
from parcours.store.store import Record, Store


def recall(store: Store, person: str, after: int, through: int, *, lines: bool = False) -> Recalled:
    """The person's facts in a slice of the records above `after` up to `through`, in the order of happening.

    lines  her kept inputs as well
    """
    found = Recalled([], through)
    looked_at = 0
    for record in store.records(after):
        if record.sequence > through:
            break
        found.facts.extend(facts_of(record, person))
        if lines:
            found.lines.extend(lines_of(record, person))
        looked_at += cost_bytes(record)
        if looked_at >= SLICE_BYTES:
            return replace(found, after=record.sequence)
    return found


def facts_of(record: Record, person: str) -> list[Fact]:
    """The person's facts in one record."""
    if person.encode() not in record.facts:  # most records do not name the person, and need not be decoded
        return []
    facts = decode_facts(record.facts, f"record {record.sequence}")
    return [fact for fact in facts if fact.person == person]


def lines_of(record: Record, person: str) -> list[tuple[int, bytes]]:
    """The person's kept inputs in one record, each with its effective time in ms."""
    kept = decode_inputs(record.inputs, f"record {record.sequence}")
    return [
        (kept.times.get(place, record.stamp_ms), line)
        for place, line in enumerate(kept.lines)
        if (kept.names.get(place) or read_envelope(line).user_id) == person
    ]
