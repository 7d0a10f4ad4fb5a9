"""What does the HTTP door take? Batches of 100, NDJSON of a megabyte, single events, and how long these wait.

`parcours serve` runs in a process of its own, on the local runtime with two shards; the client is this process, reads
every answer, and shares the machine. Beside it stand an engine without a door that takes the same lines in blocks, and
a door without an engine, which takes every line and keeps none. Latencies are of single events at half of their rate,
and of the mails that events lead to, until a server on this machine has accepted them; all count from when the event
was due. `cpu` is of the process that takes the events.

With `--url` the events go to a door that is open already: people get names that begin with `benchmark-`, and they stay
in its store. What is in its project decides what they cost.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar
from urllib.parse import urlsplit

import door
import uvloop
from door_client import door_latencies, request, send_all
from measuring.open_loop import spread
from measuring.shape import EVENTS_PER_SECOND, MILLISECONDS, Answer, Figure, Measured
from workload import events

from workloads.ingest import own_people

KEY = "PARCOURS_KEY"
"""The variable in which every command looks for the key of a door."""

SINGLE = "door, single events"


class Door:
    """The workload."""

    name: ClassVar[str] = "door"
    counted: ClassVar[str] = "event"
    figures: ClassVar[Mapping[str, Figure]] = {
        "rate": EVENTS_PER_SECOND,
        "p50": MILLISECONDS,
        "p99": MILLISECONDS,
        "longest": MILLISECONDS,
    }

    def __init__(self, asked: Namespace) -> None:
        self._url, self._key = urlsplit(asked.url or ""), os.environ.get(KEY, "")
        if asked.url and (self._url.scheme != "http" or self._url.port is None):
            raise SystemExit("--url is like http://HOST:PORT")
        self._lines = list(events(asked.events, door.PEOPLE))
        self._singles = self._lines[: max(door.SINGLE_CONNECTIONS, asked.events // 20)]
        self._mails = asked.mails

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        parser.add_argument("--events", type=int, default=100_000, help="of which a twentieth goes one by one")
        parser.add_argument("--mails", type=int, default=500)
        parser.add_argument("--url", help=f"a door that is open already, as http://HOST:PORT; its key is in {KEY}")

    def run(self, number: int) -> Iterator[Measured]:
        if self._url.hostname:
            yield from self._at_url()
            return
        per_second = 0.0
        for name, way in door.ways_in(self._lines, self._singles).items():
            taken = way()
            if name == SINGLE:
                per_second = taken.per_second
            answers = [Answer("accepted", taken.accepted, taken.events)]
            yield Measured(name, {"rate": taken.per_second}, {"taker": taken.cpu_us}, answers)
        yield self._at_half(per_second / 2)
        if self._mails:
            waited_ms = door.mail_latencies(self._mails)
            answers = [Answer("mails accepted", len(waited_ms), self._mails)]
            yield Measured("a mail at 50/s", spread(waited_ms), answers=answers)

    def _at_half(self, per_second: float) -> Measured:
        """What was accepted is checked by the door's status, 200."""
        lines = self._singles[: max(1, int(per_second * 10))]
        with door.server("engine") as opened:
            waited_ms = uvloop.run(door_latencies(opened.port, door.singly(lines), per_second))
        figures = {"rate": per_second, **spread(waited_ms)}
        return Measured(f"{SINGLE}, half the rate", figures, answers=[Answer("answered", len(waited_ms), len(lines))])

    def _at_url(self) -> Iterator[Measured]:
        """The rates of the door that is open already."""
        for case, size, path, connections in (
            ("door, batches of 100", 100, "/v1/batch", door.CONNECTIONS),
            ("door, NDJSON of 1 MB", door.MEGABYTE_LINES, "/v1/ndjson", door.CONNECTIONS),
            (SINGLE, 1, "/v1/track", door.SINGLE_CONNECTIONS),
        ):
            lines = own_people(self._singles if size == 1 else self._lines)
            bodies = [_body(path, lines[first : first + size]) for first in range(0, len(lines), size)]
            requests = [request(path, body, self._key) for body in bodies]
            host, port = self._url.hostname or "", self._url.port or 0
            seconds, accepted = uvloop.run(send_all(port, requests, connections, host))
            yield Measured(case, {"rate": len(lines) / seconds}, answers=[Answer("accepted", accepted, len(lines))])


def _body(path: str, lines: Sequence[bytes]) -> bytes:
    return b'{"batch":[%b]}' % b",".join(lines) if path == "/v1/batch" else b"\n".join(lines)


WORKLOAD = Door
