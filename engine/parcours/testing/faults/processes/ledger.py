"""The store's ledger: what each record was made of, written down by its shard just before it commits it.

The shards are the engine's own, and so are their stores; they are observed by the seams that the simulation uses. Each
process that owns a shard writes a file of its own for each epoch, on another disk than the store. A process may end
between its word and the commit, so the journal decides which of the words became true.
"""

from __future__ import annotations

import importlib
import os
import pickle
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from time import monotonic_ns
from typing import Any, Final, TypeVar, cast

from parcours.config import Settings
from parcours.core.identity import SlotMap
from parcours.errors import StoreBroken
from parcours.journey.program import Program
from parcours.routing.plan import Plan
from parcours.shard.shard import Shard
from parcours.store.store import Record, Store
from parcours.testing.faults.disk import Disk, Given, ProcessStore
from parcours.testing.faults.injector import Injector
from parcours.testing.faults.loop import Process
from parcours.testing.faults.observed import ObservedShard, ObservedTime

T = TypeVar("T")

LENGTH: Final = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Word:
    """A shard is about to commit a record, and says of what it is made.

    applied  the lines of its batch that count
    at_ns    when it says so, by the clock that all processes of a machine share
    """

    epoch: int
    sequence: int
    given: tuple[Given, ...]
    opens: bool
    applied: tuple[bytes, ...] = ()
    at_ns: int = 0


@dataclass(slots=True)
class _RealDisk:
    """Takes the place of a simulated disk under `ProcessStore`."""

    shard: int
    memory: Store
    violations: list[str] = field(default_factory=list)

    def trim(self, through: int) -> bool:
        return self.memory.trim(through)


class LedgerStore(ProcessStore):
    """A real store with a ledger beside it: satisfies `Store`."""

    def __init__(self, shard: int, store: Store, folder: Path) -> None:
        nobody = cast(Process, None), cast(Injector, None)
        super().__init__(cast(Disk, _RealDisk(shard, store)), *nobody)
        self._path = folder / f"shard-{shard}-process-{os.getpid()}"

    def _do(self, operation: str, action: Callable[[], T]) -> T:
        del operation  # nothing is simulated
        return action()

    def _acquire(self, expected_epoch: int | None) -> int:
        return self._disk.memory.acquire(expected_epoch)

    def _append(self, record: Record) -> int:
        applied = () if self.batch is None else self.applied(self.batch)
        word = Word(record.epoch, record.sequence, tuple(self._made_of()), self.opens, applied, monotonic_ns())
        self._write(pickle.dumps((word, tuple(self._disk.violations))))
        return self._disk.memory.append(record)

    def _write(self, data: bytes) -> None:
        """One call, for the process may end at any time."""
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(file, LENGTH.pack(len(data)) + data)
            finally:
                os.close(file)
        except OSError as error:
            raise StoreBroken(f"the ledger cannot be written: {error}") from error


class LedgerShard(ObservedShard):
    """The shard as the engine opens it, over a store with a ledger."""

    folder: Path

    def __init__(
        self, number: int, slot_map: SlotMap, program: Program, store: Store, settings: Settings, **more: Any
    ) -> None:
        observed = LedgerStore(number, store, self.folder)
        more["time"] = ObservedTime(observed)
        Shard.__init__(self, number, slot_map, program, observed, settings, **more)
        self._observed = observed
        observed.applied = self._applied


@dataclass(frozen=True)
class LedgerPlan(Plan):
    """A plan whose shards keep a ledger in a folder, in whatever process they are opened."""

    ledger: str = ""

    def __reduce__(self) -> tuple[Any, ...]:
        return _arrived, ({each.name: getattr(self, each.name) for each in fields(self)},)

    def observe(self) -> None:
        """Let this process open its shards with a ledger. The one place where the engine is not as it is shipped."""
        LedgerShard.folder = Path(self.ledger)
        vars(importlib.import_module("parcours.runtime.open_shard"))["Shard"] = LedgerShard


def _arrived(parts: dict[str, Any]) -> LedgerPlan:
    """The plan in another process."""
    plan = LedgerPlan(**parts)
    plan.observe()
    return plan


def read_words(folder: Path, shard: int) -> tuple[dict[tuple[int, int], Word], list[str]]:
    """What was said by all owners of a shard, by epoch and sequence, and the violations that they have seen."""
    words: dict[tuple[int, int], Word] = {}
    found: list[str] = []
    for path in sorted(folder.glob(f"shard-{shard}-process-*")):
        said = list(_read(path.read_bytes()))
        words |= {(word.epoch, word.sequence): word for word, _ in said}
        found += said[-1][1] if said else ()
    return words, found


def _read(data: bytes) -> Iterator[tuple[Word, tuple[str, ...]]]:
    place = 0
    while place + LENGTH.size <= len(data):
        (size,) = LENGTH.unpack_from(data, place)
        piece = data[place + LENGTH.size : place + LENGTH.size + size]
        if len(piece) < size:
            return  # its process ended while it wrote
        yield pickle.loads(piece)
        place += LENGTH.size + size
