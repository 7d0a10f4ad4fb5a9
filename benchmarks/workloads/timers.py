"""How fast are timers that are all due at once, and how long does an event wait meanwhile? One shard, in this process.

Everybody has a run that waits for the same millisecond. When it comes, timers fire in slices, and a single event after
another is handed in, with 20 ms between them; how long each waits counts from when it was due. In `end` the run ends by
its timer, in `send` it has a message recorded, too.
"""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import recovery as overdue
from measuring.shape import MILLISECONDS, Answer, Figure, Measured
from measuring.stores import fresh_store

from workloads.recovery import add_shard_options

CASES = ("end", "send")


class Timers:
    """The workload."""

    name: ClassVar[str] = "timers"
    counted: ClassVar[str] = "timer, with all events and commits meanwhile"
    figures: ClassVar[Mapping[str, Figure]] = {
        "rate": Figure("timers/s", "more"),
        "event p99": MILLISECONDS,
        "event longest": MILLISECONDS,
        "slice p99": MILLISECONDS,
        "slice longest": MILLISECONDS,
    }

    def __init__(self, asked: Namespace) -> None:
        self._asked = asked

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        add_shard_options(parser)
        parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES, help="what comes after the wait")

    def run(self, number: int) -> Iterator[Measured]:
        for case in self._asked.cases:
            with fresh_store(self._asked.store) as address, TemporaryDirectory(prefix="parcours-benchmark-") as folder:
                yield asyncio.run(self._measured(case, address, Path(folder)))

    async def _measured(self, case: str, address: str, folder: Path) -> Measured:
        people = self._asked.people
        asked = Namespace(**vars(self._asked), then=case)
        host, clock, _ = await overdue.served_again(asked, address, folder / "copy")
        ended, told = await overdue.fired(host, clock)
        await host.close()
        figures = {
            "rate": people / told["timers_s"],
            "event p99": told["p99_event_ms"],
            "event longest": told["longest_event_ms"],
            "slice p99": told["p99_slice_ms"],
            "slice longest": told["longest_slice_ms"],
        }
        cpu_us = {"shard": told["timers_cpu_s"] / people * 1e6}
        return Measured(case, figures, cpu_us, [Answer("runs that have ended", ended, people)])


WORKLOAD = Timers
