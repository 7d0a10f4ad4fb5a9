"""The actors of shards as the harness starts them: each writes down for which keeper it was opened, and worked.

A file for each process, a line for each that is told, written by one call: the process may end at any time.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import msgspec

from parcours.testing.faults.nodes.clocks import MachineClock
from parcours.testing.faults.processes.ledger import LedgerPlan, LedgerShard

ROOM: Final = "parcours.runtime.cluster"

FILES: Final = "keepers-process-"


class Opened(msgspec.Struct, frozen=True, tag=True):
    """A shard was opened for a keeper, and writes under this epoch from now on."""

    shard: int
    keeper: int
    epoch: int


class Worked(msgspec.Struct, frozen=True, tag=True):
    """A shard answered what it was asked for one keeper, when it had known of another one."""

    shard: int
    keeper: int
    known: int


Told = Opened | Worked


@dataclass(frozen=True)
class NodesPlan(LedgerPlan):
    """A plan whose shards and their actors are observed, and whose clocks are those of their machines."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _arrived, ({each.name: getattr(self, each.name) for each in fields(self)},)

    def observe(self) -> None:
        """Let this process start and open its shards so."""
        super().observe()
        actors, supervisor = (vars(importlib.import_module(f"{ROOM}.{name}")) for name in ("actors", "supervisor"))
        from parcours.testing.faults.nodes.observed_actor import ObservedShardActor

        actors["ShardActor"] = supervisor["ShardActor"] = ObservedShardActor
        actors["SystemClock"] = MachineClock


def _arrived(parts: dict[str, Any]) -> NodesPlan:
    """The plan in another process."""
    plan = NodesPlan(**parts)
    plan.observe()
    return plan


def tell(told: Told) -> None:
    """Write it down."""
    path = LedgerShard.folder / f"{FILES}{os.getpid()}"
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(file, msgspec.json.encode(told) + b"\n")
    finally:
        os.close(file)


def read_told(folder: Path) -> Iterator[Told]:
    """What all actors have written down, but for a line that was cut off with its process."""
    for path in sorted(folder.glob(f"{FILES}*")):
        yield from _read(path)


def shards_of(folder: Path, process: int) -> set[int]:
    """The shards that the actor in this process has opened so far."""
    path = folder / f"{FILES}{process}"
    return {told.shard for told in _read(path)} if path.exists() else set()


def _read(path: Path) -> Iterator[Told]:
    for line in path.read_bytes().split(b"\n")[:-1]:
        yield msgspec.json.decode(line, type=Told)
