"""What does a campaign cost from its barrier to its first send? The steps of the example `wishlist`, as written.

Two shards, each in a process of its own on SQLite, have the people: all have looked at equipment, and one in ten has
another one's mail address. Another process is the coordinator: it collects what the shards tell of everybody into the
file of the stage, copies the tables, which are Parquet with two wishes and one order for each person, links them to
people, and makes the sets up to the mail. "Bare" is DuckDB with statements for just that on the same Parquet, people as
plain columns, which write only what goes on. Both ways take turns, each in a process of its own with the same memory
and threads, and have to end with the same rows. Prints seconds, and the memory of each process before and at its peak;
one line of JSON last.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import ParamSpec, TypeVar

import msgspec
import pyarrow.parquet as pq
from win_back_world import AT_MS, Person, make_tables, name_of, project

from parcours import collector
from parcours.campaigns.run_sets import RunSets
from parcours.campaigns.sets.database import COPY_OPTIONS, Workspace, literal, opened_database, rows_in
from parcours.config import Settings
from parcours.core.columns import columns_of
from parcours.core.identity import SlotMap
from parcours.core.profile import Profile
from parcours.core.series_entries import SeriesEntries
from parcours.expression.history import HistoryCall
from parcours.journey.campaign_columns import shard_columns
from parcours.shard.messages import Batch
from parcours.shard.scans import Scan, StageAsked
from parcours.shard.shard import Shard
from parcours.store.address import prepare
from parcours.store.sqlite import SqliteStore

P = ParamSpec("P")
T = TypeVar("T")

SHARDS = 2
BATCH = 2_000
END = b""
STEPS = ("visitors", "unique", "risk", "at-risk", "gentle", "wishes", "mail")
TABLES = ("wishlist", "orders")

SPAWN = get_context("spawn")

# Memory of the process that asks


def memory_mb(what: str) -> float:
    """`VmRSS`, what it has now, or `VmHWM`, the most since `forget_peak`."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{what}:")) / 1024


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


# A shard


def keep_people(folder: Path, number: int, people: int, asked: Connection) -> None:
    """Fill a shard, and answer one scan; then tell seconds of the processor, and memory before and at the peak."""
    slots, settings = SlotMap(SHARDS), Settings()
    store = SqliteStore(folder / "store", number)
    shard = Shard(number, slots, project(folder).program, store, settings, records=["email", "sms", "push"])
    shard.open(AT_MS)
    mine = (each for each in range(people) if slots.shard(name_of(each)) == number)
    lines = (line for each in mine for line in Person(each).lines())
    batches = 0
    while some := [*islice(lines, BATCH)]:
        batches += 1
        assert shard.take(Batch("router", batches, list(range(len(some))), some), AT_MS).number == batches
    collector.spare_for_good()
    asked.send_bytes(END)
    asked.recv_bytes()
    before_mb = memory_mb("VmRSS")
    forget_peak()
    begun_s = time.process_time()
    shard.reading.await_scans([Scan("win-back", AT_MS + 1, StageAsked("wishlist", 1, 0))])
    after: tuple[int, str] | None = None
    while True:
        listed = shard.reading.list_columns("win-back", after, settings.due_people_max, AT_MS + 2)
        assert listed.state == "listed", listed.state
        asked.send_bytes(msgspec.msgpack.encode(listed.rows))
        after = listed.after
        if after is None:
            break
    shard.reading.end_scan("win-back")
    asked.send_bytes(END)
    asked.send_bytes(msgspec.msgpack.encode((time.process_time() - begun_s, before_mb, memory_mb("VmHWM"))))


@contextmanager
def shards(folder: Path, people: int) -> Iterator[list[Connection]]:
    """The shards, filled."""
    ends, processes = [], []
    for number in range(SHARDS):
        ours, theirs = SPAWN.Pipe()
        process = SPAWN.Process(target=keep_people, args=(folder, number, people, theirs))
        process.start()
        theirs.close()
        ends.append(ours)
        processes.append(process)
    for end in ends:
        assert end.recv_bytes() == END
    yield ends
    for process in processes:
        process.join()
        assert process.exitcode == 0


# The coordinator


class Spent(msgspec.Struct):
    """
    seconds      of what was done, by name
    processor_s  of all of it
    peak_mb      of the process meanwhile
    """

    seconds: dict[str, float]
    processor_s: float = 0.0
    peak_mb: float = 0.0

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        begun_s, begun_processor_s = time.perf_counter(), time.process_time()
        yield
        self.seconds[name] = time.perf_counter() - begun_s
        self.processor_s += time.process_time() - begun_processor_s
        self.peak_mb = memory_mb("VmHWM")


@dataclass(frozen=True)
class Bounds:
    memory_mb: int
    threads: int


def sets_of(folder: Path, run: Path, bounds: Bounds) -> RunSets:
    one = project(folder)
    (campaign,) = one.program.campaigns
    settings = Settings(campaign_memory_bytes=bounds.memory_mb * 1_000_000)
    return RunSets(campaign, 1, run, folder / "project", settings, threads=bounds.threads)


def collect(folder: Path, bounds: Bounds, ends: list[Connection]) -> tuple[Spent, list[tuple[float, float, float]]]:
    """Keep what shards tell in the file of the stage, as it comes; and what each shard says of itself."""
    sets = sets_of(folder, folder / "collected", bounds)
    read = msgspec.msgpack.Decoder(list[tuple[str, bytes]]).decode
    spent = Spent({})
    forget_peak()
    for end in ends:
        end.send_bytes(b"go on")
    left = [*ends]
    with spent.timed("collect"), sets.collecting(0) as told:
        while left:
            for end in [each for each in wait(left) if isinstance(each, Connection)]:
                rows = end.recv_bytes()
                if rows == END:
                    left.remove(end)
                else:
                    told.add(read(rows))
    sets.close()
    return spent, [msgspec.msgpack.decode(end.recv_bytes(), type=tuple[float, float, float]) for end in ends]


def collect_made(folder: Path, people: int, bounds: Bounds) -> Spent:
    """As `collect`, of people who are in no shard."""
    program, sets, spent = project(folder).program, sets_of(folder, folder / "collected", bounds), Spent({})
    (campaign,) = program.campaigns
    asked, settings = shard_columns(campaign, campaign.stages[0]), Settings()
    looked = SeriesEntries()
    looked.add(AT_MS, 1)
    series = {HistoryCall("Product Viewed", None, 'event.category == "equipment"', None).key: looked}

    def row(number: int) -> tuple[str, bytes]:
        person = Person(number)
        profile = Profile(traits=person.traits, series=series)
        return person.name, columns_of(profile, AT_MS + 1, program, asked, settings)

    forget_peak()
    with spent.timed("collect"), sets.collecting(0) as told:
        told.add(map(row, range(people)))
    sets.close()
    return spent


def by_steps(folder: Path, bounds: Bounds) -> Spent:
    """As a campaign makes its sets, of what was collected."""
    run, spent = folder / "run", Spent({})
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(folder / "collected", run)
    sets = sets_of(folder, run, bounds)
    forget_peak()
    for step in STEPS:
        with spent.timed(step):
            made = sets.make(step, AT_MS + 1)
        assert made.inflow, f"nobody has come to {step}"
    return spent


def by_statements(folder: Path, bounds: Bounds) -> Spent:
    """As somebody would write it who knows the columns."""
    out, spent = folder / "bare", Spent({})
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    workspace = Workspace(folder / "spill", bounds.memory_mb * 1_000_000, bounds.threads)
    plain, wishes, orders = (
        rows_in(path)
        for path in (folder / "plain.parquet", *(folder / "project" / "data" / f"{name}.parquet" for name in TABLES))
    )
    best = "row_number() OVER (PARTITION BY email ORDER BY score DESC, person)"
    of_person = "row_number() OVER (PARTITION BY person ORDER BY added_at DESC, item)"
    wish = ", ".join(f"{column} := {column}" for column in ("description", "priceref", "imageurl"))
    queries = {
        "unique": f"SELECT * FROM {plain} QUALIFY {best} = 1",
        "low": "SELECT * FROM {unique} WHERE churnprop < 0.3",
        "medium": "SELECT * FROM {unique} WHERE churnprop >= 0.3 AND churnprop < 0.7",
        "high": "SELECT * FROM {unique} WHERE churnprop >= 0.7",
        "at-risk": "SELECT * FROM {high} WHERE email <> ''",
        "gentle": "SELECT * FROM {low} UNION ALL SELECT * FROM {medium}",
        "wishes": f"WITH firsts AS (SELECT person, struct_pack({wish}) AS wish, {of_person} AS place FROM {{gentle}}"
        f" AS gentle JOIN {wishes} AS wishes ON lower(trim(wishes.email)) = lower(trim(gentle.email))"
        " QUALIFY place <= 3), lists AS (SELECT person, list(wish ORDER BY place) AS wishlist FROM firsts GROUP BY 1),"
        f" paid AS (SELECT customer AS person, sum(total) AS spent FROM {orders} WHERE status = 'paid' GROUP BY 1)"
        " SELECT person, coalesce(wishlist, []) AS wishlist, spent FROM {gentle}"
        " LEFT JOIN lists USING (person) LEFT JOIN paid USING (person)",
    }
    made = {name: rows_in(out / name) for name in queries}
    forget_peak()
    for name, query in queries.items():
        with spent.timed(name), opened_database(workspace) as database:
            ordered = f"{query.format_map(made)} ORDER BY person"
            database.execute(f"COPY ({ordered}) TO {literal(str(out / name))} ({COPY_OPTIONS})")
    return spent


def alone(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """In a process of its own, of which the memory is nobody else's."""
    with ProcessPoolExecutor(1, mp_context=SPAWN) as pool:
        return pool.submit(call, *args, **kwargs).result()


def check(folder: Path) -> None:
    """Both ways have made the same rows."""
    columns = ["person", "wishlist", "spent"]
    made = pq.read_table(folder / "run" / "sets" / "wishes" / "main.parquet", columns=columns)
    assert made.num_rows and made.equals(pq.read_table(folder / "bare" / "wishes", columns=columns))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--memory-mb", type=int, default=2_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", default=None, help="where everything lies meanwhile")
    parser.add_argument("--steps-only", action="store_true", help="for more people than the statements have room for")
    parser.add_argument("--without-shards", action="store_true", help="people are told of without being kept")
    given = parser.parse_args()
    bounds = Bounds(given.memory_mb, given.threads)
    ways = (by_steps,) if given.steps_only else (by_steps, by_statements)
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        project(folder)
        prepare(f"sqlite:///{folder / 'store'}", "wishlist", SHARDS)
        alone(make_tables, folder, given.people)
        told: list[tuple[float, float, float]] = []
        if given.without_shards:
            collected = alone(collect_made, folder, given.people, bounds)
        else:
            with shards(folder, given.people) as ends:
                collected, told = collect(folder, bounds, ends)
        runs = []
        for _ in range(given.runs):
            runs.append([alone(way, folder, bounds) for way in ways])
            print(json.dumps(msgspec.to_builtins(runs[-1])), flush=True)
        if not given.steps_only:
            alone(check, folder)
    totals = [[sum(each.seconds.values()) for each in run] for run in runs]
    processor = [[each.processor_s for each in run] for run in runs]
    told_of = {
        "people": given.people,
        "scan_cpu_us": [round(seconds / given.people * SHARDS * 1e6, 2) for seconds, _, _ in told],
        "shards_mb": [[round(before), round(peak)] for _, before, peak in told],
        "collect": [round(collected.seconds["collect"], 1), round(collected.peak_mb)],
        "steps": {step: round(statistics.median(run[0].seconds[step] for run in runs), 2) for step in STEPS},
        "seconds": [round(statistics.median(each), 2) for each in zip(*totals, strict=True)],
        "processor_s": [round(statistics.median(each), 2) for each in zip(*processor, strict=True)],
        "peak_mb": [round(max(each.peak_mb for each in way)) for way in zip(*runs, strict=True)],
    }
    if not given.steps_only:
        told_of["ratio"] = round(statistics.median(ours / bare for ours, bare in totals), 2)
        told_of["ratio_by_processor"] = round(statistics.median(ours / bare for ours, bare in processor), 2)
    print(json.dumps(told_of))


if __name__ == "__main__":
    main()
