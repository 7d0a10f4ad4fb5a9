"""The result files of a simulation: deliveries, transitions, the summary, and lines of campaigns and destinations.

Each line is a struct whose fields stand in the order of the keys. Lines are sorted by time, person, journey and run, a
missing run first; ties keep the order of happening. All facts of a person come from one shard and in that order, so
facts of several shards may come in any mixture. Python compares texts by code point, which is also the order of their
UTF-8 bytes.

There may be more lines than fit into memory, so they are encoded as facts come and sorted externally in rows: a row
holds the lines of one run at one instant, which stay together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby, islice
from operator import attrgetter, itemgetter
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from parcours.campaigns.campaign_line import CampaignLine
from parcours.core.counted import INTERNAL_OUTCOMES
from parcours.core.fact import CopyReached, Decided, DeliveryReached, Fact, Merged, Moved
from parcours.core.synced import Synced
from parcours.core.time_text import time_text
from parcours.insight.summary import Summary
from parcours.simulation.campaign_file import file_line
from parcours.simulation.sorting import Sorter

DELIVERIES = "deliveries.ndjson"
TRANSITIONS = "transitions.ndjson"
SUMMARY = "summary.json"
CAMPAIGNS = "campaigns.ndjson"
"""Is there where the project has campaigns."""

DESTINATIONS = "destinations.ndjson"
"""Is there where a destination was told of somebody."""

DECISIONS = "decisions.ndjson"
"""Is there where something was decided."""

EXPORTS = "exports"
"""The folder of the files that campaigns export."""

RESULTS = (DELIVERIES, TRANSITIONS, SUMMARY)

INTERNAL_MOVES = frozenset({"updated"})
"""Moves that the files leave out: a changed trait is no move along the steps."""

HELD_BYTES_MAX = 32 * 1024 * 1024
"""Memory for the lines of each file that are being sorted."""

ROW_OVERHEAD_BYTES = 400
"""What Python needs for a row beside its lines: two texts, three numbers, and what holds them."""

FACTS_AT_ONCE = 10_000
"""Facts taken together from a longer list."""


class DeliveryLine(msgspec.Struct, frozen=True, gc=False):
    """A line of deliveries.ndjson.

    seed  only there where it is a copy for an address of a campaign's own, with the data of the profile
    """

    at: str
    profile: str
    journey: str
    version: int
    run: int
    step: str
    channel: str
    message: str
    to: str | None
    outcome: str
    gate: str | None
    key: str
    seed: bool | UnsetType = UNSET


class TransitionLine(msgspec.Struct, frozen=True, gc=False):
    """A line of transitions.ndjson."""

    at: str
    profile: str
    journey: str
    version: int
    run: int | None
    step: str | None
    what: str
    why: str | None


class DecisionLine(msgspec.Struct, frozen=True, gc=False):
    """A line of decisions.ndjson: an offer that somebody got, or that there was none.

    rank   its place in the answer, from 1
    score  by which it was ranked, null where it is missing and for the fallback
    """

    at: str
    profile: str
    decision: str
    placement: str
    origin: str
    offer: str | None
    rank: int | None
    score: float | None
    fallback: bool
    proposition: str | None


class DestinationLine(msgspec.Struct, frozen=True, gc=False):
    """A line of destinations.ndjson: what a destination was told."""

    at: str
    destination: str
    profile: str
    change: str
    key: str
    fields: dict[str, object]


ResultRow: TypeAlias = tuple[int, str, str, int, int, bytes]
"""Time in ms, person, journey, run (NO_RUN for none), number in the order of happening, and lines of a file."""

NO_RUN = -1

_decoder = msgspec.msgpack.Decoder(list[ResultRow])
_encoder = msgspec.json.Encoder()


class ResultFiles:
    """Takes facts as they happen, and lines of campaigns; after the last it writes the files into the folder `out`.

    Used as a context manager. The folder is created, and the files get their names, when everything is whole: an error
    before that changes nothing. Raises OSError where the folder cannot be written or temporary files find no room.
    """

    def __init__(self, out: Path, held_bytes_max: int = HELD_BYTES_MAX) -> None:
        self._out = out
        self._deliveries = Sorter(_decoder, held_bytes_max)
        self._moves = Sorter(_decoder, held_bytes_max)
        self._decisions = Sorter(_decoder, held_bytes_max)
        self._has_decided = False
        self._synced = Sorter(_decoder, held_bytes_max)
        self._has_synced = False
        self._number = 0
        self._campaigns: list[bytes] = []

    @property
    def exports(self) -> Path:
        """Where campaigns export to."""
        return self._out / EXPORTS

    def tell(self, line: CampaignLine) -> None:
        """Take what a step of a campaign has made."""
        self._campaigns.append(file_line(line))

    def add(self, facts: Sequence[Fact]) -> None:
        """Take facts; those of each person come in the order of happening."""
        moves: list[Moved] = []
        deliveries: list[DeliveryReached | CopyReached] = []
        decisions: list[Decided] = []
        synced: list[Synced] = []
        for fact in facts:
            if type(fact) is Moved:
                if fact.what not in INTERNAL_MOVES:
                    moves.append(fact)
            elif type(fact) is DeliveryReached:
                if fact.outcome not in INTERNAL_OUTCOMES and not fact.machine:
                    deliveries.append(fact)
            elif type(fact) is CopyReached:
                deliveries.append(fact)
            elif type(fact) is Merged:
                moves += fact.arrivals()
            elif type(fact) is Decided:
                decisions.append(fact)
                self._has_decided = True
            elif type(fact) is Synced and fact.outcome == "sent":
                synced.append(fact)
                self._has_synced = True
        _add(self._moves, _move_rows(moves, self._number))
        _add(self._deliveries, _delivery_rows(deliveries, self._number))
        _add(self._decisions, _decision_rows(decisions, self._number))
        _add(self._synced, _destination_rows(synced, self._number))
        self._number += len(facts)

    def write(self, summary: Summary) -> None:
        """Write the files. Called once, after the last fact."""
        self._out.mkdir(parents=True, exist_ok=True)
        try:
            _write_lines(_unfinished(self._out / DELIVERIES), self._deliveries)
            _write_lines(_unfinished(self._out / TRANSITIONS), self._moves)
            _unfinished(self._out / SUMMARY).write_bytes(summary_bytes(summary))
            written = [*RESULTS]
            if summary.campaigns:
                _unfinished(self._out / CAMPAIGNS).write_bytes(b"".join(self._campaigns))
                written.append(CAMPAIGNS)
            else:
                (self._out / CAMPAIGNS).unlink(missing_ok=True)
            for name, is_there, sorter in (
                (DECISIONS, self._has_decided, self._decisions),
                (DESTINATIONS, self._has_synced, self._synced),
            ):
                if is_there:
                    _write_lines(_unfinished(self._out / name), sorter)
                    written.append(name)
                else:
                    (self._out / name).unlink(missing_ok=True)
            for name in written:
                _unfinished(self._out / name).replace(self._out / name)
        finally:
            for name in (*RESULTS, CAMPAIGNS, DECISIONS, DESTINATIONS):
                _unfinished(self._out / name).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._deliveries.close()
        self._moves.close()
        self._decisions.close()
        self._synced.close()


def write_results(out: Path, facts: Iterable[Fact], summary: Summary) -> None:
    """Write the three files for a complete list of facts, those of each person in the order of happening.

    Raises OSError where the folder cannot be written.
    """
    each = iter(facts)
    with ResultFiles(out) as files:
        while some := list(islice(each, FACTS_AT_ONCE)):
            files.add(some)
        files.write(summary)


def _unfinished(path: Path) -> Path:
    return path.with_name(f"{path.name}.unfinished")


def summary_bytes(summary: Summary) -> bytes:
    """The content of summary.json: one line of compact JSON."""
    return msgspec.json.encode(summary) + b"\n"


def _delivery_rows(told: list[DeliveryReached | CopyReached], first_number: int) -> list[ResultRow]:
    rows = []
    for number, (of, together) in enumerate(groupby(told, _of), start=first_number):
        at = time_text(of[0])
        rows.append(_row(of, number, [_delivery_line(at, fact) for fact in together]))
    return rows


def _delivery_line(at: str, fact: DeliveryReached | CopyReached) -> DeliveryLine:
    gate, seed = (None, True) if isinstance(fact, CopyReached) else (fact.gate, UNSET)
    return DeliveryLine(
        at, fact.person, fact.journey, fact.version, fact.run, fact.step, fact.channel, fact.message, fact.to,
        fact.outcome, gate, fact.key, seed,
    )  # fmt: skip


def _decision_rows(told: list[Decided], first_number: int) -> list[ResultRow]:
    """The rows of decisions, which concern a person and no run of hers alone."""
    rows = []
    for number, fact in enumerate(told, start=first_number):
        at = time_text(fact.at)
        where = at, fact.person, fact.decision, fact.placement, fact.origin
        lines = [
            DecisionLine(*where, each.offer, rank, each.score, each.is_fallback, each.proposition)
            for rank, each in enumerate(fact.offers, start=1)
        ]
        none = DecisionLine(*where, None, None, None, fallback=False, proposition=None)
        rows.append(_row((fact.at, fact.person, "", None), number, lines or [none]))
    return rows


def _destination_rows(told: list[Synced], first_number: int) -> list[ResultRow]:
    rows = []
    for number, fact in enumerate(told, start=first_number):
        line = DestinationLine(
            time_text(fact.at), fact.destination, fact.person, fact.change, fact.known_as, fact.fields
        )
        rows.append(_row((fact.at, fact.person, fact.destination, None), number, [line]))
    return rows


def _move_rows(told: list[Moved], first_number: int) -> list[ResultRow]:
    rows = []
    for number, (of, together) in enumerate(groupby(told, _of), start=first_number):
        at = time_text(of[0])
        lines = [
            TransitionLine(at, fact.person, fact.journey, fact.version, fact.run, fact.step, fact.what, fact.why)
            for fact in together
        ]
        rows.append(_row(of, number, lines))
    return rows


_of: Callable[[DeliveryReached | CopyReached | Moved], tuple[int, str, str, int | None]] = attrgetter(
    "at", "person", "journey", "run"
)
"""What happened to one run at one instant."""


_lines: Callable[[ResultRow], bytes] = itemgetter(-1)


def _row(of: tuple[int, str, str, int | None], number: int, lines: Sequence[object]) -> ResultRow:
    at, profile, journey, run = of
    return at, profile, journey, NO_RUN if run is None else run, number, _encoder.encode_lines(lines)


def _add(sorter: Sorter[ResultRow], rows: list[ResultRow]) -> None:
    sorter.add(rows, sum(map(len, map(_lines, rows))) + len(rows) * ROW_OVERHEAD_BYTES)


def _write_lines(path: Path, sorter: Sorter[ResultRow]) -> None:
    with path.open("wb") as file:
        for block in sorter.blocks():
            file.writelines(map(_lines, block))
