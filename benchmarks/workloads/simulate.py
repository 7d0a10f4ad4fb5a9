"""How long does a simulation of 90 days take, and how much memory? The real command, as a child process.

Luma's three reminders for a full cart, as they ship with the demo, over about ten events of each person in the order of
time. Everything from the command's start to its end counts: imports, starting Ray, reading, sorting, deciding, writing.
Memory is that of the command and of all processes below it at its highest, looked up three times a second: `resident`
counts what they share several times, `proportional` once. The files that it writes have to be the same every time.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import simulation
from measuring.shape import EVENTS_PER_SECOND, SECONDS, Answer, Figure, Measured
from shoppers import write_events, write_project

MEGABYTES = Figure("MB", "less")


class Simulate:
    """The workload."""

    name: ClassVar[str] = "simulate"
    counted: ClassVar[str] = "event"
    figures: ClassVar[Mapping[str, Figure]] = {
        "whole": SECONDS,
        "rate": EVENTS_PER_SECOND,
        "resident": MEGABYTES,
        "proportional": MEGABYTES,
    }

    def __init__(self, asked: Namespace) -> None:
        self._asked = asked
        self._folder = TemporaryDirectory(prefix="parcours-benchmark-")
        self._project, self._events = Path(self._folder.name, "shop"), Path(self._folder.name, "events.ndjson")
        write_project(self._project)
        self._count = write_events(self._events, asked.people)
        self._digest = ""

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        parser.add_argument("--people", type=int, default=100_000)
        parser.add_argument("--cases", nargs="+", choices=["local", "ray"], default=["local", "ray"])
        parser.add_argument("--shards", type=int, default=2, help="for Ray; the local runtime has one")

    def run(self, number: int) -> Iterator[Measured]:
        for runtime in self._asked.cases:
            shards = self._asked.shards if runtime == "ray" else 1
            ran = simulation.measure(self._project, self._events, self._count, runtime, shards)
            self._digest = self._digest or ran.digest
            figures = {
                "whole": ran.seconds,
                "rate": float(ran.events_per_second),
                "resident": ran.resident_bytes / 1e6,
                "proportional": ran.proportional_bytes / 1e6,
            }
            answers = [Answer("set of files as the first run wrote it", int(ran.digest == self._digest), 1)]
            yield Measured(runtime, figures, {"command": ran.cpu_s / self._count * 1e6}, answers)


WORKLOAD = Simulate
