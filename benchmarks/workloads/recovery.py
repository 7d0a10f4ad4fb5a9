"""How long does a shard take to serve again, and to read and copy all that its store holds? Everybody in it waits.

The shard is closed and opened, in this process; it serves once somebody has been told of. Before that its store is read
as it stands, images and journal, and copied as for a backup.
"""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import recovery as overdue
from measuring.shape import SECONDS, Answer, Figure, Measured
from measuring.stores import fresh_store

from parcours import Settings
from parcours.shard.requests import GetTotals


class Recovery:
    """The workload."""

    name: ClassVar[str] = "recovery"
    counted: ClassVar[str] = "person who waits"
    figures: ClassVar[Mapping[str, Figure]] = {
        "opening": SECONDS,
        "reading images": SECONDS,
        "reading the journal": SECONDS,
        "copying": SECONDS,
    }

    def __init__(self, asked: Namespace) -> None:
        self._asked = Namespace(**vars(asked), then="end")

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        add_waiting(parser)
        parser.add_argument(
            "--store", metavar="URL", help="where it is made: sqlite:///FOLDER or postgresql://HOST/DATABASE"
        )

    def run(self, number: int) -> Iterator[Measured]:
        with fresh_store(self._asked.store) as address, TemporaryDirectory(prefix="parcours-benchmark-") as folder:
            yield asyncio.run(self._measured(address, Path(folder)))

    async def _measured(self, address: str, folder: Path) -> Measured:
        host, _, told = await overdue.served_again(self._asked, address, folder / "copy")
        steps = dict((await host.ask(GetTotals())).steps)
        await host.close()
        inflow, gone_on, ended = steps["cart", 1, "patience"]
        seconds = {
            "opening": told["opening_s"],
            "reading images": told["images_s"],
            "reading the journal": told["records_s"],
            "copying": told["copy_s"],
        }
        people = self._asked.people
        answers = [Answer("people who wait", inflow - gone_on - ended, people)]
        return Measured("serving again", seconds, {"shard": told["opening_cpu_s"] / people * 1e6}, answers)


def add_waiting(parser: ArgumentParser) -> None:
    """Of workloads in which everybody waits."""
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument(
        "--journal-bytes-max",
        type=int,
        default=Settings().journal_bytes_max,
        help="the setting of a shard in this process: with few there are images, and few records behind them",
    )


WORKLOAD = Recovery
