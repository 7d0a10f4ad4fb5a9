"""The disk of a shard that outlives its processes, and the store through which one process uses it.

What `MemoryStore` holds is durable here: each of its operations happens whole or not at all, and a fault strikes before
or after it. The disk also keeps a ledger of all records ever appended, with what led to each: the checker replays it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterator
from itertools import count
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

import msgspec

from parcours.core.fact import DeliveryReached, Fact
from parcours.core.fact_block import decode_facts
from parcours.core.input import Settlement
from parcours.errors import StoreBroken
from parcours.journey.publish.publications import Publications
from parcours.shard.messages import Batch
from parcours.shard.outbox import Claim
from parcours.shard.peers import MESSAGE, PEER
from parcours.shard.requests import ExchangeDeliveries
from parcours.shard.slots import OWN
from parcours.store.memory import MemoryStore
from parcours.store.store import Record, SlotImage, Write
from parcours.testing.faults.injector import Injector
from parcours.testing.faults.loop import Process

T = TypeVar("T")

TAKES_ROOM: Final = frozenset({"append", "change", "move", "save_image", "extend_file"})
"""What fails on a disk that is full; a shard can still be opened from it."""


def moves(record: Record) -> bool:
    """Whether messages to other shards, or of them, are part of the record."""
    return any(slot == OWN and name.startswith((PEER, MESSAGE)) for slot, name, _ in record.profiles)


class Claimed(msgspec.Struct, frozen=True):
    """A dispatcher asked for this delivery."""

    person: str
    key: str


class Answered(msgspec.Struct, frozen=True):
    """A dispatcher answered for a delivery, or was given up."""

    person: str
    receipt: Settlement


class Unasked(msgspec.Struct, frozen=True):
    """A dispatcher brought a receipt for a delivery that it had not claimed, or not any more."""

    receipt: Settlement


class SetAside(msgspec.Struct, frozen=True):
    """This line of the batch became a dead letter."""

    line: bytes


Given: TypeAlias = Claimed | Answered | Unasked | SetAside | Batch | Publications


class Commit(msgspec.Struct, frozen=True):
    """A record that has become durable, and what it was made of.

    given   the inputs in their order: a batch as a whole, also of dead letters that are sent again
    opens   whether it is the one of a shard that comes back
    inputs  the lines that are kept with it, as they are encoded
    applied the lines that counted, in their order; None where nobody has noted which did
    place   the number of the record among those of all shards, in the order in which they became durable
    """

    sequence: int
    epoch: int
    stamp_ms: int
    given: tuple[Given, ...]
    opens: bool
    facts: list[Fact]
    inputs: bytes = b""
    applied: tuple[bytes, ...] | None = None
    place: int = 0


class Disk:
    """One shard's.

    commits     the ledger of records
    violations  what has been written that must not be
    claims      how often each delivery has been claimed
    is_full     whether it has no room for now
    """

    def __init__(
        self,
        shard: int,
        cut_power: Callable[[], None],
        may_be_trimmed: Callable[[int], bool] = lambda record: True,
        places: Iterator[int] | None = None,
    ) -> None:
        """`cut_power` ends every process of the engine; `may_be_trimmed` is asked of each record that goes.

        places  numbers the records of all shards
        """
        self.shard = shard
        self.cut_power = cut_power
        self._may_be_trimmed = may_be_trimmed
        self.memory = MemoryStore()
        self.commits: list[Commit] = []
        self.violations: list[str] = []
        self.claims: Counter[str] = Counter()
        self.epoch = 0
        self.is_full = False
        self._places = count(1) if places is None else places

    def trim(self, through: int) -> bool:
        """The oldest record goes, if that may be."""
        oldest = next(self.memory.records(), None)
        is_gone = self.memory.trim(through)
        if is_gone and oldest is not None and not self._may_be_trimmed(oldest.sequence):
            self.violations.append(f"export: shard {self.shard} trimmed record {oldest.sequence}, and nobody has it")
        return is_gone

    def wrote(self, record: Record, given: tuple[Given, ...], applied: tuple[bytes, ...], *, opens: bool) -> None:
        """A record is durable."""
        before = self.commits[-1] if self.commits else None
        where = f"shard {self.shard}, record {record.sequence}"
        if record.epoch != self.epoch:
            self.violations.append(f"stale epoch: {where} came under {record.epoch}, {self.epoch} is held")
        if before is not None and record.sequence != before.sequence + 1:
            self.violations.append(f"journal: {where} follows record {before.sequence}")
        if before is not None and record.stamp_ms < before.stamp_ms:
            self.violations.append(f"journal: {where} has an earlier stamp than the record before")
        facts = decode_facts(record.facts, where)
        self.claims.update(
            fact.key for fact in facts if isinstance(fact, DeliveryReached) and fact.outcome == "claimed"
        )
        commit = Commit(record.sequence, record.epoch, record.stamp_ms, given, opens, facts, record.inputs, applied)
        self.commits.append(msgspec.structs.replace(commit, place=next(self._places)))


class ProcessStore:
    """The store as one process has it: satisfies `Store`. Whatever is done in vain ends the process or raises."""

    def __init__(self, disk: Disk, process: Process, injector: Injector) -> None:
        self._disk = disk
        self._process = process
        self._injector = injector
        self.opens = True
        self.batch: Batch | None = None
        self.asked: ExchangeDeliveries | None = None
        self.publications: Publications | None = None
        self.changes = False
        self.given: list[Claimed | Answered | SetAside] = []
        self.applied: Callable[[Batch], tuple[bytes, ...]] = lambda batch: tuple(batch.lines)
        """Tells which lines of the batch that is being committed count."""

    def _do(self, operation: str, action: Callable[[], T]) -> T:
        if self._process.is_dead:
            raise self._process.die()
        if self._disk.is_full and operation in TAKES_ROOM:
            self._injector.note("disk full")
            raise StoreBroken(f"{operation} fails: no space left on device")
        how = self._injector.at_store(self._disk.shard, operation)
        if how == "power cut before":
            self._disk.cut_power()
        if how in ("crash before", "power cut before"):
            raise self._process.die()
        if how == "fails before":
            raise StoreBroken(f"{operation} fails")
        result = action()
        if how == "power cut after":
            self._disk.cut_power()
        if how in ("crash after", "power cut after"):
            raise self._process.die()
        if how == "fails after":
            raise StoreBroken(f"{operation} reports a failure, though it has succeeded")
        return result

    def acquire(self, expected_epoch: int | None) -> int:
        return self._do("acquire", lambda: self._acquire(expected_epoch))

    def _acquire(self, expected_epoch: int | None) -> int:
        epoch = self._disk.memory.acquire(expected_epoch)
        if epoch <= self._disk.epoch:
            self._disk.violations.append(f"stale epoch: {epoch} was given out twice")
        self._disk.epoch = epoch
        return epoch

    def append(self, record: Record) -> int:
        operation = "change" if self.changes else "move" if moves(record) else "append"
        return self._do(operation, lambda: self._append(record))

    def _append(self, record: Record) -> int:
        size_bytes = self._disk.memory.append(record)
        applied = () if self.batch is None else self.applied(self.batch)
        self._disk.wrote(record, tuple(self._made_of()), applied, opens=self.opens)
        return size_bytes

    def _made_of(self) -> Iterator[Given]:
        """What is being committed: a batch, or receipts in the order in which they came, and claims behind them."""
        if self.batch is not None:
            yield self.batch
        if self.publications is not None:
            yield self.publications
        answered = {id(each.receipt): each for each in self.given if isinstance(each, Answered)}
        for _, receipt in () if self.asked is None else self.asked.receipts:
            yield answered.pop(id(receipt), Unasked(receipt))
        for each in self.given:
            if not isinstance(each, Answered) or id(each.receipt) in answered:
                yield each

    def settles(self, claim: Claim, receipt: Settlement) -> None:
        """A claim is settled by a receipt: it has to be its own."""
        if self.asked is not None:
            number = next((number for number, each in self.asked.receipts if each is receipt), claim.number)
            if (claim.by, claim.number) != (self.asked.by, number):
                told = f"{claim.number} of {claim.by} by a receipt for claim {number} of {self.asked.by}"
                self._disk.violations.append(f"receipt: {receipt.key} was settled, claim {told}")

    def took_in_motion(self, number: int) -> None:
        """A change reaches a shard that does not stand still: its time may have gone on since it was asked for it."""
        self._disk.violations.append(f"still: shard {self._disk.shard} goes on before it has change {number}")

    def save_image(self, image: SlotImage) -> int:
        return self._do("save_image", lambda: self._disk.memory.save_image(image))

    def trim(self, through: int) -> bool:
        return self._do("trim", lambda: self._disk.trim(through))

    def images(self) -> Iterator[SlotImage]:
        return self._disk.memory.images()

    def image(self, slot: int) -> SlotImage | None:
        return self._disk.memory.image(slot)

    def records(self, after: int = 0) -> Iterator[Record]:
        return self._disk.memory.records(after)

    def read_through(self, sequence: int) -> None:
        self._do("read_through", lambda: self._disk.memory.read_through(sequence))

    def extend_file(self, name: str, data: bytes) -> None:
        self._do("extend_file", lambda: self._disk.memory.extend_file(name, data))

    def read_file(self, name: str, start: int, size: int) -> bytes:
        return self._disk.memory.read_file(name, start, size)

    def delete_file(self, name: str) -> None:
        self._do("delete_file", lambda: self._disk.memory.delete_file(name))

    def file_names(self) -> set[str]:
        return self._disk.memory.file_names()

    def oldest(self) -> int:
        return self._disk.memory.oldest()

    def scrub(self) -> None:
        self._do("scrub", self._disk.memory.scrub)

    def scratch(self) -> memoryview:
        return self._disk.memory.scratch()

    def copy_to(self, folder: Path) -> Generator[Write, None, None]:
        return self._disk.memory.copy_to(folder)

    def size_bytes(self) -> int:
        return self._disk.memory.size_bytes()

    def close(self) -> None:
        """The disk stays."""
