"""Facts again, from the rows of the tables: what `rows.py` made of them.

The export does not keep everything: the step that a run was at before (`left`), and an address unless it is in clear.
Both are None here. Of what a destination was told neither the key nor the fields are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import msgspec

from parcours.core.fact import (
    Changed,
    CopyOutcome,
    CopyReached,
    Decided,
    DeliveryReached,
    Fact,
    JoiningCall,
    Learned,
    LedgerChanged,
    LimitReached,
    Looked,
    Merged,
    Moved,
    NotMerged,
    OfferGiven,
    OfferMarked,
    Published,
    RunMerged,
    StrategyTried,
    Unmatched,
    Unmet,
    ZoneUnknown,
)
from parcours.core.sync_state import ToldOf
from parcours.core.synced import Synced, SyncOutcome
from parcours.insight.exporter.rows import (
    COPIED,
    DECIDED,
    LEARNED,
    MERGED,
    NOT_MERGED,
    PROPOSITION,
    SYNCED,
    ZONE_UNKNOWN,
)
from parcours.journey.model.insight import FactTable
from parcours.journey.model.offers import Mark
from parcours.journey.publish.ledger import Verb

_decode_merge = msgspec.json.Decoder(tuple[JoiningCall, tuple[RunMerged, ...]]).decode


@dataclass(frozen=True, slots=True)
class Exported:
    """What the export tells of a person.

    facts    in the order of happening
    through  by shard, through which record its facts are exported: only above it has its journal to be asked
    """

    facts: list[Fact]
    through: dict[int, int]


_decode_copy = msgspec.json.Decoder(tuple[int, int, str, str, str, str | None, CopyOutcome, str, str | None]).decode

_decode_synced = msgspec.json.Decoder(tuple[ToldOf, SyncOutcome, str, str | None]).decode

_decode_decision = msgspec.json.Decoder(
    tuple[str, str, tuple[OfferGiven, ...], bool, tuple[StrategyTried, ...], dict[str, str]]
).decode

_decode_mark = msgspec.json.Decoder(tuple[str, str, str, Mark | Literal["given_back"], dict[str, str]]).decode

_decode_learned = msgspec.json.Decoder(dict[str, dict[str, tuple[int, int]]]).decode

Told = Mapping[str, Any]
"""The values of a row by the names of columns, `time` in milliseconds."""

HASH_DIGITS: Final = 64

VERBS: Final = frozenset(get_args(Verb))
"""What the table of changes says of changes of what is published."""


def fact_of(table: FactTable, row: Told) -> Fact:
    """The fact of a row of any table that has facts (NO_FACTS)."""
    return _FACTS[table](row)


def _moved(row: Told) -> Fact:
    return Moved(
        row["time"], row["person"], row["journey"], row["version"], row["run"], row["step"], row["what"], row["why"]
    )


def _delivery(row: Told) -> Fact:
    return DeliveryReached(
        row["time"],
        row["person"],
        row["journey"],
        row["version"],
        row["run"],
        row["step"],
        row["channel"],
        row["message"],
        _clear(row["address"]),
        row["outcome"],
        row["gate"],
        row["key"],
        row["reason"],
        row["code"],
        row["visit"],
        row["class"],
        row["purpose"],
        row["attempt"],
        row["link"],
        bool(row["machine"]),  # which files from before do not have
        tuple(row["offer_keys"] or ()),
    )


def _clear(address: str | None) -> str | None:
    """The address, None for a hash. One that looks like a hash (tokens of devices may) is taken for one."""
    if address is None or (len(address) == HASH_DIGITS and set(address) <= set("0123456789abcdef")):
        return None
    return address


def change_of(row: Told) -> Fact:
    """The fact of a row of the table of changes."""
    at, person, name, value = row["time"], row["person"], row["name"], row["value"]
    match row["what"]:
        case what if what == ZONE_UNKNOWN:
            return ZoneUnknown(at, person, name, value)
        case what if what == NOT_MERGED:
            return NotMerged(at, person, name, value, row["reason"] or "")
        case what if what == MERGED:
            call, runs = _decode_merge(value)
            return Merged(at, person, name, call, runs)
        case what if what == COPIED:
            version, run, step, channel, message, to, outcome, key, code = _decode_copy(value)
            address = _clear(to) or ""
            reason = row["reason"]
            return CopyReached(
                at, person, name, version, run, step, channel, message, address, outcome, key, reason, code
            )
        case what if what == SYNCED:
            change, synced, key, code = _decode_synced(value)
            return Synced(at, person, name, change, "", {}, synced, key, row["reason"], code)
        case what if what == DECIDED:
            return Decided(at, person, name, *_decode_decision(value))
        case what if what == PROPOSITION:
            proposition, decision, placement, mark, groups = _decode_mark(value)
            return OfferMarked(at, person, proposition, name, decision, placement, mark, groups)
        case what if what == LEARNED:
            return Learned(at, person, name, _decode_learned(value))
        case what if what in VERBS:
            return LedgerChanged(at, person, what, name, int(value), row["by"] or "")
        case what:
            return Changed(at, person, what, name, value, row["reason"], row["dwell"])


_FACTS: Final[Mapping[FactTable, Callable[[Told], Fact]]] = {
    "moves": _moved,
    "deliveries": _delivery,
    "unmet": lambda row: Unmet(row["time"], row["person"], row["journey"], row["version"], row["event"], row["why"]),
    "unmatched": lambda row: Unmatched(row["time"], row["person"], row["reaction"], row["why"]),
    "limits": lambda row: LimitReached(row["time"], row["person"], row["setting"], row["why"], row["journey"] or ""),
    "changes": change_of,
    "publications": lambda row: Published(
        row["time"],
        row["person"],
        row["journey"],
        row["version"],
        row["document"],
        row["digest"],
        row["by"] or "",
    ),
    "looks": lambda row: Looked(row["time"], row["person"], row["key"], row["route"]),
}
