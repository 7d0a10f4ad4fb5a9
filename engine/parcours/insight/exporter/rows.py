"""The rows of a record: what its facts and its kept lines are in the tables.

A record's rows depend on nothing but the record and what the context says, so whoever reads it again gets them again.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, assert_never

import msgspec

from parcours.core.fact import (
    Changed,
    CopyReached,
    Decided,
    DeliveryReached,
    Fact,
    Learned,
    LedgerChanged,
    LimitReached,
    Looked,
    Merged,
    Moved,
    NotMerged,
    OfferMarked,
    Published,
    Unmatched,
    Unmet,
    ZoneUnknown,
)
from parcours.core.fact_block import decode_facts
from parcours.core.input_block import KeptInputs, decode_inputs
from parcours.core.synced import Synced
from parcours.errors import StoreBroken
from parcours.expression.dotted import split_path
from parcours.insight.exporter.tables import Row
from parcours.instants import ceil_ms
from parcours.journey.model.insight import FactTable, KeptTable
from parcours.journey.program import PAGE_EVENTS, Program
from parcours.segment.line import Call, Unusable, properties_of, read_call
from parcours.shard.messages import ExportRecord

JOURNEY: Final = "journey"
CAMPAIGN: Final = "campaign"
"""What it is whose run it is, in the column `kind`."""

MERGED: Final = "merged"
"""What the table of changes says of somebody who was merged into the person; the value has what became of her runs."""

COPIED: Final = "copied"
"""What the table of changes says of a copy for an address of a campaign's own; the value has what became of it."""

SYNCED: Final = "synced"
"""What the table of changes says of a destination that is told of her; the value has what became of that."""

DECIDED: Final = "decided"
"""What the table of changes says of a decision; the value has what was given, and what became of all others."""

PROPOSITION: Final = "proposition"
LEARNED: Final = "learned"
"""What the table of changes says of an offer that somebody got, of which something became; the value has what."""

ZONE_UNKNOWN: Final = "zone_unknown"
NOT_MERGED: Final = "not_merged"
"""What the table of changes says of changes that had no effect."""

Path = tuple[str, ...]

_json = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Telling:
    """What may be told, and how.

    shard      the number of the shard whose records they are
    declared   the events that the project declares
    private    by event, the paths of properties that are not exported
    clear      whether addresses are told as they are
    secret     by what they are hashed otherwise; without it none is told
    campaigns  the names of campaigns: a fact has only the name, which no journey has as well
    """

    shard: int
    declared: frozenset[str]
    private: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    clear: bool = False
    secret: bytes | None = field(default=None, repr=False)
    campaigns: frozenset[str] = frozenset()

    @classmethod
    def of(cls, shard: int, program: Program, secret: str | None) -> Telling:
        """As the project says; `secret` is what its reference stands for."""
        return cls(
            shard,
            frozenset(program.events) | frozenset(program.derived),
            _private(program),
            clear=program.insight.addresses == "clear",
            secret=None if secret is None else secret.encode(),
            campaigns=program.campaign_names(),
        )

    def kind(self, name: str) -> str:
        """What runs under this name."""
        return CAMPAIGN if name in self.campaigns else JOURNEY

    def address(self, address: str | None) -> str | None:
        """What the table of deliveries has of an address."""
        if address is None or self.clear:
            return address
        return None if self.secret is None else hmac.digest(self.secret, address.encode(), "sha256").hex()


def _private(program: Program) -> dict[str, tuple[Path, ...]]:
    """The personal properties by event, each as its keys."""
    return {
        event: tuple(tuple(split_path(path)) for path in sorted(paths))
        for event, paths in program.disclosure.pii_properties.items()
    }


class OutputTold(Protocol):
    """What the table `campaign_steps` needs of a line that a campaign tells (campaigns/campaign_line.py)."""

    @property
    def at(self) -> int: ...
    @property
    def begins(self) -> int | None: ...
    @property
    def campaign(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def run(self) -> int: ...
    @property
    def step(self) -> str | None: ...
    @property
    def output(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def inflow(self) -> int: ...
    @property
    def dropped(self) -> Mapping[str, int]: ...


class NumberedOutput(OutputTold, Protocol):
    """A line with its number among all that campaigns of the engine have told."""

    @property
    def record(self) -> int: ...


def output_row(line: OutputTold, shard: int, record: int) -> Row:
    """The row of a line of a campaign, which concerns nobody."""
    told = (line.begins, line.campaign, line.version, line.run, line.step, line.output, line.size, line.inflow)
    return (line.at, "", *told, sorted(line.dropped.items()), shard, record, 0)


def rows_of(record: ExportRecord, telling: Telling) -> Iterator[tuple[KeptTable, Row]]:
    """The rows of a record, in their order. Raises StoreBroken for a record that cannot be read."""
    where, kept = _kept(record, telling)
    yield from _lines(record, kept, telling, where)
    others = frozenset(kept.others)
    for n, line in enumerate(kept.lines):
        if n not in others:
            yield "events", _event(record, n, line, kept.names.get(n), telling, where)
    for n, fact in enumerate(decode_facts(record.facts, where), start=len(kept.lines)):
        table, values = _told(fact, telling)
        yield table, (fact.at, fact.person, *values, telling.shard, record.sequence, n)


def lines_of(record: ExportRecord, telling: Telling) -> Iterator[tuple[KeptTable, Row]]:
    """The inputs of a record as they came, if all of them were kept. Raises StoreBroken as `rows_of` does."""
    where, kept = _kept(record, telling)
    return _lines(record, kept, telling, where)


def _lines(record: ExportRecord, kept: KeptInputs, telling: Telling, where: str) -> Iterator[tuple[KeptTable, Row]]:
    for n, line in enumerate(kept.lines if kept.whole else ()):
        person = kept.names.get(n)
        if person is None:
            person = _read(line, where).user_id or ""
        yield "lines", (kept.times.get(n, record.stamp_ms), person, line, telling.shard, record.sequence, n)


def _kept(record: ExportRecord, telling: Telling) -> tuple[str, KeptInputs]:
    """The kept lines of a record, and how to call it."""
    where = f"record {record.sequence} of shard {telling.shard}"
    return where, decode_inputs(record.inputs, where) if record.inputs else KeptInputs([])


def _read(line: bytes, where: str) -> Call:
    try:
        return read_call(line)
    except Unusable as reason:
        raise StoreBroken(f"{where} has a line that cannot be read: {reason}") from None


def _event(record: ExportRecord, n: int, line: bytes, name: str | None, telling: Telling, where: str) -> Row:
    call = _read(line, where)
    event = PAGE_EVENTS.get(call.type) or call.event or ""
    return (
        record.stamp_ms,
        name or call.user_id or "",
        event,
        event in telling.declared,
        call.message_id,
        call.anonymous_id,
        None if call.timestamp is None else ceil_ms(call.timestamp),
        _properties(call, telling.private.get(event, ())),
        telling.shard,
        record.sequence,
        n,
    )


def _properties(call: Call, private: Sequence[Path]) -> str | None:
    """The properties as JSON; None for what no expression could read either. Nobody has looked at them so far.

    They are written anew: a number or an escape that a reader's JSON does not take would fail his whole query.
    """
    try:
        properties = properties_of(call)
    except Unusable:
        return None
    for path in private:
        _leave_out(properties, path)
    return _json(properties).decode()


def _leave_out(value: object, path: Path) -> None:
    """Take out what stands under this path; through a list, of each of its objects."""
    if isinstance(value, list):
        for each in value:
            _leave_out(each, path)
    elif isinstance(value, dict):
        if len(path) == 1:
            value.pop(path[0], None)
        else:
            _leave_out(value.get(path[0]), path[1:])


def _told(fact: Fact, telling: Telling) -> tuple[FactTable, Row]:
    """The table of a fact, and what stands there between its person and its number."""
    match fact:
        case Moved():
            kind, index = telling.kind(fact.journey), _index(fact)
            return "moves", (kind, fact.journey, fact.version, fact.run, fact.step, fact.what, fact.why, index)
        case DeliveryReached():
            return "deliveries", _delivery(fact, telling)
        case CopyReached():
            return "changes", (COPIED, fact.journey, _copy(fact, telling), None, fact.reason, None)
        case Synced():
            value = _json((fact.change, fact.outcome, fact.key, fact.code)).decode()
            return "changes", (SYNCED, fact.destination, value, None, fact.reason, None)
        case Unmet():
            return "unmet", (fact.journey, fact.version, fact.event, fact.why)
        case Unmatched():
            return "unmatched", (fact.reaction, fact.why)
        case LimitReached():
            return "limits", (fact.setting, fact.why, fact.journey or None)
        case ZoneUnknown():
            return "changes", (ZONE_UNKNOWN, fact.zone, fact.used, None, None, None)
        case NotMerged():
            return "changes", (NOT_MERGED, fact.call, fact.other_id, None, fact.reason or None, None)
        case Merged():
            return "changes", (MERGED, fact.name, _json((fact.call, fact.runs)).decode(), None, None, None)
        case Changed():
            return "changes", (fact.what, fact.name, fact.value, None, fact.why, fact.dwell)
        case Decided():
            return "changes", (DECIDED, fact.decision, _decision(fact), None, None, None)
        case OfferMarked():
            value = _json((fact.proposition, fact.decision, fact.placement, fact.mark, fact.groups)).decode()
            return "changes", (PROPOSITION, fact.offer, value, None, None, None)
        case Learned():
            return "changes", (LEARNED, fact.subject, _json(fact.groups).decode(), None, None, None)
        case Published():
            return "publications", (fact.journey, fact.version, fact.document, fact.digest, fact.by or None)
        case LedgerChanged():
            return "changes", (fact.verb, fact.journey, str(fact.ledger), fact.by or None, None, None)
        case Looked():
            return "looks", (fact.key, fact.route)
    assert_never(fact)


def _copy(fact: CopyReached, telling: Telling) -> str:
    to = telling.address(fact.to)
    told = (fact.version, fact.run, fact.step, fact.channel, fact.message, to, fact.outcome, fact.key, fact.code)
    return _json(told).decode()


def _decision(fact: Decided) -> str:
    return _json((fact.placement, fact.origin, fact.offers, fact.fallback, fact.trace, fact.groups)).decode()


def _delivery(fact: DeliveryReached, telling: Telling) -> Row:
    return (
        telling.kind(fact.journey),
        fact.journey,
        fact.version,
        fact.run,
        fact.step,
        fact.visit,
        fact.channel,
        fact.message,
        fact.message_class,
        fact.purpose,
        telling.address(fact.to),
        fact.outcome,
        fact.gate,
        fact.key,
        fact.attempt,
        fact.reason,
        fact.code,
        fact.link,
        list(fact.offer_keys) or None,
        fact.machine,
    )


def _index(fact: Moved) -> int | None:
    """Which way was taken: none is that of `otherwise`."""
    if fact.what in ("branched", "split") and fact.why is not None and fact.why.isdecimal():
        return int(fact.why)
    return None
