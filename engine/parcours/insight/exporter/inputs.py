"""Kept inputs, as whoever writes all of them out needs them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple


class KeptLine(NamedTuple):
    """A line with its effective time in ms. They compare in the order in which they happened to each person.

    record  its number in the export: a store that was shared out anew goes on where the one before has ended
    person  whose it was, by her name then
    """

    at: int
    record: int
    shard: int
    n: int
    line: bytes
    person: str


class ExportedLines(NamedTuple):
    """The inputs that are exported.

    lines    in no order
    through  by shard, through which record they go, by its number in the export
    cut_ms   before this instant there are none any more
    """

    lines: Iterator[KeptLine]
    through: Mapping[int, int]
    cut_ms: int


class ExportedInputs(NamedTuple):
    """What one person has handed in, as far as it is exported, in the order of happening.

    events  rows of the table of events, by column, `time` in milliseconds
    lines   inputs as they came, each with its effective time
    """

    events: list[dict[str, Any]]
    lines: list[tuple[int, bytes]]
