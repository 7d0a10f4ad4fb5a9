"""What do the operators of a campaign on sets cost, beside the bare statements that DuckDB would need for the same?

People with a mail address, a score and a risk, one in ten of whom has another one's address, and twice as many wishes.
Of equal addresses the best score stays, the others are split in three by risk, two of the parts are united, and each of
these people gets her three latest wishes. Operators are given what expressions gave, and write every output; the bare
statements have the values as plain columns of Parquet and write only what goes on. Both ways take turns, each time in
a process of its own with the same memory and threads; they have to end with the same rows. Prints seconds of each
operator, the ratio, and the peak of memory; one line of JSON last.

With `--engine daft` the operators are Daft's, in threads of the process, and DuckDB's operators stand in the place of
the statements: the ratio is what Daft costs on one machine. It has all threads, and no bound of memory.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from parcours.campaigns.sets.database import COPY_OPTIONS, Workspace, literal, opened_database, rows_in
from parcours.campaigns.sets.duck import DuckSets
from parcours.campaigns.sets.engine import ByValue, Enrichment, SetEngine, Subset, TableColumn, Taken, Values
from parcours.campaigns.sets.values import value_column

P = ParamSpec("P")
T = TypeVar("T")

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
PART = 100_000
COLUMNS = ("description", "priceref", "imageurl")
OPERATORS = ("dedupe", "split", "union", "enrich")


@dataclass
class Run:
    """Seconds of each operator, and the most memory that the process ever had."""

    seconds: dict[str, float] = field(default_factory=dict)
    peak_mb: float = 0.0

    @contextmanager
    def timed(self, operator: str) -> Iterator[None]:
        started_s = time.perf_counter()
        yield
        self.seconds[operator] = time.perf_counter() - started_s
        self.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def write_parts(path: Path, rows: int, part: Callable[[range], dict[str, Any]]) -> None:
    """A Parquet file, so many rows in memory at a time."""
    writer = None
    for first in range(0, rows, PART):
        table = pa.table(part(range(first, min(first + PART, rows))))
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    assert writer is not None
    writer.close()


def make_world(folder: Path, people: int) -> None:
    """`people` as a set, `plain` with their values as columns, `given` with them as expressions give them; the table
    `wishes` as a snapshot, and `links`.
    """
    chance = random.Random(1)
    name = "shopper-{:08}".format
    mails = [f"m{chance.randrange(people * 9 // 10 + 1)}@luma.example" for _ in range(people)]
    scores = [chance.randrange(1_000) / 10 for _ in range(people)]
    risks = [chance.random() for _ in range(people)]
    owners = [chance.randrange(people) for _ in range(2 * people)]

    def of_set(part: range) -> dict[str, Any]:
        return {"person": [*map(name, part)], "row_key": [""] * len(part)}

    def plain(part: range) -> dict[str, Any]:
        whose = slice(part.start, part.stop)
        return {"person": [*map(name, part)], "mail": mails[whose], "score": scores[whose], "risk": risks[whose]}

    def given(part: range) -> dict[str, Any]:
        told = plain(part)
        values = {column: value_column(told[column]) for column in ("mail", "score")}
        low, medium = ([risk < bound for risk in told["risk"]] for bound in (0.3, 0.7))
        return {"person": told["person"], **values, "low": low, "medium": medium}

    def wishes(part: range) -> dict[str, Any]:
        cells = {
            "description": [f"Equipment number {chance.randrange(10_000)} for training" for _ in part],
            "priceref": pa.array([Decimal(chance.randrange(100_000)) / 100 for _ in part], pa.decimal128(38, 2)),
            "imageurl": [f"https://luma.example/i/{chance.randrange(10_000)}.jpg" for _ in part],
            "added_at": pa.array(
                [BEGIN + timedelta(seconds=chance.randrange(10**7)) for _ in part], pa.timestamp("us", tz="UTC")
            ),
        }
        columns = [each if isinstance(each, pa.Array) else pa.array(each) for each in cells.values()]
        numbers = pa.array([number + 1 for number in part], pa.int64())
        return {"row_number": numbers, "cells": pa.StructArray.from_arrays(columns, names=[*cells])}

    write_parts(folder / "people.parquet", people, of_set)
    write_parts(folder / "plain.parquet", people, plain)
    write_parts(folder / "given.parquet", people, given)
    write_parts(folder / "wishes.parquet", len(owners), wishes)
    links = sorted((owner, number + 1) for number, owner in enumerate(owners))
    write_parts(
        folder / "links.parquet",
        len(links),
        lambda part: {
            "person": [name(links[place][0]) for place in part],
            "row_number": pa.array([links[place][1] for place in part], pa.int64()),
        },
    )


def by_operators(folder: Path, workspace: Workspace) -> Run:
    """As a campaign does it."""
    return operated(DuckSets(workspace), folder, folder / "sets")


def by_daft(folder: Path, workspace: Workspace) -> Run:
    """As a campaign does it whose sets are made by Daft."""
    from parcours.campaigns.sets.distributed.daft_sets import DaftSets  # an extra of its own

    return operated(DaftSets(durable=workspace.durable), folder, folder / "daft")


def operated(sets: SetEngine, folder: Path, out: Path) -> Run:
    """What the operators of an engine take."""
    run = Run()

    def values(column: str) -> Values:
        return Values(folder / "given.parquet", column, by_row=False)

    subsets = [Subset("low", values("low")), Subset("medium", values("medium")), Subset("high", None)]
    latest = Taken(3, False, (ByValue(TableColumn("added_at"), highest=True),), COLUMNS)
    wishlist = Enrichment("wishlist", folder / "wishes.parquet", folder / "links.parquet", latest)
    best = ByValue(values("score"), highest=True)
    with run.timed("dedupe"):
        sets.dedupe(folder / "people.parquet", [values("mail")], 1, [best], out / "unique")
    with run.timed("split"):
        sets.split(out / "unique" / "main.parquet", subsets, out / "risk", overlap=False)
    with run.timed("union"):
        parts = [out / "risk" / f"{name}.parquet" for name in ("low", "medium")]
        sets.union(parts, [["person"]] * 2, out / "gentle")
    with run.timed("enrich"):
        sets.enrich(out / "gentle" / "main.parquet", [wishlist], out / "wishes")
    return run


def by_statements(folder: Path, workspace: Workspace) -> Run:
    """As somebody would write it who knows the columns."""
    run, out = Run(), folder / "bare"
    out.mkdir(exist_ok=True)

    def rows(name: str) -> str:
        return f"(FROM {rows_in(folder / f'{name}.parquet')})"

    def copied(name: str, query: str) -> None:
        with opened_database(workspace) as database:
            database.execute(f"COPY ({query}) TO {literal(str(out / name))} ({COPY_OPTIONS})")

    def made(name: str) -> str:
        return f"(FROM {rows_in(out / name)})"

    best = "row_number() OVER (PARTITION BY mail ORDER BY score DESC, person)"
    with run.timed("dedupe"):
        unique = f"SELECT person, row_key FROM {rows('people')} JOIN {rows('plain')} USING (person) QUALIFY {best} = 1"
        copied("unique", f"{unique} ORDER BY person, row_key")
    with run.timed("split"):
        for name, which in (("low", "risk < 0.3"), ("medium", "risk >= 0.3 AND risk < 0.7"), ("high", "risk >= 0.7")):
            part = f"SELECT person, row_key FROM {made('unique')} JOIN {rows('plain')} USING (person) WHERE {which}"
            copied(name, f"{part} ORDER BY person, row_key")
    with run.timed("union"):
        both = f"SELECT * FROM {made('low')} UNION ALL SELECT * FROM {made('medium')}"
        first = f"SELECT person, min(row_key) AS row_key FROM ({both}) GROUP BY person"
        copied("gentle", f"{first} ORDER BY person, row_key")
    with run.timed("enrich"):
        latest = "row_number() OVER (PARTITION BY person ORDER BY cells.added_at DESC, row_number)"
        fields = ", ".join(f"{column} := cells.{column}" for column in COLUMNS)
        copied(
            "wishes",
            f"WITH firsts AS (SELECT person, struct_pack({fields}) AS wish, {latest} AS place FROM {rows('links')}"
            f" JOIN {rows('wishes')} USING (row_number) SEMI JOIN {made('gentle')} USING (person) QUALIFY place <= 3),"
            " lists AS (SELECT person, list(wish ORDER BY place) AS wishlist FROM firsts GROUP BY person)"
            f" SELECT person, row_key, coalesce(wishlist, []) AS wishlist FROM {made('gentle')}"
            " LEFT JOIN lists USING (person) ORDER BY person, row_key",
        )
    return run


def alone(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """In a process of its own. Its peak of memory begins at what this one has, so what is large is never done here."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(call, *args, **kwargs).result()


def check(folder: Path) -> None:
    """Both ways have made the same rows."""
    made = pq.read_table(folder / "sets" / "wishes" / "main.parquet")
    by_others = (folder / "bare" / "wishes", folder / "daft" / "wishes" / "main.parquet")
    others = [pq.read_table(path) for path in by_others if path.exists()]
    assert made.num_rows and others and all(made.equals(each.cast(made.schema)) for each in others)


def summary(people: int, runs: list[list[Run]]) -> dict[str, object]:
    """Medians of the runs, the operators first and then what they are compared with, if anything is."""
    told: dict[str, object] = {"people": people, "wishes": 2 * people}
    for operator in OPERATORS:
        seconds = zip(*([run.seconds[operator] for run in each] for each in runs), strict=True)
        told[operator] = [round(statistics.median(each), 3) for each in seconds]
    totals = [[sum(run.seconds.values()) for run in each] for each in runs]
    told["seconds"] = [round(statistics.median(each), 3) for each in zip(*totals, strict=True)]
    told["ratio"] = round(statistics.median(ours / bare for ours, bare in totals), 2) if len(runs[0]) == 2 else None
    told["peak_mb"] = [round(max(run.peak_mb for run in each)) for each in zip(*runs, strict=True)]
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--memory-mb", type=int, default=2_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--operators-only", action="store_true", help="for more people than the others have room for")
    parser.add_argument("--engine", choices=("duckdb", "daft"), default="duckdb")
    given = parser.parse_args()
    both = (by_operators, by_statements) if given.engine == "duckdb" else (by_daft, by_operators)
    ways = both[:1] if given.operators_only else both
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        alone(make_world, folder, given.people)
        workspace = Workspace(folder / "spill", given.memory_mb * 1_000_000, given.threads)
        runs = []
        for _ in range(given.runs):
            runs.append([alone(way, folder, workspace) for way in ways])
            print(json.dumps([{"s": run.seconds, "peak_mb": run.peak_mb} for run in runs[-1]]), flush=True)
        if not given.operators_only:
            alone(check, folder)
    print(json.dumps(summary(given.people, runs)))


if __name__ == "__main__":
    main()
