"""Mutants of the fences that keep two owners apart: without one, a storm of a few blows breaks a promise.

Of some fences there are several for the same thing, and each holds alone. A mutant takes all of them away.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.faults.mutants import Mutant

from parcours.testing.faults.nodes.kinds import Strike


@dataclass(frozen=True)
class Fence:
    """What is done without a fence.

    strikes  the blows of the storm that shows it
    found    how a violation begins that there has to be; empty where chance decides which
    mutants  the changes of the source: together they take the fence away
    """

    name: str
    strikes: tuple[Strike, ...]
    found: str
    mutants: tuple[Mutant, ...]

    def take_away(self, engine: Path) -> None:
        """Change a copy of the source."""
        for mutant in self.mutants:
            mutant.apply(engine)


def fence(name: str, strikes: tuple[Strike, ...], found: str, *changes: tuple[str, str, str]) -> Fence:
    """Of changes that are a file below engine/parcours, a text that is there once, and what comes in its place."""
    return Fence(name, strikes, found, tuple(Mutant(name, *change) for change in changes))


FENCES: Final = (
    fence(
        "a shard hears a keeper that has been succeeded",
        ("two keepers", "keeper wakes up", "keeper wakes up"),
        "keeper: shard",
        (
            "runtime/cluster/actors.py",
            """        if keeper < self._keeper:
            raise StoreBusy(f"the engine is kept under epoch {self._keeper}; epoch {keeper} is over and has to stop")
""",
            "        del keeper\n",
        ),
    ),
    fence(
        "a keeper that has been succeeded gives shards away",
        ("two keepers", "keeper wakes up", "keeper wakes up"),
        "keeper: shard",
        (  # that it looks every second whether it keeps the engine still: the others hold before it does
            "service/keeper_desk.py",
            "LOOK_EVERY_S: Final = 1.0\n",
            "LOOK_EVERY_S: Final = 20.0\n",
        ),
        (  # the epoch under which it knows the shard to be held
            "store/postgres/journal_rows.py",
            "AND epoch = coalesce(%s::bigint, epoch) ",
            "AND epoch >= least(%s::bigint, 0) ",
        ),
        (  # and who keeps the engine by now, which is looked up before the shard is opened and after that
            "store/claims.py",
            """    if held.epoch != epoch:
        raise StoreBusy(f"the engine is kept under epoch {held.epoch}; epoch {epoch} is over, and gives no shard away")
""",
            "    del epoch, held\n",
        ),
    ),
    fence(
        "a keeper does not look whether it keeps the engine still",
        ("two keepers",),
        "at work: of two keepers none lets go",
        (
            "service/keeper_desk.py",
            "(await in_thread(claims.keeper)).epoch != runtime.epoch:\n",
            "(await in_thread(claims.keeper)).epoch < runtime.epoch:\n",
        ),
    ),
    fence(
        "the name of an actor does not tell under which keeper it was started",
        ("kill keeper",),
        "at work: the engine is not at work again",
        ("runtime/cluster/naming.py", 'return f"{kind}@{epoch}.{life}"', 'return f"{kind}@{min(epoch, 1)}.{life}"'),
    ),
    fence(
        "who acquires a shard has the epoch of whoever had it before",
        ("kill shard",),
        "stale epoch: epoch",
        (
            "store/postgres/journal_rows.py",
            "UPDATE shards SET epoch = epoch + 1, place = NULL",
            "UPDATE shards SET epoch = greatest(epoch, 1), place = NULL",
        ),
    ),
    fence(
        "a commit whose outcome is unknown is taken for done",
        ("cut commits",),
        "",
        (
            "shard/commits.py",
            "            size_bytes = self._store.append(record)\n",
            """            try:
                size_bytes = self._store.append(record)
            except StoreBroken:
                size_bytes = 0
""",
        ),
    ),
    fence(
        "stamps follow the clock of whatever machine a shard is on",
        ("kill shard",) * 6,
        "journal: shard",
        ("shard/timekeeping.py", "        return max(last_ms, now_ms)\n", "        return now_ms\n"),
    ),
)
