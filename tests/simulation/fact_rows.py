"""What a simulation has written as facts, as rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from parcours.insight.exporter.done import facts_folder
from parcours.insight.exporter.reading import reading, rows_of
from parcours.journey.model.insight import FactTable


def rows(out: Path, table: FactTable) -> list[dict[str, Any]]:
    """The rows of a table in their order."""
    folder = facts_folder(out)
    found: list[dict[str, Any]] = reading(folder, lambda listing: rows_of(folder, listing, table)).to_pylist()
    return sorted(found, key=lambda row: (row["record"], row["n"]))
