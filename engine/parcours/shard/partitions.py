"""Partitions of sources: how far each of them has been taken, so that a line is applied once though it has no id.

Whoever reads a partition is a router whose lines are numbered by their offsets. After a crash it reads again from a
place before the crash, and each shard recognises what it has. So that commits with what the lines have moved:

- `below`: before this offset nothing is outstanding anywhere. The reader knows it, as all shards answer to it, and says
  it with each batch, or by itself where a shard gets none. Until a line is answered for good, at whichever shard, it
  holds `below` back: a line that is deferred may still come to any shard.
- The offsets at and above it that this shard has taken, block by block: an entry of the shard's own slot for the lines
  of a batch, so a record carries only what is new. A block goes once `below` has passed it. The reader bounds how many
  offsets that are (`source_lines_max`), for it reads no further beyond `below`.
- The reader: a batch of any other one is refused. So two that read the same partition do not both move it, whatever the
  log believes, and once all shards have committed a new reader, what they have is all that they will ever have had.

Whether a source is paused is kept here, too, so that it holds for all who read it and after a restart: by the first
shard for all of them, so that there are no two minds about it.

Reading begins at the lowest `below` of all shards. What one shard has is only true beside what the others have: while
no move between shards may begin, as when stores are copied, nothing is taken of any partition either. A position that
is told meanwhile is kept, for all before it had been taken by then. These entries are never let go to make room for
others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, count, pairwise

import msgspec

from parcours.shard.messages import Batch

PREFIX = "source "
"""What the names of the entries begin with: the partition's number follows, and of a block its own."""

PAUSED = "paused source "
"""The same of the entries of paused sources: their names follow."""


class PartitionPosition(msgspec.Struct, frozen=True, array_like=True):
    """How far a partition has been taken.

    partition  the name of its source and its own
    entry      the number of its entry in the shard's own slot
    reader     the router whose batches are taken
    below      before this offset nothing is outstanding; None as long as nobody has said
    moves      how often whoever operates the engine has said where reading goes on
    """

    partition: str
    entry: int
    reader: str
    below: int | None
    moves: int = 0


class TakenLines(msgspec.Struct, frozen=True, array_like=True):
    """Offsets that have been taken: the first, the last, and the steps from each to the next; none if each is 1."""

    first: int
    last: int
    steps: list[int] = []

    @classmethod
    def of(cls, offsets: Sequence[int]) -> TakenLines:
        """Those of a batch, at least one."""
        first, last = min(offsets), max(offsets)
        if last - first + 1 == len(offsets):
            return cls(first, last)
        offsets = sorted(offsets)
        return cls(first, last, [after - before for before, after in pairwise(offsets)])

    def offsets(self) -> Sequence[int]:
        if not self.steps:
            return range(self.first, self.last + 1)
        return list(accumulate(self.steps, initial=self.first))


class TakenPartition(msgspec.Struct, frozen=True, array_like=True):
    """How far a shard has taken a partition.

    partition  its own name, without that of its source
    below      as in its position
    end        behind the last line that the shard has taken, or of which it has heard that nobody waits for it
    moves      as in its position
    """

    partition: str
    below: int | None
    end: int
    moves: int


class Reader(msgspec.Struct, frozen=True, array_like=True):
    """Who reads a partition.

    name   empty as long as nobody has
    heard  how often the shard has heard from it since it was opened
    """

    name: str = ""
    heard: int = 0


_encode = msgspec.msgpack.Encoder().encode
_decode_position = msgspec.msgpack.Decoder(PartitionPosition).decode
_decode_block = msgspec.msgpack.Decoder(TakenLines).decode


@dataclass(slots=True)
class _Known:
    """A partition: its position, its blocks by number, the highest offset in them, and how often its reader spoke."""

    position: PartitionPosition
    blocks: dict[int, TakenLines] = field(default_factory=dict)
    highest: int = -1
    heard: int = 0

    @property
    def name(self) -> str:
        return f"{PREFIX}{self.position.entry}"

    def add(self, number: int, block: TakenLines) -> None:
        self.blocks[number] = block
        self.highest = max(self.highest, block.last)

    def taken(self) -> set[int]:
        return {offset for block in self.blocks.values() for offset in block.offsets()}


class Partitions:
    """The partitions of which a shard has heard."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._paused: set[str] = set()

    def restore(self, entries: Mapping[str, bytes]) -> None:
        """Come back from the entries of the shard's own slot."""
        self._known = {position.partition: known for position, known in _partitions_in(entries).items()}
        self._paused = {name.removeprefix(PAUSED) for name in entries if name.startswith(PAUSED)}

    def is_paused(self, source: str) -> bool:
        """Whether nobody is to read this source now, as the first shard keeps it."""
        return source in self._paused

    def pause(self, source: str, *, paused: bool) -> tuple[str, bytes]:
        """It is paused from now on, or is not. The entry to be committed."""
        (self._paused.add if paused else self._paused.discard)(source)
        return f"{PAUSED}{source}", b"1" if paused else b""

    def positions(self) -> dict[str, int | None]:
        """The position of each partition."""
        return {name: known.position.below for name, known in self._known.items()}

    def taken(self, source: str) -> list[TakenPartition]:
        """How far each partition of the source has been taken."""
        found = []
        for name, known in self._known.items():
            of, _, partition = name.partition("/")
            if of == source:
                end, position = max(known.position.below or 0, known.highest + 1), known.position
                found.append(TakenPartition(partition, position.below, end, position.moves))
        return found

    def reader(self, partition: str) -> Reader:
        """Who reads it."""
        known = self._known.get(partition)
        return Reader() if known is None else Reader(known.position.reader, known.heard)

    def is_read_by(self, partition: str, reader: str) -> bool:
        """Whether batches of this router are taken, which has said something now."""
        known = self._known.get(partition)
        if known is None or known.position.reader != reader:
            return False
        known.heard += 1
        return True

    def begin(self, partition: str, reader: str) -> tuple[str, bytes]:
        """From now on this router reads the partition, and no other one. The entry to be committed."""
        known = self._known.get(partition)
        if known is None:
            taken = {each.position.entry for each in self._known.values()}
            entry = next(entry for entry in count() if entry not in taken)
            known = self._known[partition] = _Known(PartitionPosition(partition, entry, reader, None))
        known.position = msgspec.structs.replace(known.position, reader=reader)
        return known.name, _encode(known.position)

    def news(self, batch: Batch) -> list[int] | None:
        """The places of the lines that have not been taken; None if none of them has."""
        known = self._known[batch.partition]
        numbers, below = batch.line_numbers, known.position.below or 0
        if not numbers or min(numbers) > max(known.highest, below - 1):
            return None
        taken = known.taken()
        news = [place for place, number in enumerate(numbers) if number >= below and number not in taken]
        return None if len(news) == len(numbers) else news

    def advance(self, partition: str, below: int, offsets: Sequence[int] = ()) -> list[tuple[str, bytes]]:
        """These lines have been taken, and nothing before `below` is outstanding. The entries to be committed."""
        known = self._known[partition]
        entries: list[tuple[str, bytes]] = []
        if known.position.below is None or below > known.position.below:
            known.position = msgspec.structs.replace(known.position, below=below)
            entries.append((known.name, _encode(known.position)))
            for number in [number for number, block in known.blocks.items() if block.last < below]:
                del known.blocks[number]
                entries.append((f"{known.name} {number}", b""))
        if offsets:
            number, block = max(known.blocks, default=0) + 1, TakenLines.of(offsets)
            known.add(number, block)
            entries.append((f"{known.name} {number}", _encode(block)))
        return entries

    def move(self, partition: str, position: int) -> list[tuple[str, bytes]]:
        """Reading goes on at this position, by a new reader, and nothing is taken. The entries to be committed."""
        known = self._known[partition]
        entries = [(f"{known.name} {number}", b"") for number in known.blocks]
        moves = known.position.moves + 1
        position_there = msgspec.structs.replace(known.position, reader="", below=position, moves=moves)
        self._known[partition] = _Known(position_there)
        return [(known.name, _encode(position_there)), *entries]


def together(owns: Sequence[Mapping[str, bytes]]) -> dict[str, bytes]:
    """The entries of a shard that knows what all of these have taken, for a store that is shared out anew."""
    merged: dict[str, _Known] = {}
    for own in owns:
        for position, known in _partitions_in(own).items():
            there = merged.get(position.partition)
            if there is None:
                there = merged[position.partition] = _Known(msgspec.structs.replace(position, entry=len(merged)))
            elif position.below is not None and (there.position.below or position.below) >= position.below:
                there.position = msgspec.structs.replace(there.position, below=position.below)
            for block in known.blocks.values():
                there.add(len(there.blocks) + 1, block)
    entries = {name: data for name, data in owns[0].items() if name.startswith(PAUSED)}
    entries |= {known.name: _encode(known.position) for known in merged.values()}
    for known in merged.values():
        entries |= {f"{known.name} {number}": _encode(block) for number, block in known.blocks.items()}
    return entries


def _partitions_in(entries: Mapping[str, bytes]) -> dict[PartitionPosition, _Known]:
    """The partitions among the entries of a shard's own slot."""
    found, blocks = {}, []
    for name, data in entries.items():
        if name.startswith(PREFIX):
            entry, _, number = name.removeprefix(PREFIX).partition(" ")
            if number:
                blocks.append((int(entry), int(number), data))
            else:
                found[int(entry)] = _Known(_decode_position(data))
    for of, block, data in blocks:
        found[of].add(block, _decode_block(data))
    return {known.position: known for known in found.values()}
