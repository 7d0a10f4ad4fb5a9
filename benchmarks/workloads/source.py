"""How fast is a log read into the engine, beside `engine.ingest` of the same lines?

The lines lie in a topic of librdkafka's mock cluster, a process of its own that is in no figure, and in files. A line
counts once its shard has answered that it is on disk. The clock of a source starts once its first lines have been
answered, which then do not count: `begins` is how long these take from the moment the source has its partitions; others
may still be beginning then. `to ingest` is the rate as a share of that of `engine.ingest` in the same round, `cpu to
ingest` the processor time of an event.

It is checked that all lines were accepted, none twice and none set aside.
"""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser, Namespace
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

from measuring import engines
from measuring.engines import Opened, Target
from measuring.shape import EVENTS_PER_SECOND, SECONDS, Answer, Figure, Measured
from workload import events, project

from parcours.source import Source as Log
from parcours.sources.files import FilesSettings, FilesSource
from parcours.sources.kafka import KafkaSource
from parcours.sources.kafka_settings import KafkaSettings
from parcours.sources.pump import SourceState
from parcours.testing.doubles.kafka import Kafka
from workloads.ingest import BLOCK_EVENTS, feed, taken

PARTITIONS = 8
FILES = 4
TOPIC = "events"

LOOK_EVERY_S = 0.01

SETTLE_S = 4.0
"""So long an engine is left alone once it is open: its exporter starts, which takes the processor for seconds."""

PATIENCE_S = 600.0

INGEST = "ingest"


@dataclass(frozen=True)
class Taken:
    """One case in one round: its rate and processor time by what the clock has seen, its answers by all lines."""

    rate: float
    cpu_us: dict[str, float]
    answers: list[Answer]
    begins_s: float = 0.0


class Source:
    """The workload."""

    name: ClassVar[str] = "source"
    counted: ClassVar[str] = "event"
    figures: ClassVar[Mapping[str, Figure]] = {
        "rate": EVENTS_PER_SECOND,
        "to ingest": Figure("", "more"),
        "cpu to ingest": Figure("", "less"),
        "begins": SECONDS,
    }

    def __init__(self, asked: Namespace) -> None:
        self._target, self._settle_s = Target.of(asked), asked.settle
        self._lines = list(events(asked.events, asked.people))
        self._lie = ExitStack()
        self._kafka = self._lie.enter_context(Kafka())
        self._files = Path(self._lie.enter_context(TemporaryDirectory(prefix="parcours-benchmark-")))
        self._write()

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        engines.add_options(parser, elsewhere=False)
        parser.add_argument("--events", type=int, default=200_000)
        parser.add_argument("--people", type=int, default=20_000)
        parser.add_argument("--settle", type=float, default=SETTLE_S, help="seconds between opening and measuring")

    def run(self, number: int) -> Iterator[Measured]:
        beside = self._taken(self._ingest)
        yield Measured(INGEST, {"rate": beside.rate}, beside.cpu_us, beside.answers)
        settings = KafkaSettings(servers=self._kafka.servers, topic=TOPIC, group=f"round-{number}")
        files = FilesSettings(files=f"{self._files}/*.ndjson")
        logs: dict[str, Log] = {"kafka": KafkaSource(settings), "files": FilesSource(files)}
        for case, source in logs.items():
            run = self._taken(partial(self._read, source))
            figures = {
                "rate": run.rate,
                "to ingest": run.rate / beside.rate,
                "cpu to ingest": sum(run.cpu_us.values()) / sum(beside.cpu_us.values()),
                "begins": run.begins_s,
            }
            yield Measured(case, figures, run.cpu_us, run.answers)

    def _taken(self, way: Callable[[Opened], Taken]) -> Taken:
        with self._target.engine(project("2s")) as opened:
            time.sleep(self._settle_s)
            return way(opened)

    def _ingest(self, opened: Opened) -> Taken:
        """All lines in blocks, a few calls under way at a time."""
        starts = range(0, len(self._lines), BLOCK_EVENTS)
        blocks = [b"\n".join(self._lines[start : start + BLOCK_EVENTS]) for start in starts]
        meter, started_s = opened.meter(), time.perf_counter()
        outcomes = feed(opened.engine, blocks)
        seconds, count = time.perf_counter() - started_s, len(self._lines)
        return Taken(count / seconds, meter.each_us(count), taken(outcomes, count))

    def _read(self, source: Log, opened: Opened) -> Taken:
        """All lines that a source has."""
        opened.engine.read_source("stream", source)
        self._until(opened, lambda told: bool(told.partitions))
        given_s = time.perf_counter()
        first = self._until(opened, lambda told: _count(told) > 0)
        meter, started_s = opened.meter(), time.perf_counter()
        told = self._until(opened, lambda told: _count(told) >= len(self._lines))
        seconds, count = time.perf_counter() - started_s, max(1, _count(told) - _count(first))
        accepted = Answer("accepted", told.outcomes["accepted"], len(self._lines))
        others = Answer("of another outcome", _count(told) - told.outcomes["accepted"], 0)
        return Taken(count / seconds, meter.each_us(count), [accepted, others], started_s - given_s)

    def _until(self, opened: Opened, is_so: Callable[[SourceState], bool]) -> SourceState:
        patience_ends_s = time.monotonic() + PATIENCE_S
        while not is_so(told := opened.engine.sources()[0]):
            if time.monotonic() > patience_ends_s:
                raise SystemExit(f"source: not read within {PATIENCE_S:.0f} s: {told}, {opened.engine.troubles()}")
            time.sleep(LOOK_EVERY_S)
        return told

    def _write(self) -> None:
        """Those of a person in one partition, in their order, as whoever writes to a log keys them."""
        dealt = defaultdict[int, list[bytes]](list)
        for line in self._lines:
            person = json.loads(line)["userId"]
            dealt[int(person.rpartition("-")[2]) % PARTITIONS].append(line)
        self._kafka.create(TOPIC, PARTITIONS)
        producer = self._kafka.producer(compression_type="lz4", linger_ms=50)
        for partition, held in dealt.items():
            for line in held:
                producer.produce(TOPIC, line, partition=partition)
                producer.poll(0)
            producer.flush()
        for number in range(FILES):
            rows: Sequence[bytes] = [line for each in range(number, PARTITIONS, FILES) for line in dealt[each]]
            (self._files / f"{number}.ndjson").write_bytes(b"\n".join(rows))


def _count(told: SourceState) -> int:
    return sum(told.outcomes.values())


WORKLOAD = Source
