"""How long do decisions take? From Python in batches, and at the door at a steady rate, alone and beside events.

The project has offers with conditions, caps and a formula. From Python so many as `--batch` says are asked for together
of an engine in this process. At the door httpx asks from here, and a latency counts from when its request should have
left; the door is a process of its own, and so is whoever hands in the events beside. No answer may be a fallback.
"""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import decisions
from measuring.open_loop import spread
from measuring.shape import MILLISECONDS, Answer, Figure, Measured


class Decisions:
    """The workload."""

    name: ClassVar[str] = "decisions"
    counted: ClassVar[str] = "decision"
    figures: ClassVar[Mapping[str, Figure]] = {
        "rate": Figure("decisions/s", "more"),
        "p50": MILLISECONDS,
        "p99": MILLISECONDS,
        "longest": MILLISECONDS,
    }

    def __init__(self, asked: Namespace) -> None:
        self._asked = asked

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        parser.add_argument("--offers", type=int, default=50)
        parser.add_argument("--people", type=int, default=1_000)
        parser.add_argument("--batch", type=int, default=500)
        parser.add_argument("--batches", type=int, default=20)
        parser.add_argument("--rate", type=int, default=500, help="requests a second at the door")
        parser.add_argument("--seconds", type=float, default=20)
        parser.add_argument("--events", type=int, default=10_000, help="events a second beside them")

    def run(self, number: int) -> Iterator[Measured]:
        with TemporaryDirectory(prefix="parcours-benchmark-") as folder:
            project = decisions.written(Path(folder), self._asked.offers)
            yield self._from_python(project)
            for beside in (0, self._asked.events):
                yield self._at_the_door(project, Path(folder) / f"store{beside}", beside)

    def _from_python(self, project: Path) -> Measured:
        asked = self._asked
        count = asked.batch * asked.batches
        made = asyncio.run(decisions.from_python(project, asked.people, asked.batch, asked.batches))
        answers = [Answer("decided in time", made.in_time, count)]
        return Measured("from Python", {"rate": count / made.seconds}, {"engine": made.cpu_s / count * 1e6}, answers)

    def _at_the_door(self, project: Path, store: Path, beside: int) -> Measured:
        asked = self._asked
        with decisions.served(project, store) as port, decisions.feeding(port, beside, asked.people):
            waited_ms, late = asyncio.run(decisions.at_the_door(port, asked.people, asked.rate, asked.seconds))
        answers = [
            Answer("answered", len(waited_ms), int(asked.rate * asked.seconds)),
            Answer("fallbacks", late, 0),
        ]
        where = f"at the door, {asked.rate}/s" + (f" beside {beside:,} events/s" if beside else "")
        return Measured(where, spread(waited_ms), answers=answers)


WORKLOAD = Decisions
