"""The facts of a simulation, its events and what its campaigns tell, as rows of the tables of an export.

Rows are in the order of time, then of people, and of one person's instant as in a live record: events before facts.
Each row is a record of its own, all of shard 0; so files of them are the same bytes for any number of shards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, count, groupby, islice
from operator import itemgetter
from typing import Final, TypeAlias

import msgspec

from parcours.campaigns.campaign_line import CampaignLine
from parcours.config import Settings
from parcours.core.fact import Fact, LedgerChanged, Published
from parcours.core.fact_block import encode_facts
from parcours.core.input_block import KeptInputs, encode_inputs
from parcours.insight.exporter.exporter import RowFiles
from parcours.insight.exporter.rows import output_row
from parcours.insight.exporter.tables import Row
from parcours.journey.program import Program
from parcours.segment.line import read_call
from parcours.segment.person import person_of, told_event
from parcours.shard.archiving import archived_events
from parcours.shard.messages import ExportRange, ExportRecord, ExportSlice
from parcours.simulation.names_then import NamesThen
from parcours.simulation.recorded import Recorded
from parcours.simulation.sorting import Sorter

SHARD: Final = 0

HELD_BYTES_MAX: Final = 64 * 1024 * 1024
"""Memory for rows that are being sorted."""

ROW_OVERHEAD_BYTES: Final = 400
"""What Python needs for a row beside its bytes."""

SLICE_RECORDS: Final = 10_000
"""Records handed to the writer at once."""

EVENT, FACT, OUTPUT = 0, 1, 2

FactRow: TypeAlias = tuple[int, str, int, int, bytes]
"""Time in ms, person, EVENT, FACT or OUTPUT, number in the order of happening, and the line, or the fact as a block."""

OpenRange: TypeAlias = Callable[[int, ExportRange, Program], RowFiles]
"""Begins the files of a range of a shard's records."""

_decoder = msgspec.msgpack.Decoder(list[FactRow])
_encode_output = msgspec.msgpack.Encoder().encode
_decode_output = msgspec.msgpack.Decoder(CampaignLine).decode


class FactRows:
    """Takes facts, lines and what campaigns tell as they come, and writes range after range of them.

    Closed in the end. Whatever is of one instant belongs to one range, but for facts that timers of its last
    instant lead to.
    """

    def __init__(
        self, program: Program, settings: Settings | None = None, held_bytes_max: int = HELD_BYTES_MAX
    ) -> None:
        self._program = program
        self._settings = settings or Settings()
        self._archived = archived_events(program)
        self._held_bytes_max = held_bytes_max
        self._rows = Sorter(_decoder, held_bytes_max)
        self._names = NamesThen()
        self._number = self._count = self._written = 0

    def add(self, facts: Sequence[Fact]) -> None:
        """Take facts; those of each person come in the order of happening."""
        rows: list[FactRow] = []
        for fact in facts:
            self._number += 1
            self._names.hear(fact)
            # What shards tell of nobody has no order of happening: then its bytes decide.
            number = self._number if fact.person or isinstance(fact, Published | LedgerChanged) else 0
            rows.append((fact.at, fact.person, FACT, number, encode_facts([fact])))
        self._add(rows)

    def add_events(self, accepted: Sequence[Recorded]) -> None:
        """Take lines that have been applied; those of events are kept that the project has kept."""
        rows: list[FactRow] = []
        for event in accepted:
            call = read_call(event.line)
            if told_event(call) in self._archived:
                person = person_of(call, self._program, self._settings)
                rows.append((event.at, person, EVENT, event.number, event.line))
        self._add(rows)

    def tell(self, line: CampaignLine) -> None:
        """Take a line of a campaign; they come in the order in which they became known."""
        self._number += 1
        self._add([(line.at, "", OUTPUT, self._number, _encode_output(line))])

    def write_range(self, open_range: OpenRange) -> None:
        """Write what was taken since the range before; nothing where that is nothing. Raises StoreBroken."""
        if not self._count:
            return
        files = open_range(SHARD, ExportRange(self._written + 1, self._written + self._count), self._program)
        records = self._records()
        try:
            while some := list(islice(records, SLICE_RECORDS)):
                files.add(ExportSlice([each for each in some if isinstance(each, ExportRecord)]))
                files.add_rows(("campaign_steps", each) for each in some if not isinstance(each, ExportRecord))
            files.finish()
        except BaseException:
            files.abandon()
            raise
        self._rows.close()
        self._rows, self._written, self._count = Sorter(_decoder, self._held_bytes_max), self._written + self._count, 0

    def _records(self) -> Iterator[ExportRecord | Row]:
        """Records, and rows of campaigns, numbered as such."""
        numbers = count(self._written + 1)
        for at_ms, person, kind, _, data in self._under_names_then():
            if kind == FACT:
                yield ExportRecord(next(numbers), at_ms, data)
            elif kind == OUTPUT:
                yield output_row(_decode_output(data), SHARD, next(numbers))
            else:
                yield ExportRecord(next(numbers), at_ms, b"", encode_inputs(KeptInputs([data], {0: person})))

    def _under_names_then(self) -> Iterator[FactRow]:
        """All rows in order; events are of whoever was called by the name that their line has."""
        if not self._names.has_merges:
            yield from chain.from_iterable(self._rows.blocks())
            return
        with Sorter(_decoder, self._held_bytes_max) as again:
            rows = self._renamed(chain.from_iterable(self._rows.blocks()))
            while some := list(islice(rows, SLICE_RECORDS)):
                again.add(some, _size_bytes(some))
            yield from chain.from_iterable(again.blocks())

    def _renamed(self, rows: Iterator[FactRow]) -> Iterator[FactRow]:
        for (at_ms, person), of_instant in groupby(rows, itemgetter(0, 1)):
            self._names.pass_to(at_ms)
            if self._names.person(person) == person:
                yield from of_instant
                continue
            together = [*of_instant]
            if any(kind == FACT for _, _, kind, *_ in together):
                self._names.come_back(person)
            owner = self._names.person(person)
            yield from ((at_ms, owner, kind, number, data) for _, _, kind, number, data in together)

    def _add(self, rows: list[FactRow]) -> None:
        self._count += len(rows)
        self._rows.add(rows, _size_bytes(rows))

    def close(self) -> None:
        """Remove the temporary files. May be called again."""
        self._rows.close()


def _size_bytes(rows: Sequence[FactRow]) -> int:
    return sum(len(row[-1]) for row in rows) + len(rows) * ROW_OVERHEAD_BYTES
