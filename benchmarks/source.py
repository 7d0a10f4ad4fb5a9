"""How fast is a log read into the engine, beside `engine.ingest` of the same lines?

The lines lie in a topic of librdkafka's mock cluster, which is a process of its own, and in files. Each way has a fresh
store in every round, and the ways take turns. A line counts once its shard has answered that it is on disk, and a way
is over once all have been: none twice, none missing, or the benchmark fails. The clock of a source starts once its
first lines have been answered, which then do not count: how long it takes to begin, from the moment it has its
partitions, is told beside. Other partitions may still be beginning then. Where the machine has other work, processor
time says more than the clock. Prints one line of JSON last.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from workload import events, project
from workloads.ingest import BLOCK_EVENTS, feed

from parcours import Engine
from parcours.runtime.cluster.runtime import start_ray
from parcours.source import Source
from parcours.sources.files import FilesSettings, FilesSource
from parcours.sources.kafka import KafkaSource
from parcours.sources.kafka_settings import KafkaSettings
from parcours.testing.doubles.kafka import Kafka

PARTITIONS = 8
FILES = 4
LOOK_EVERY_S = 0.01
SETTLE_S = 4.0
"""So long an engine is left alone once it is open: its exporter starts, which takes the processor for seconds."""

PATIENCE_S = 600.0
TOPIC = "events"

HERE = "this process"
BROKER = "broker"
ACTORS = "ray::"
"""What the names of Ray's processes that work begin with."""


@dataclass(frozen=True)
class Run:
    """One way in one round: events a second, µs of processor an event by process, and seconds until the first one."""

    per_second: float
    begins_s: float
    cpu_us: Mapping[str, float]


def ingest(engine: Engine, lines: Sequence[bytes], clock: Clock) -> None:
    """All lines in blocks, a few calls under way at a time."""
    blocks = [b"\n".join(lines[start : start + BLOCK_EVENTS]) for start in range(0, len(lines), BLOCK_EVENTS)]
    clock.start()
    accepted = sum(outcome.accepted for outcome in feed(engine, blocks))
    clock.stop(len(lines))
    assert accepted == len(lines), f"{accepted} of {len(lines)} events were accepted"


def read(engine: Engine, source: Source, events_there: int, clock: Clock) -> None:
    """All lines that a source has."""
    engine.read_source("stream", source)
    until = time.monotonic() + PATIENCE_S
    while not engine.sources()[0].partitions:
        assert time.monotonic() < until, engine.troubles()
        time.sleep(LOOK_EVERY_S)
    given_s, before = time.perf_counter(), 0
    while (taken := sum((told := engine.sources()[0]).outcomes.values())) < events_there:
        if taken and not before:
            before, clock.begins_s = taken, time.perf_counter() - given_s
            clock.start()
        assert time.monotonic() < until, (told, engine.troubles())
        time.sleep(LOOK_EVERY_S)
    clock.stop(taken - before)
    assert taken == told.outcomes["accepted"] == events_there, told.outcomes


class Clock:
    """Wall time, and that of the processor by process, of the events between a start and a stop."""

    def __init__(self, broker: int) -> None:
        self._broker = broker
        self._before: dict[str, float] = {}
        self.begins_s = self.seconds = 0.0
        self.events = 0
        self.cpu_s: dict[str, float] = {}

    def start(self) -> None:
        self._before, self.seconds = self._used(), time.perf_counter()

    def stop(self, events: int) -> None:
        self.events = events
        self.seconds = time.perf_counter() - self.seconds
        self.cpu_s = {name: used - self._before.get(name, 0.0) for name, used in self._used().items()}

    def _used(self) -> dict[str, float]:
        used = {HERE: time.process_time(), BROKER: _cpu_s(self._broker)}
        for process, name in _below():
            if name.startswith(ACTORS):
                of = name.removeprefix(ACTORS).partition(".")[0]
                with suppress(OSError):  # it has ended
                    used[of] = used.get(of, 0.0) + _cpu_s(process)
        return used


def _cpu_s(process: int) -> float:
    """Processor seconds that a process has used, to the nanosecond, by the clock of clock_getcpuclockid(3)."""
    return time.clock_gettime(~process << 3 | 2)


def _below() -> Iterator[tuple[int, str]]:
    """The processes below this one, and their names."""
    parents, names = dict[int, int](), dict[int, str]()
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with suppress(OSError):  # it has ended
                process = int(folder.name)
                parents[process] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                names[process] = (folder / "cmdline").read_bytes().split(b"\0")[0].decode(errors="replace")
    for process, name in names.items():
        above = process
        while above in parents and above != os.getpid():
            above = parents[above]
        if above == os.getpid() != process:
            yield process, name


def measure(arguments: argparse.Namespace, way: Callable[[Engine, Clock], None], broker: int) -> Run:
    """One way, on a fresh store."""
    folder, clock = Path(tempfile.mkdtemp(prefix="parcours-benchmark-")), Clock(broker)
    try:
        with Engine.open(
            project("2s"), f"sqlite:///{folder}", shards=arguments.shards, runtime=arguments.runtime, records=["email"]
        ) as engine:
            time.sleep(arguments.settle)
            way(engine, clock)
    finally:
        shutil.rmtree(folder)
    cpu_us = {name: round(used / clock.events * 1e6, 2) for name, used in sorted(clock.cpu_s.items())}
    return Run(clock.events / clock.seconds, clock.begins_s, cpu_us)


def ways(lines: Sequence[bytes], kafka: Kafka, files: Path) -> dict[str, Callable[[Engine, Clock], None]]:
    """What takes turns; the lines are where they are read from. Each reading is of a group of its own."""
    settings = {"servers": kafka.servers, "topic": TOPIC}
    groups = iter(range(1_000_000))

    def of_kafka(engine: Engine, clock: Clock) -> None:
        source = KafkaSource(KafkaSettings.model_validate({**settings, "group": f"round-{next(groups)}"}))
        read(engine, source, len(lines), clock)

    def of_files(engine: Engine, clock: Clock) -> None:
        read(engine, FilesSource(FilesSettings(files=f"{files}/*.ndjson")), len(lines), clock)

    return {
        "ingest": lambda engine, clock: ingest(engine, lines, clock),
        "kafka": of_kafka,
        "files": of_files,
    }


def write(lines: Sequence[bytes], kafka: Kafka, files: Path) -> None:
    """Those of a person in one partition, in their order, as whoever writes to a log keys them."""
    kafka.create(TOPIC, PARTITIONS)
    producer = kafka.producer(compression_type="lz4", linger_ms=50)
    dealt = defaultdict[int, list[bytes]](list)
    for line in lines:
        person = json.loads(line)["userId"]
        dealt[int(person.rpartition("-")[2]) % PARTITIONS].append(line)
    for partition, held in dealt.items():
        for line in held:
            producer.produce(TOPIC, line, partition=partition)
            producer.poll(0)
        producer.flush()
    for number in range(FILES):
        held = [line for partition in range(number, PARTITIONS, FILES) for line in dealt[partition]]
        (files / f"{number}.ndjson").write_bytes(b"\n".join(held))


@contextmanager
def a_broker() -> Iterator[tuple[Kafka, int]]:
    """A Kafka, and the number of its process."""
    before = {process for process, _ in _below()}
    with Kafka() as kafka:
        (broker,) = {process for process, _ in _below()} - before
        yield kafka, broker


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument("--runtime", choices=["ray", "local"], default="ray")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--settle", type=float, default=SETTLE_S, help="seconds between opening and measuring")
    arguments = parser.parse_args()
    lines = list(events(arguments.events, arguments.people))
    if arguments.runtime == "ray":
        start_ray()  # once for all rounds
    runs = defaultdict[str, list[Run]](list)
    with a_broker() as (kafka, broker), tempfile.TemporaryDirectory(prefix="parcours-benchmark-") as files:
        write(lines, kafka, Path(files))
        known = ways(lines, kafka, Path(files))
        for number in range(arguments.rounds + 1):
            for name in sorted(known, reverse=number % 2 == 0):
                run = measure(arguments, known[name], broker)
                if number > 0:  # the first round warms up
                    runs[name].append(run)
    print(json.dumps(result(arguments, runs)))


def result(arguments: argparse.Namespace, runs: Mapping[str, Sequence[Run]]) -> dict[str, object]:
    """Medians, and the ratio to `engine.ingest`: the median of the rounds'."""
    told: dict[str, object] = {"events": arguments.events, "runtime": arguments.runtime, "shards": arguments.shards}
    for name, own in runs.items():
        rates = [run.per_second for run in own]
        ratios = [run.per_second / beside.per_second for run, beside in zip(own, runs["ingest"], strict=True)]
        told[name] = {
            "events_per_second": round(statistics.median(rates)),
            "range": [round(min(rates)), round(max(rates))],
            "to_ingest": round(statistics.median(ratios), 3),
            "begins_s": round(statistics.median(run.begins_s for run in own), 2),
            "ratios": [round(ratio, 2) for ratio in ratios],
            "cpu_us": {
                process: round(statistics.median(run.cpu_us.get(process, 0.0) for run in own), 2)
                for process in sorted({process for run in own for process in run.cpu_us})
            },
        }
    return told


if __name__ == "__main__":
    main()
