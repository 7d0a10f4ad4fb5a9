"""A person's facts and kept inputs under each of her names, recalled from a shard's journal record after record.

There is no index by person: somebody asks seldom, and an index would be paid for by every commit. So the
journal is read in slices, between which the shard goes on with its work, and of each record only the facts
of hers are kept. They reach back as far as the journal does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec.structs import replace

from parcours.core.fact import Fact
from parcours.core.fact_block import decode_facts
from parcours.core.input_block import decode_inputs
from parcours.segment.line import read_envelope
from parcours.shard.journal_slices import SLICE_BYTES, cost_bytes
from parcours.shard.messages import Recalled
from parcours.store.store import Record, Store


def recall(store: Store, people: Mapping[str, int], through: int, *, lines: bool = False) -> Recalled:
    """The facts of these people in a slice of the records up to `through`, in the order of happening.

    people  the record behind which each is told of
    lines   their kept inputs as well
    """
    found = Recalled([], through)
    looked_at = 0
    for record in store.records(min(people.values())):
        if record.sequence > through:
            break
        told = [person for person, after in people.items() if record.sequence > after]
        found.facts.extend(facts_of(record, told))
        if lines:
            found.lines.extend(lines_of(record, told))
        looked_at += cost_bytes(record)
        if looked_at >= SLICE_BYTES:
            return replace(found, after=record.sequence)
    return found


def facts_of(record: Record, people: Collection[str]) -> list[Fact]:
    """The facts of these people in one record."""
    if not any(person.encode() in record.facts for person in people):  # so most records need not be decoded
        return []
    facts = decode_facts(record.facts, f"record {record.sequence}")
    return [fact for fact in facts if fact.person in people]


def lines_of(record: Record, people: Collection[str]) -> list[tuple[int, bytes]]:
    """The kept inputs of these people in one record, each with its effective time in ms."""
    kept = decode_inputs(record.inputs, f"record {record.sequence}")
    return [
        (kept.times.get(place, record.stamp_ms), line)
        for place, line in enumerate(kept.lines)
        if (kept.names.get(place) or read_envelope(line).user_id) in people
    ]
