"""What a reader of a table's file hands on: some rows, with where they were written and which cells did not fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from parcours.campaigns.sets.fitting import Fitted

BATCH_ROWS: Final = 10_000
"""Rows read at once, fewer if they are long: they lie in memory as Python's texts, so some ten MB."""

BATCH_CHARACTERS: Final = 8_000_000


@dataclass(frozen=True, slots=True)
class Batch:
    """lines    where each row begins, counted from 1
    columns  the declared ones, by name
    torn     places of rows that have more or fewer cells than there are columns: none of these fits
    """

    lines: Sequence[int]
    columns: Mapping[str, Fitted]
    torn: Sequence[int] = ()
