"""How far is each destination that takes facts? What has it been told of this shard, and what is held for it?

A destination is told of records in their order, again from the newest position that was committed after a crash: so
nothing is left out, and what comes twice has the same number. A destination that is new here begins with what comes
next; one that the engine does not know any more is forgotten. The journal holds what a destination has not been told,
for `facts_held_for_ms` at most: then that is let go, and a fact says so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from parcours.config import MINUTE_MS, Settings
from parcours.core.fact import LimitReached
from parcours.expression.duration import format_duration
from parcours.shard.journal_readers import JournalReaders
from parcours.shard.reports import NOBODY
from parcours.shard.work import Work
from parcours.store.store import Record, Store

FACTS_TO: Final = "facts to "
"""What the names of the entries begin with in the shard's own slot; the destination follows."""


class FactPosition(msgspec.Struct, frozen=True, array_like=True):
    """
    through  the newest record of which the destination has been told all
    rows     how many facts it has taken, and has refused
    let_go   how many times what it had not been told was let go
    """

    through: int = 0
    rows: int = 0
    refused: int = 0
    let_go: int = 0


class FactStanding(msgspec.Struct, frozen=True, array_like=True):
    """Where a destination stands with a shard.

    rows, refused  the facts that it has taken and has refused
    lag            records behind the newest one that tells anything
    """

    rows: int
    refused: int
    lag: int


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(FactPosition).decode


def entry_of_position(name: str, position: FactPosition) -> tuple[str, bytes]:
    """The entry of the shard's own slot."""
    return FACTS_TO + name, _encode(position)


def fact_positions_of(entries: Mapping[str, bytes]) -> dict[str, FactPosition]:
    """The positions of destinations among the entries of a shard's own slot."""
    return {
        name.removeprefix(FACTS_TO): _decode(data)
        for name, data in entries.items()
        if name.startswith(FACTS_TO) and data
    }


def tells(record: Record) -> bool:
    """Whether anybody could be told anything of it."""
    return bool(record.facts or record.inputs)


class FactsAsked(NamedTuple):
    """Which destinations take facts, and whether one of them takes events: these are kept without an exporter, too."""

    names: Collection[str] = ()
    events: bool = False


NO_FACTS: Final = FactsAsked()


class FactPositions:
    """Of one shard. In memory only is how far whoever tells a destination has come already, and since when something
    waits for it.

    held_for_ms  for how long the journal is held for a destination
    take_events  whether one of them takes events
    newest_told  the newest record that tells anything, as far as any of them may have to be told of it
    """

    def __init__(self, asked: FactsAsked, store: Store, readers: JournalReaders, settings: Settings) -> None:
        self._names, self.take_events = frozenset(asked.names), asked.events
        self._store, self._readers = store, readers
        self._lag_max_ms, self.held_for_ms = settings.export_lag_max_ms, settings.facts_held_for_ms
        self._known: dict[str, FactPosition] = {}
        self._passed: dict[str, int] = {}
        self._since_ms: dict[str, int] = {}
        self.newest_told = 0
        for name in self._names:
            readers.wait_for(FACTS_TO + name)

    def restore(self, entries: Mapping[str, bytes]) -> None:
        """Come back from the entries of the shard's own slot."""
        self._known = fact_positions_of(entries)

    def open(self, work: Work, sequence: int) -> None:
        """From now on these destinations are told, and no others; `sequence` is the newest record."""
        for name in self._known.keys() - self._names:
            del self._known[name]
            work.own.append((FACTS_TO + name, b""))
        for name in sorted(self._names - self._known.keys()):
            self._put(work, name, FactPosition(sequence))
        for name, position in self._known.items():
            self._passed[name] = position.through
            waiting = next(filter(tells, self._store.records(position.through)), None)
            if waiting is not None:
                self.newest_told = max(self.newest_told, sequence)
                self._since_ms[name] = waiting.stamp_ms
            self._readers.read(FACTS_TO + name, position.through)

    def committed(self, sequence: int, stamp_ms: int, *, tells: bool) -> None:
        """A record has been written; whether it holds facts or inputs."""
        if tells and self._known:
            self.newest_told = sequence
            for name in self._known:
                self._since_ms.setdefault(name, stamp_ms)

    def known(self, name: str) -> FactPosition | None:
        """How far this destination is; None for one that the engine does not tell."""
        return self._known.get(name)

    def note_read(self, name: str, after: int, waiting: Record | None) -> None:
        """Whoever tells the destination is done with what comes before, and is handed this record next."""
        self._passed[name] = max(after, self._passed[name])
        if waiting is None:
            self._since_ms.pop(name, None)
        else:
            self._since_ms[name] = waiting.stamp_ms

    def move(self, work: Work, name: str, through: int, rows: int, refused: int) -> None:
        """The destination has been told of everything up to this record, which is so many facts more."""
        position = self._known[name]
        self._put(
            work,
            name,
            replace(
                position,
                through=max(through, position.through),
                rows=position.rows + rows,
                refused=position.refused + refused,
            ),
        )

    def moved(self, name: str) -> None:
        """The position is durable."""
        self._readers.read(FACTS_TO + name, self._known[name].through)

    def let_go(self, work: Work, before: int) -> None:
        """Hold nothing any more that lies before this record, for any destination. Its commit is the next one."""
        for name, position in sorted(self._known.items()):
            if position.through >= before - 1:
                continue
            self._put(work, name, replace(position, through=before - 1, let_go=position.let_go + 1))
            if self._passed[name] < before - 1:
                self._passed[name] = before - 1
                held_for = format_duration(self.held_for_ms)
                why = f"the destination {name} was not told for {held_for}; what happened before is let go"
                work.facts.append(LimitReached(work.stamp_ms, NOBODY, "facts_held_for_ms", why))

    def let_gone(self) -> None:
        """What `let_go` let go may be trimmed."""
        for name in self._known:
            self.moved(name)

    def _put(self, work: Work, name: str, position: FactPosition) -> None:
        self._known[name] = position
        work.own.append(entry_of_position(name, position))

    def standings(self) -> dict[str, FactStanding]:
        """Where each destination stands."""
        return {
            name: FactStanding(
                each.rows, each.refused, max(0, self.newest_told - max(each.through, self._passed[name]))
            )
            for name, each in sorted(self._known.items())
        }

    def troubles(self, now_ms: int) -> list[str]:
        """What whoever runs the engine should know."""
        return [
            f"the destination {name} has not been told of what happened in the last {waited_ms // MINUTE_MS} minutes, "
            f"and the journal grows; what has waited for {format_duration(self.held_for_ms)} is let go"
            for name, since_ms in sorted(self._since_ms.items())
            if (waited_ms := now_ms - since_ms) > self._lag_max_ms
        ]
