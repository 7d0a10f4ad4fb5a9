"""What does a campaign cost up to its first send, and then for each person who is sent something?

`steps`: the sets of the example `wishlist` are made of people who were told of before, their wishes and orders, up to
the mail, in a process of its own with bounded memory; the rows have to be those of plain statements over the same data.
`handed over`: people in one shard are handed to a mail, with three wishes each, until the last delivery. `by a read`:
the same people enter a journey that sends it. The channel records.
"""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import parts
import pyarrow.parquet as pq
import win_back
from measuring.shape import SECONDS, Answer, Figure, Measured
from win_back_world import make_tables, project

WAYS = {"handed over": "slices", "by a read": "read"}

COLUMNS = ["person", "wishlist", "spent"]


class Campaign:
    """The workload."""

    name: ClassVar[str] = "campaign"
    counted: ClassVar[str] = "person"
    figures: ClassVar[Mapping[str, Figure]] = {
        "rate": Figure("people/s", "more"),
        "whole": SECONDS,
        "peak": Figure("MB", "less"),
    }

    def __init__(self, asked: Namespace) -> None:
        self._people, self._sent = asked.people, asked.sent
        self._bounds = win_back.Bounds(asked.memory_mb, asked.threads)
        self._lies = TemporaryDirectory(prefix="parcours-benchmark-")
        self._folder = Path(self._lies.name)
        project(self._folder)
        win_back.alone(make_tables, self._folder, self._people)
        win_back.alone(win_back.collect_made, self._folder, self._people, self._bounds)
        win_back.alone(win_back.by_statements, self._folder, self._bounds)
        self._wanted = pq.read_table(self._folder / "bare" / "wishes", columns=COLUMNS)

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        parser.add_argument("--people", type=int, default=1_000_000, help="whom the steps are made of")
        parser.add_argument("--sent", type=int, default=60_000, help="who are sent something; a multiple of 5,000")
        parser.add_argument("--memory-mb", type=int, default=2_000)
        parser.add_argument("--threads", type=int, default=2)

    def run(self, number: int) -> Iterator[Measured]:
        yield self._steps()
        for case, way in WAYS.items():
            with TemporaryDirectory(prefix="parcours-benchmark-") as folder:
                sent = asyncio.run(parts.sent(way, self._sent, Path(folder) / "store"))
            figures = {"rate": sent.people / sent.seconds, "whole": sent.seconds}
            answers = [Answer("were sent the mail", sent.people, self._sent)]
            yield Measured(case, figures, {"shard": sent.cpu_s / self._sent * 1e6}, answers)

    def _steps(self) -> Measured:
        spent = win_back.alone(win_back.by_steps, self._folder, self._bounds)
        made = pq.read_table(self._folder / "run" / "sets" / "wishes" / "main.parquet", columns=COLUMNS)
        whole_s = sum(spent.seconds.values())
        figures = {"rate": self._people / whole_s, "whole": whole_s, "peak": spent.peak_mb}
        answers = [
            Answer("people with their wishes", made.num_rows, self._wanted.num_rows),
            Answer("set of rows as plain statements make it", int(made.equals(self._wanted)), 1),
        ]
        return Measured("steps", figures, {"coordinator": spent.processor_s / self._people * 1e6}, answers)


WORKLOAD = Campaign
