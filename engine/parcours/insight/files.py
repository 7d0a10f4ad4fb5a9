"""How do facts become the three files that a simulation leaves behind?

Each line is a struct whose fields stand in the order of the keys. Lines are sorted by time, person,
journey and run, a missing run first; equal ones stay in the order of happening. All facts of a person
come from one shard and in that order, so lists of several shards may simply follow one another.
Python compares texts by code point, which is also the order of their UTF-8 bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar

import msgspec

from parcours.core.fact import DeliveryReached, Fact, Moved
from parcours.core.time_text import time_text
from parcours.insight.summary import INTERNAL_OUTCOMES, Summary

DELIVERIES = "deliveries.ndjson"
TRANSITIONS = "transitions.ndjson"
SUMMARY = "summary.json"
RESULTS = (DELIVERIES, TRANSITIONS, SUMMARY)

INTERNAL_MOVES = frozenset({"updated"})
"""Moves that the files leave out: a trait that changed is no move along the steps."""

LINES_AT_ONCE = 10_000
"""Lines encoded before they are written: enough to be fast, few enough to need no second copy of them all."""


class DeliveryLine(msgspec.Struct, frozen=True, gc=False):
    """A line of deliveries.ndjson."""

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


Line = TypeVar("Line", DeliveryLine, TransitionLine)


def write_results(out: Path, facts: Iterable[Fact], summary: Summary) -> None:
    """Write the three files into the folder `out`, which is made if need be.

    They get their names when all of them are whole, so what went wrong before leaves no half results.

    facts   those of each person in the order of happening
    Raises OSError where the folder cannot be written.
    """
    deliveries: list[DeliveryReached] = []
    moves: list[Moved] = []
    for fact in facts:
        if isinstance(fact, Moved):
            if fact.what not in INTERNAL_MOVES:
                moves.append(fact)
        elif isinstance(fact, DeliveryReached) and fact.outcome not in INTERNAL_OUTCOMES:
            deliveries.append(fact)
    out.mkdir(parents=True, exist_ok=True)
    try:
        _write_lines(_unfinished(out / DELIVERIES), delivery_lines(deliveries))
        _write_lines(_unfinished(out / TRANSITIONS), transition_lines(moves))
        _unfinished(out / SUMMARY).write_bytes(summary_bytes(summary))
        for name in RESULTS:
            _unfinished(out / name).replace(out / name)
    finally:
        for name in RESULTS:
            _unfinished(out / name).unlink(missing_ok=True)


def _unfinished(path: Path) -> Path:
    return path.with_name(f"{path.name}.unfinished")


def summary_bytes(summary: Summary) -> bytes:
    """What summary.json holds: one line of compact JSON."""
    return msgspec.json.encode(summary) + b"\n"


def delivery_lines(deliveries: Sequence[DeliveryReached]) -> Iterator[DeliveryLine]:
    """The lines of these facts, sorted."""
    for fact in sorted(deliveries, key=_delivery_order):
        yield DeliveryLine(
            time_text(fact.at), fact.profile, fact.journey, fact.version, fact.run, fact.step,
            fact.channel, fact.message, fact.to, fact.outcome, fact.gate, fact.key,
        )  # fmt: skip


def transition_lines(moves: Sequence[Moved]) -> Iterator[TransitionLine]:
    """The lines of these facts, sorted."""
    for fact in sorted(moves, key=_move_order):
        yield TransitionLine(
            time_text(fact.at), fact.profile, fact.journey, fact.version,
            fact.run, fact.step, fact.what, fact.why,
        )  # fmt: skip


def _delivery_order(fact: DeliveryReached) -> tuple[int, str, str, int]:
    return (fact.at, fact.profile, fact.journey, fact.run)


def _move_order(fact: Moved) -> tuple[int, str, str, int]:
    return (fact.at, fact.profile, fact.journey, -1 if fact.run is None else fact.run)


def _write_lines(path: Path, lines: Iterator[Line]) -> None:
    encoder = msgspec.json.Encoder()
    with path.open("wb") as file:
        while chunk := list(islice(lines, LINES_AT_ONCE)):
            file.write(encoder.encode_lines(chunk))
