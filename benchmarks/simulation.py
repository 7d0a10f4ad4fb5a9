"""How long does a simulation of 90 days take, and how much memory? Each runtime runs the real command.

The events are written once. Then `parcours simulate` runs over them as a child process, for each runtime in
turn, and its files are compared by digest. Memory is looked up in /proc three times a second, for the
child and every process below it (on Ray: the shards and all of Ray's own) at once: `resident` adds up what
each has resident, so what several of them share counts several times; `proportional` counts that once.
Prints one line of JSON last.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from measuring.processes import stats
from shoppers import write_events, write_project

LOOK_EVERY_S = 0.3
COMMAND = "from parcours.cli import main; main()"
RESULTS = ("deliveries.ndjson", "transitions.ndjson", "summary.json")
FIGURES = ("seconds", "events_per_second", "cpu_s", "resident_bytes", "proportional_bytes")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Used:
    """What a process and all below it have used, as far as it was seen: the highest sums, and CPU time."""

    resident_bytes: int = 0
    proportional_bytes: int = 0
    cpu_s: float = 0.0


@dataclass
class Run:
    """One run of the command, from its start to its end, Ray's start included."""

    runtime: str
    shards: int
    events: int
    seconds: float
    events_per_second: int
    cpu_s: float
    resident_bytes: int
    proportional_bytes: int
    result_bytes: dict[str, int]
    digest: str


def watch(child: subprocess.Popen[bytes]) -> Used:
    """Look at the child and its descendants until it ends."""
    used = Used()
    cpu_s: dict[int, float] = {}
    while True:
        seen = list(family(child.pid))
        for process, fields in seen:
            cpu_s[process] = (int(fields[11]) + int(fields[12])) / TICKS_PER_S
        used.resident_bytes = max(used.resident_bytes, sum(int(fields[21]) * PAGE_BYTES for _, fields in seen))
        shares = sum(proportional_bytes(process) for process, _ in seen)
        used.proportional_bytes = max(used.proportional_bytes, shares)
        used.cpu_s = sum(cpu_s.values())
        try:
            child.wait(LOOK_EVERY_S)
        except subprocess.TimeoutExpired:
            continue
        return used


def family(first: int) -> Iterator[tuple[int, list[str]]]:
    """A process and all below it: its id, and the fields of its stat file that follow its name."""
    children: dict[int, list[tuple[int, list[str]]]] = {}
    for process, fields in stats():
        children.setdefault(int(fields[1]), []).append((process, fields))
    waiting = [each for each in children.get(os.getpid(), []) if each[0] == first]
    while waiting:
        found = waiting.pop()
        yield found
        waiting += children.get(found[0], [])


def proportional_bytes(process: int) -> int:
    """A process's memory, of which what it shares with others counts in part (Pss)."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0  # it has ended meanwhile
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def measure(project: Path, events: Path, count: int, runtime: str, shards: int) -> Run:
    out = Path(tempfile.mkdtemp(prefix="parcours-benchmark-"))
    options = ["--events", str(events), "--out", str(out), "--runtime", runtime, "--shards", str(shards)]
    try:
        started = time.perf_counter()
        command = [sys.executable, "-c", COMMAND, "simulate", str(project), *options]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as child:
            used = watch(child)
        seconds = time.perf_counter() - started
        if child.returncode:
            raise SystemExit(f"parcours simulate left with {child.returncode}")
        digest = hashlib.sha256()
        for name in RESULTS:
            digest.update((out / name).read_bytes())
        return Run(
            runtime=runtime,
            shards=shards,
            events=count,
            seconds=round(seconds, 1),
            events_per_second=round(count / seconds),
            cpu_s=round(used.cpu_s, 1),
            resident_bytes=used.resident_bytes,
            proportional_bytes=used.proportional_bytes,
            result_bytes={name: (out / name).stat().st_size for name in RESULTS},
            digest=digest.hexdigest(),
        )
    finally:
        shutil.rmtree(out)


def show(run: Run) -> None:
    print(
        f"{run.runtime:>5}, shards: {run.shards}, {run.seconds:.1f} s, {run.events_per_second:,} events/s, "
        f"{run.cpu_s:.1f} s of CPU, {run.resident_bytes / 1e6:,.0f} MB resident "
        f"({run.proportional_bytes / 1e6:,.0f} MB proportional), "
        f"{sum(run.result_bytes.values()) / 1e6:,.0f} MB written, digest {run.digest[:12]}",
        flush=True,
    )


def medians(runs: list[Run]) -> dict[str, dict[str, float]]:
    """The median of each figure over the runs of each runtime."""
    figures = {}
    for runtime in dict.fromkeys(run.runtime for run in runs):
        alike = [asdict(run) for run in runs if run.runtime == runtime]
        figures[runtime] = {name: statistics.median([run[name] for run in alike]) for name in FIGURES}
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000, help="they make about ten events each")
    parser.add_argument("--shards", type=int, default=2, help="for Ray; the local runtime has one")
    parser.add_argument("--runs", type=int, default=1, help="of each runtime, in turn")
    parser.add_argument("--runtime", choices=["local", "ray", "both"], default="both")
    arguments = parser.parse_args()
    chosen = [("local", 1), ("ray", arguments.shards)]
    folder = Path(tempfile.mkdtemp(prefix="parcours-benchmark-"))
    try:
        project, events = folder / "shop", folder / "events.ndjson"
        write_project(project)
        count = write_events(events, arguments.people)
        print(f"{count:,} events of {events.stat().st_size / count:.0f} bytes on average", flush=True)
        runs = []
        for _ in range(arguments.runs):
            for runtime, shards in chosen:
                if arguments.runtime in (runtime, "both"):
                    runs.append(measure(project, events, count, runtime, shards))
                    show(runs[-1])
    finally:
        shutil.rmtree(folder)
    digests = {run.digest for run in runs}
    if len(digests) != 1:
        raise SystemExit(f"the files differ: {digests}")
    print(json.dumps({"median": medians(runs), "digest": digests.pop(), "runs": [asdict(run) for run in runs]}))


if __name__ == "__main__":
    main()
