"""A `SetEngine` that lets both engines do everything, and looks whether they have made the same, row by row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
from tests.campaigns.sets.engines import ENGINES, set_engine

from parcours.campaigns.sets.engine import Counts, Criterion, Enrichment, OrderKey, SetEngine, Subset, Values


class BothSets:
    """What DuckDB has made is in the folders that are named, what Daft has made beside them."""

    def __init__(self, folder: Path, threads: int) -> None:
        self._engines = {name: set_engine(name, folder, threads) for name in ENGINES}
        self.files = 0
        """Files that were compared."""

    def filter(self, source: Path, condition: Values, folder: Path) -> Counts:
        return self._compared(folder, lambda engine, out: engine.filter(source, condition, out))

    def dedupe(
        self, source: Path, by: Sequence[Criterion], keep: int, order: Sequence[OrderKey], folder: Path
    ) -> Counts:
        return self._compared(folder, lambda engine, out: engine.dedupe(source, by, keep, order, out))

    def split(self, source: Path, subsets: Sequence[Subset], folder: Path, *, overlap: bool) -> Counts:
        return self._compared(folder, lambda engine, out: engine.split(source, subsets, out, overlap=overlap))

    def share(self, source: Path, parts: Sequence[tuple[str, Decimal | None]], seed: bytes, folder: Path) -> Counts:
        return self._compared(folder, lambda engine, out: engine.share(source, parts, seed, out))

    def union(self, sources: Sequence[Path], by: Sequence[Sequence[Criterion]], folder: Path) -> Counts:
        return self._compared(folder, lambda engine, out: engine.union(sources, by, out))

    def intersect(self, sources: Sequence[Path], by: Sequence[Sequence[Criterion]], folder: Path) -> Counts:
        return self._compared(folder, lambda engine, out: engine.intersect(sources, by, out))

    def exclude(self, sources: Sequence[Path], by: Sequence[Sequence[Criterion]], folder: Path) -> Counts:
        return self._compared(folder, lambda engine, out: engine.exclude(sources, by, out))

    def enrich(self, source: Path, enrichments: Sequence[Enrichment], folder: Path) -> Counts:
        return self._compared(folder, lambda engine, out: engine.enrich(source, enrichments, out))

    def _compared(self, folder: Path, make: Callable[[SetEngine, Path], Counts]) -> Counts:
        duckdb, daft = self._engines.values()
        aside = folder.with_name(f"{folder.name}-by-daft")
        counts = make(duckdb, folder)
        assert make(daft, aside) == counts
        files = sorted(path.name for path in folder.glob("*.parquet"))
        assert files == sorted(path.name for path in aside.glob("*.parquet"))
        for name in files:
            assert kinds_in(aside / name) == kinds_in(folder / name), f"{folder / name} has other columns by Daft"
            rows = pq.read_table(folder / name).to_pylist()
            assert pq.read_table(aside / name).to_pylist() == rows, f"{folder / name} has other rows by Daft"
            self.files += 1
        return counts


def kinds_in(path: Path) -> list[tuple[str, str]]:
    """The columns of a file with their types, in order, whether they may lack a value or not."""
    return [(field.name, str(field.type).replace(" not null", "")) for field in pq.read_schema(path)]
