"""All inputs of a store that no engine uses, in their order, as a recording: its simulation is the twin of the store.

A line says when it took effect, and is otherwise as it came, but for other names that it says are the person's: lines
of their own tell when a name became hers, and what did not make it hers then is not tried again. Besides those that
callers have handed in there are told lines of what else happened to people (segment/told.py); the first one is a tick
that says what the file is, and the last one says how many there are.

People live in different shards, whose records cannot be compared. Where somebody is merged into a person of another
shard, what happened to her there in the same millisecond happened before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from functools import partial
from itertools import chain, groupby
from operator import attrgetter
from pathlib import Path
from typing import Final

import msgspec

from parcours.core.time_text import time_text
from parcours.errors import InputsMissing
from parcours.insight.exporter.inputs import KeptLine
from parcours.insight.exporter.opening import check_extra, exported_lines
from parcours.insight.exporter.rows import Telling, lines_of
from parcours.instants import to_moment
from parcours.journey.publish.publications import Publications
from parcours.segment.json_members import with_member
from parcours.segment.told import EndLine, PublicationLine, TickLine, encode_told, merged_name, outside_line
from parcours.segment.unlinked import unlinked
from parcours.shard.archiving import KEEPS_INPUTS
from parcours.shard.closed_store import forgotten_of, not_exported, own_and_newest
from parcours.shard.messages import ExportRecord
from parcours.simulation.sorting import Sorter
from parcours.store.address import folder_of, open_store, shards_of

HELD_BYTES_MAX: Final = 64 * 1024 * 1024
"""Memory for lines that are being sorted."""

LINE_OVERHEAD_BYTES: Final = 250
"""What Python needs for a line beside its bytes."""

LINES_AT_ONCE: Final = 1_000

_decoder = msgspec.msgpack.Decoder(list[KeptLine])


class _Findings:
    """What ticks and publications tell on the way.

    missing_ms  before this instant inputs are missing, 0 if none are
    changes     by the time of a change and the shard, where the change stands there
    merges      by the time of a merge and the name, the shard that tells of it
    keeps       whether every shard keeps inputs until now
    lessons     the instants at which rankings of offers learned
    """

    def __init__(self, cut_ms: int) -> None:
        self.missing_ms = cut_ms
        self.keeps = True
        self.ticks: list[tuple[int, TickLine]] = []
        self.changes: dict[int, dict[int, list[tuple[int, int]]]] = {}
        self.merges: dict[int, dict[str, int]] = {}
        self.lessons: set[int] = set()

    def is_line(self, kept: KeptLine) -> bool:
        """Whether the line is to be written."""
        told = outside_line(kept.line)
        if told is None:
            if (name := merged_name(kept.line)) is not None:
                self.merges.setdefault(kept.at, {})[name] = kept.shard
            return True
        if isinstance(told, PublicationLine):
            self.changes.setdefault(kept.at, {}).setdefault(kept.shard, []).append((kept.record, kept.n))
            return True
        assert isinstance(told, TickLine), "a shard tells of no end"
        if told.learned is not None:  # every shard tells of it
            is_first = kept.at not in self.lessons
            self.lessons.add(kept.at)
            return is_first
        self.ticks.append((kept.at, told))
        if told.keeps == "anew":
            self.missing_ms = max(self.missing_ms, kept.at)
        return False

    def check(self, since_ms: int) -> None:
        """Raises InputsMissing unless all inputs are there since this instant."""
        if not self.ticks and not self.keeps:
            raise InputsMissing("the store keeps no inputs: its project has to say `insight: {inputs: true}`")
        if not self.keeps:
            raise InputsMissing(
                "the newest inputs are missing, for the store keeps none now: its project does not say "
                "`insight: {inputs: true}` any more, or its exporter was behind `export_lag_max_ms` at last; open it "
                "with its engine until that is over, and ask for those from then on (--from)"
            )
        if self.missing_ms > max(0, since_ms):
            raise InputsMissing(
                f"inputs are missing before {time_text(self.missing_ms)}: ask for those from then on (--from)"
            )

    def in_order(self, lines: Iterable[KeptLine]) -> Iterator[KeptLine]:
        """The sorted lines; those of a change's instant stand before or after it as in the journal of their shard.

        Each shard tells of each change, and each change of all documents that are in use then; once is enough. Of a
        merge's instant whoever comes from another shard goes first.
        """
        published: set[int] = set()
        told: set[int] = set()
        for at, together in groupby(lines, attrgetter("at")):
            if at not in self.changes and at not in self.merges:
                yield from together
                continue
            changes, merges = self.changes.get(at, {}), self.merges.get(at, {})
            for kept in sorted(together, key=partial(_side, changes, merges)):
                change = _change_of(kept)
                if change is None:
                    yield kept
                elif change.ledger.number not in published:
                    published.add(change.ledger.number)
                    news = {number: source for number, source in change.sources.items() if number not in told}
                    told |= news.keys()
                    yield kept._replace(line=encode_told(PublicationLine(Publications(change.ledger, news))))

    def records(self) -> tuple[str, ...]:
        """The channels that only recorded. Raises InputsMissing where that has changed since inputs are there."""
        told = sorted({tick.records for at, tick in self.ticks if at >= self.missing_ms})
        if len(told) > 1:
            names = " and then ".join(", ".join(each) or "none" for each in told)
            raise InputsMissing(f"other channels have recorded in the course of time ({names}): no twin does both")
        return told[0] if told else ()


def write_inputs(address: str, out: Path, since_ms: int = 0) -> int:
    """Write all inputs of the store at this address into a file; returns how many they are.

    since_ms  leave out what took effect before: people then begin with nothing in a simulation
    Raises InputsMissing where inputs are missing since then, and says from when on they are there, if they are;
    ExtraMissing, SettingInvalid if there is no such store, StoreBusy while an engine uses it, StoreBroken, OSError.
    """
    check_extra()
    lines = end_ms = 0
    with ExitStack() as opened:
        # Before a file is read: what an engine exports meanwhile would be neither there nor in its journal.
        stores = [opened.enter_context(closing(open_store(address, shard))) for shard in range(shards_of(address))]
        exported = exported_lines(folder_of(address))
        found = _Findings(exported.cut_ms)
        sorter = opened.enter_context(Sorter(_decoder, HELD_BYTES_MAX))
        _add(sorter, exported.lines, found, since_ms)
        for shard, store in enumerate(stores):
            own, newest = own_and_newest(store)
            end_ms = max(end_ms, newest.stamp_ms)
            found.keeps = found.keeps and KEEPS_INPUTS in own
            tail, forgotten = not_exported(store, own, exported.through.get(shard, 0)), forgotten_of(own)
            told = (line for person, line in _kept(shard, tail) if line.record > forgotten(person))
            _add(sorter, told, found, since_ms)
        found.check(since_ms)
        unfinished = out.with_name(f"{out.name}.unfinished")
        try:
            with unfinished.open("wb") as file:
                file.write(_first_line(found.records(), since_ms, end_ms))
                for kept in found.in_order(chain.from_iterable(sorter.blocks())):
                    file.write(timed_line(unlinked(kept.line), kept.at))
                    lines += 1
                file.write(encode_told(EndLine(lines + 1)) + b"\n")
            unfinished.replace(out)
        finally:
            unfinished.unlink(missing_ok=True)
    return lines


def _change_of(kept: KeptLine) -> Publications | None:
    """What is published from the line on, if it tells of a change."""
    told = outside_line(kept.line)
    return told.publications if isinstance(told, PublicationLine) else None


def _side(
    changes: Mapping[int, list[tuple[int, int]]], merges: Mapping[str, int], kept: KeptLine
) -> tuple[int, bool, bool]:
    """After how many of the changes of its instant a line stands, and that others stand behind it.

    A change stands before what follows it, and whoever leaves her shard by a merge of the instant before all others.
    """
    place = kept.record, kept.n
    before = sum(change <= place for change in changes.get(kept.shard, ()))
    return before, _change_of(kept) is None, merges.get(kept.person, kept.shard) == kept.shard


def _kept(shard: int, records: Iterable[ExportRecord]) -> Iterator[tuple[str, KeptLine]]:
    """The lines of records that are not exported, each with whose it is."""
    telling = Telling(shard, frozenset())
    for record in records:
        for _, (at, person, line, _, number, n) in lines_of(record, telling):
            assert isinstance(at, int) and isinstance(number, int) and isinstance(n, int) and isinstance(line, bytes)
            assert isinstance(person, str)
            yield person, KeptLine(at, number, shard, n, line, person)


def _add(sorter: Sorter[KeptLine], kept: Iterable[KeptLine], found: _Findings, since_ms: int) -> None:
    rows: list[KeptLine] = []
    for each in kept:
        if found.is_line(each) and each.at >= since_ms:
            rows.append(each)
            if len(rows) == LINES_AT_ONCE:
                _hand_over(sorter, rows)
                rows = []
    _hand_over(sorter, rows)


def _hand_over(sorter: Sorter[KeptLine], rows: list[KeptLine]) -> None:
    sorter.add(rows, sum(len(row.line) + LINE_OVERHEAD_BYTES for row in rows))


def _first_line(records: tuple[str, ...], since_ms: int, end_ms: int) -> bytes:
    tick = TickLine(keeps="new", records=records, effective_at=to_moment(since_ms), until=to_moment(end_ms))
    return encode_told(tick) + b"\n"


def timed_line(line: bytes, at: int) -> bytes:
    """The line with its effective time; one that it had brought along counts for nothing, and all else is as it was."""
    return with_member(line, "effectiveAt", f'"{time_text(at)}"'.encode()) + b"\n"
