"""Sets of people by Daft: the operators of `SetEngine`, row by row what DuckDB makes (duck.py)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
from daft import DataFrame, Expression, col, lit
from daft import functions as of

from parcours.campaigns.sets.distributed.enriching import enriched
from parcours.campaigns.sets.distributed.faults import on_daft
from parcours.campaigns.sets.distributed.frames import SetFile, write_set
from parcours.campaigns.sets.distributed.given import Given
from parcours.campaigns.sets.distributed.groups import placed
from parcours.campaigns.sets.distributed.joins import excluded, intersected, united
from parcours.campaigns.sets.engine import (
    GAVE_WAY,
    MAIN,
    OF_EVERY_SET,
    REST,
    Asked,
    AtRandom,
    Counts,
    Criterion,
    Enrichment,
    OrderKey,
    Subset,
    Values,
    asked_by,
)
from parcours.campaigns.sets.part_sizes import part_sizes, size_of_share


class DaftSets:
    """A `SetEngine`, on the Ray to which this process is connected, or in threads of this process."""

    def __init__(self, *, durable: bool) -> None:
        """durable: whether files that are written outlive a crash of the machine."""
        self._durable = durable

    @on_daft()
    def filter(self, source: Path, condition: Values, folder: Path) -> Counts:
        """Those for whom the condition holds, and the rest."""
        of_set, given = self._asked(source, [condition])
        holds = given.holds(condition)
        outputs = {
            MAIN: self._write(of_set, given.frame.where(holds), folder, MAIN),
            REST: self._write(of_set, given.frame.where(~holds), folder, REST),
        }
        return Counts(of_set.rows, outputs)

    @on_daft()
    def dedupe(
        self, source: Path, by: Sequence[Criterion], keep: int, order: Sequence[OrderKey], folder: Path
    ) -> Counts:
        """Of those who are equal in everything that is named, the first in an order; who lacks any of it is nobody's
        equal, and stays.
        """
        values = [each for each in by if each != "person"]
        of_set, given = self._asked(source, [*values, *asked_by(order)])
        compared = [given.compared(each) for each in values]
        is_filled: Expression = lit(True)
        for each in compared:
            is_filled = is_filled & each.is_filled
        alike = [col("person")] if len(values) < len(by) else []
        alike += [field for each in compared for field in each.alike]
        alone = [of.when(is_filled, lit("")).otherwise(col(key)) for key in OF_EVERY_SET]  # each equals itself
        by_order = given.order(order, OF_EVERY_SET)
        numbered = placed(given.frame, [*alike, *alone], by_order, OF_EVERY_SET).collect()
        left = numbered.where(col("place") > lit(keep))
        write_set(left, {"winner": "winner"}, {"winner": pa.string()}, folder, GAVE_WAY, durable=self._durable)
        outputs = {
            MAIN: self._write(of_set, numbered.where(col("place") <= lit(keep)), folder, MAIN),
            REST: self._write(of_set, left, folder, REST),
        }
        return Counts(of_set.rows, outputs, noted=given.noted)

    @on_daft()
    def split(self, source: Path, subsets: Sequence[Subset], folder: Path, *, overlap: bool) -> Counts:
        """Each subset takes from what those above it have left, or from everybody; the rest is whom none took."""
        asked = [
            each for subset in subsets for each in (*([subset.when] if subset.when else []), *asked_by(subset.order))
        ]
        of_set, given = self._asked(source, asked)
        left, outputs = given.frame, dict[str, int]()
        for subset in subsets:
            from_all = overlap and not subset.takes_what_is_left
            chosen = self._chosen(given, given.frame if from_all else left, subset, of_set.rows)
            outputs[subset.name] = self._write(of_set, chosen, folder, subset.name)
            left = left.join(chosen, on=[*OF_EVERY_SET], how="anti").collect()
        outputs[REST] = self._write(of_set, left, folder, REST)
        return Counts(of_set.rows, outputs, noted=given.noted)

    def _chosen(self, given: Given, among: DataFrame, subset: Subset, rows: int) -> DataFrame:
        wanted = among if subset.when is None else among.where(given.holds(subset.when))
        limit = subset.limit if subset.share is None else size_of_share(rows, subset.share)
        if limit is not None:
            wanted = given.order(subset.order, OF_EVERY_SET).of(wanted).limit(limit)
        return wanted.select(*OF_EVERY_SET).collect()

    @on_daft()
    def share(self, source: Path, parts: Sequence[tuple[str, Decimal | None]], seed: bytes, folder: Path) -> Counts:
        """Parts of exact sizes, filled one after the other by people in the order of their lots."""
        by_lot = (AtRandom(seed),)
        of_set, given = self._asked(source, by_lot)
        left, outputs = given.frame, dict[str, int]()
        for (name, _), size in zip(parts, part_sizes(of_set.rows, [share for _, share in parts]), strict=True):
            chosen = self._chosen(given, left, Subset(name, None, by_lot, size), of_set.rows)
            outputs[name] = self._write(of_set, chosen, folder, name)
            left = left.join(chosen, on=[*OF_EVERY_SET], how="anti").collect()
        assert sum(outputs.values()) == of_set.rows, "every row is in a part"
        return Counts(of_set.rows, outputs)

    @on_daft()
    def union(self, sources: Sequence[Path], by: Sequence[Sequence[Criterion]], folder: Path) -> Counts:
        """Each row of the sets once; of equal ones, the first."""
        return united(sources, by, folder, durable=self._durable)

    @on_daft()
    def intersect(self, sources: Sequence[Path], by: Sequence[Sequence[Criterion]], folder: Path) -> Counts:
        """The rows of the first set that are in all others as well, and its rest."""
        return intersected(sources, by, folder, durable=self._durable)

    @on_daft()
    def exclude(self, sources: Sequence[Path], by: Sequence[Sequence[Criterion]], folder: Path) -> Counts:
        """The rows of the first set that are in none of the others, and its rest."""
        return excluded(sources, by, folder, durable=self._durable)

    @on_daft()
    def enrich(self, source: Path, enrichments: Sequence[Enrichment], folder: Path) -> Counts:
        """Everybody with columns from linked tables; who lacks a required row is the rest."""
        return enriched(source, enrichments, folder, durable=self._durable)

    def _asked(self, source: Path, asked: Sequence[Asked]) -> tuple[SetFile, Given]:
        of_set = SetFile(source)
        given = Given(of_set.keys(), asked)
        assert given.count() == of_set.rows, "a value is given once for each row"
        return of_set, given

    def _write(self, of_set: SetFile, chosen: DataFrame, folder: Path, output: str) -> int:
        return of_set.write(chosen.select(*OF_EVERY_SET), folder, output, durable=self._durable)
