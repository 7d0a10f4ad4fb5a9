"""The answer of a query, whoever has asked it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Rows: TypeAlias = Iterator[list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query gives: the names of its columns, and its rows, some at once, which are taken once.

    as_of_ms  the instant up to which everything is known; None where nothing is
    """

    columns: Sequence[str]
    rows: Rows
    as_of_ms: int | None
