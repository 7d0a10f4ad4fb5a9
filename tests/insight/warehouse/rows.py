"""Rows of facts, written briefly, and a warehouse over them alone."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from parcours.config import Settings
from parcours.insight.exporter.tables import COLUMNS, Row
from parcours.insight.warehouse.snapshot import Tail
from parcours.insight.warehouse.viewed import Viewed
from parcours.insight.warehouse.warehouse import Warehouse
from parcours.journey.model.insight import FactTable, KeptTable

TEN = 1_767_261_600_000
"""2026-01-01T10:00:00Z"""

MINUTE = 60_000

DEFAULTS: dict[str, dict[str, Any]] = {
    "events": {"declared": True},
    "moves": {"kind": "journey", "journey": "cart", "version": 1},
    "deliveries": {
        "kind": "journey", "journey": "cart", "version": 1, "run": 1, "step": "remind", "visit": 1,
        "channel": "email", "message": "reminder", "key": "k1", "attempt": 1,
    },
}  # fmt: skip

Told = tuple[FactTable, Row]


class Journal:
    """Numbers what is told, in the order of happening. `at` is in minutes after ten."""

    def __init__(self) -> None:
        self.rows: dict[KeptTable, list[Row]] = defaultdict(list)
        self._record = 0

    def tell(self, table: FactTable, at: float, person: str, *, shard: int = 0, **columns: Any) -> None:
        self._record += 1
        given: dict[str, Any] = {
            "time": TEN + int(at * MINUTE),
            "person": person,
            "shard": shard,
            "record": self._record,
            "n": 0,
        }
        given |= DEFAULTS.get(table, {}) | columns
        self.rows[table].append(tuple(given.pop(each.name, None) for each in COLUMNS[table]))
        assert not given, f"{table} has no such columns"

    def event(self, at: float, person: str, event: str, /, **properties: Any) -> None:
        self.tell("events", at, person, event=event, properties=json.dumps(properties))

    def move(self, at: float, person: str, what: str, run: int = 1, **columns: Any) -> None:
        self.tell("moves", at, person, what=what, run=run, **columns)

    def merge(self, at: float, name: str, person: str, runs: Sequence[Sequence[object]] = (), shard: int = 0) -> None:
        """`runs`: of each journey, version, number, the number that it has from then on, why it ended, step."""
        value = json.dumps(["identify", [*runs]])
        self.tell("changes", at, person, shard=shard, what="merged", name=name, value=value)

    def tail(self) -> Tail:
        return Tail(self.rows, {0: TEN})

    def warehouse(self, folder: Path, viewed: Viewed | None = None) -> Warehouse:
        """Over these rows alone: nothing is exported in the folder."""
        return Warehouse(folder / "facts", viewed or Viewed(follow="used"), Settings(), self.tail())


def asked(warehouse: Warehouse, query: str) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    return [row for some in warehouse.sql(query).rows for row in some]


def minutes(at: Any) -> float | None:
    """A time in minutes after ten."""
    return None if at is None else (at.timestamp() * 1000 - TEN) / MINUTE
