"""Does whoever changes what lies in a store also say that older stores cannot be read any more?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import blake2b

import msgspec

from parcours.core.effect import Outgoing
from parcours.core.fact import Fact
from parcours.core.fact_block import FORMAT
from parcours.core.offers.lessons import Lessons
from parcours.core.offers.totals import TotalCount
from parcours.core.profile import Profile
from parcours.journey.publish.publications import Publications
from parcours.shard.fact_positions import FactPosition
from parcours.shard.ids.file import IdFileIndex
from parcours.shard.ids.stored import StoredIds
from parcours.shard.partitions import PartitionPosition, TakenLines
from parcours.shard.peer_messages import PeerMessage
from parcours.shard.peers import Link, Sent
from parcours.shard.positions import Position
from parcours.shard.published import Standing
from parcours.shard.reads import ReadsKept
from parcours.shard.stored_stash import StoredHeld
from parcours.shard.totals import StoredTotals
from parcours.store.codec import VERSION
from parcours.store.store import Record, SlotImage

KEPT = (
    Record, SlotImage, Profile, Outgoing, Position, Standing, Publications, StoredTotals, ReadsKept, StoredIds,
    IdFileIndex, Link, Sent, PeerMessage, StoredHeld, TotalCount, Lessons, PartitionPosition,
    TakenLines, FactPosition,
)  # fmt: skip
"""Everything that a store keeps the bytes of, but for facts."""

SHAPES = {3: "2b4cac0efae6b2ba"}
"""For each format the digest of what is written in it."""

FACT_SHAPES = {1: "a79f6652b878b893"}
"""The same for the formats of facts."""

WORDS = ("title", "description", "default")
"""What a schema says besides, and what no byte depends on."""


def without_words(schema: object) -> object:
    if isinstance(schema, dict):
        return {key: without_words(value) for key, value in schema.items() if key not in WORDS}
    return [without_words(each) for each in schema] if isinstance(schema, list | tuple) else schema


def shape_of(kinds: Sequence[object]) -> str:
    schema = without_words(msgspec.json.schema_components(kinds, schema_hook=lambda kind: {"of": kind.__name__}))
    return blake2b(json.dumps(schema, sort_keys=True).encode(), digest_size=8).hexdigest()


def test_what_a_store_keeps_has_the_shape_of_its_format() -> None:
    shape = shape_of(KEPT)

    assert SHAPES.get(VERSION) == shape, "raise VERSION in store/codec.py, unless what is there is read as it is"


def test_facts_have_the_shape_of_their_format() -> None:
    assert FACT_SHAPES.get(FORMAT) == shape_of([list[Fact]]), "raise FORMAT in core/fact_block.py"
