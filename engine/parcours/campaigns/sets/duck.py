"""Sets of people by DuckDB: filters, one row for each value, splits, joins and enrichment, within a bound of memory."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from parcours.campaigns.sets.database import Workspace, opened_database
from parcours.campaigns.sets.engine import (
    GAVE_WAY,
    MAIN,
    REST,
    AtRandom,
    Counts,
    Criterion,
    Enrichment,
    OrderKey,
    Subset,
    Values,
    asked_by,
)
from parcours.campaigns.sets.enriching import enriched
from parcours.campaigns.sets.joins import excluded, intersected, united
from parcours.campaigns.sets.part_sizes import part_sizes, size_of_share
from parcours.campaigns.sets.pool import Pool, opened_pool


class DuckSets:
    """A `SetEngine`. Each operator has a database of its own, in memory and in the workspace's folder."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def filter(self, source: Path, condition: Values, folder: Path) -> Counts:
        """Those for whom the condition holds, and the rest."""
        with opened_pool(source, self._workspace, [condition]) as pool:
            holds = pool.given.holds(condition)
            outputs = {
                MAIN: pool.write(folder, MAIN, f"SELECT number FROM pool WHERE {holds}"),
                REST: pool.write(folder, REST, f"SELECT number FROM pool WHERE NOT ({holds})"),
            }
            return Counts(pool.rows, outputs)

    def dedupe(
        self, source: Path, by: Sequence[Criterion], keep: int, order: Sequence[OrderKey], folder: Path
    ) -> Counts:
        """Of those who are equal in everything that is named, the first in an order; who lacks any of it is nobody's
        equal, and stays.
        """
        values = [each for each in by if each != "person"]
        asked, by_person = [*values, *asked_by(order)], len(values) < len(by)
        with opened_pool(source, self._workspace, asked, with_person=by_person) as pool:
            compared = [pool.given.compared(each) for each in values]
            alike = [*(["person"] if by_person else []), *(field for each in compared for field in each.fields)]
            equals = " AND ".join(each.is_filled for each in compared) or "true"
            alikes = f"WINDOW alikes AS (PARTITION BY {', '.join(alike)} ORDER BY {pool.order(order)})"
            pool.database.execute(
                f"CREATE TABLE places AS SELECT number, first_value(number) OVER alikes AS first,"
                f" CASE WHEN {equals} THEN row_number() OVER alikes ELSE 1 END AS place FROM pool {alikes}"
            )
            pool.write_pairs(folder, GAVE_WAY, f"SELECT number, first FROM places WHERE place > {int(keep)}")
            outputs = {
                MAIN: pool.write(folder, MAIN, f"SELECT number FROM places WHERE place <= {int(keep)}"),
                REST: pool.write(folder, REST, f"SELECT number FROM places WHERE place > {int(keep)}"),
            }
            return Counts(pool.rows, outputs, noted=pool.given.noted)

    def split(self, source: Path, subsets: Sequence[Subset], folder: Path, *, overlap: bool) -> Counts:
        """Each subset takes from what those above it have left, or from everybody; the rest is whom none took."""
        asked = [
            each for subset in subsets for each in (*([subset.when] if subset.when else []), *asked_by(subset.order))
        ]
        with opened_pool(source, self._workspace, asked) as pool:
            pool.database.execute("CREATE TABLE chosen (number BIGINT, part INTEGER)")
            outputs = {}
            for part, subset in enumerate(subsets):
                self._choose(pool, part, subset, from_all=overlap and not subset.takes_what_is_left)
                outputs[subset.name] = pool.write(folder, subset.name, f"SELECT number FROM chosen WHERE part = {part}")
            left = "SELECT number FROM pool WHERE number NOT IN (SELECT number FROM chosen)"
            outputs[REST] = pool.write(folder, REST, left)
            return Counts(pool.rows, outputs, noted=pool.given.noted)

    def _choose(self, pool: Pool, part: int, subset: Subset, *, from_all: bool) -> None:
        wanted = "true" if subset.when is None else pool.given.holds(subset.when)
        left = "true" if from_all else "number NOT IN (SELECT number FROM chosen)"
        limit = subset.limit
        if subset.share is not None:
            limit = size_of_share(pool.rows, subset.share)
        bound = "" if limit is None else f"ORDER BY {pool.order(subset.order)} LIMIT {limit}"
        pool.database.execute(f"INSERT INTO chosen SELECT number, {part} FROM pool WHERE {wanted} AND {left} {bound}")

    def share(self, source: Path, parts: Sequence[tuple[str, Decimal | None]], seed: bytes, folder: Path) -> Counts:
        """Parts of exact sizes, filled one after the other by people in the order of their lots."""
        by_lot = [AtRandom(seed)]
        with opened_pool(source, self._workspace, by_lot) as pool:
            place = f"row_number() OVER (ORDER BY {pool.order(by_lot)})"
            pool.database.execute(f"CREATE TABLE drawn AS SELECT number, {place} AS place FROM pool")
            outputs, first = {}, 0
            for (name, _), size in zip(parts, part_sizes(pool.rows, [share for _, share in parts]), strict=True):
                chosen = f"SELECT number FROM drawn WHERE place > {first} AND place <= {first + size}"
                outputs[name] = pool.write(folder, name, chosen)
                first += size
            assert first == pool.rows, "every row is in a part"
            return Counts(pool.rows, outputs)

    def union(self, sources: Sequence[Path], by: Sequence[Sequence[Criterion]], folder: Path) -> Counts:
        """Each row of the sets once; of equal ones, the first."""
        with opened_database(self._workspace) as database:
            return united(database, sources, by, folder)

    def intersect(self, sources: Sequence[Path], by: Sequence[Sequence[Criterion]], folder: Path) -> Counts:
        """The rows of the first set that are in all others as well, and its rest."""
        with opened_database(self._workspace) as database:
            return intersected(database, sources, by, folder)

    def exclude(self, sources: Sequence[Path], by: Sequence[Sequence[Criterion]], folder: Path) -> Counts:
        """The rows of the first set that are in none of the others, and its rest."""
        with opened_database(self._workspace) as database:
            return excluded(database, sources, by, folder)

    def enrich(self, source: Path, enrichments: Sequence[Enrichment], folder: Path) -> Counts:
        """Everybody with columns from linked tables; who lacks a required row is the rest."""
        with opened_database(self._workspace) as database:
            return enriched(database, source, enrichments, folder)
