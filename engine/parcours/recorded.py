"""How do recorded lines come in the order of time? Read one by one, then sorted in bounded memory, or refused.

A file may be larger than the memory. So lines are held until a bound is reached, sorted, and put aside in a
temporary file; at the end the files are merged. Lines of one time keep the order in which they were read.
"""

from __future__ import annotations

import heapq
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from tempfile import TemporaryFile
from typing import BinaryIO, NamedTuple

import msgspec

from parcours.config import Settings
from parcours.core.event import Unusable, timestamp_of
from parcours.errors import EventsUnsorted

HELD_BYTES_MAX = 256 * 1024 * 1024
"""Memory for lines that wait to be sorted: a million usual events need no temporary file or few of them."""

LINE_OVERHEAD_BYTES = 160
"""What Python needs for a line beside its bytes."""

RUNS_MAX = 64
"""Sorted files open at once; beyond it they are merged into one."""

FRAME_LINES = 200
"""Lines written to a temporary file, and read back, at once: so many of every file are in memory while it merges."""

LENGTH_BYTES = 4


class Recorded(NamedTuple):
    """A line with its timestamp in ms and its number in the file, from 1. They compare as they have to be applied."""

    at: int
    number: int
    line: bytes


class Reading:
    """Reads timestamps off lines; what has none that can be used is kept apart with its reason.

    read      lines so far, without empty ones
    usable    those of them that have a timestamp
    finished  whether all have been read
    unusable  (line number, reason)
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.read = 0
        self.finished = False
        self.unusable: list[tuple[int, str]] = []

    @property
    def usable(self) -> int:
        return self.read - len(self.unusable)

    def events(self, lines: Iterable[bytes]) -> Generator[Recorded, None, None]:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            self.read += 1
            try:
                yield Recorded(timestamp_of(line, self._settings), number, line)
            except Unusable as reason:
                self.unusable.append((number, str(reason)))
        self.finished = True


def in_order(events: Iterable[Recorded]) -> Generator[Recorded, None, None]:
    """The events as they come. Raises EventsUnsorted at the first one that is earlier than the one before it."""
    last_ms = None
    for event in events:
        if last_ms is not None and event.at < last_ms:
            raise EventsUnsorted(f"line {event.number} is earlier than the line before it")
        last_ms = event.at
        yield event


def sorted_by_time(events: Iterable[Recorded], held_bytes_max: int = HELD_BYTES_MAX) -> Generator[Recorded, None, None]:
    """The events in the order of time, then of their numbers. Raises OSError where temporary files find no room."""
    with ExitStack() as opened:
        runs: list[BinaryIO] = []
        held: list[Recorded] = []
        held_bytes = 0
        for event in events:
            held.append(event)
            held_bytes += len(event.line) + LINE_OVERHEAD_BYTES
            if held_bytes >= held_bytes_max:
                held.sort()
                runs.append(_put_aside(iter(held), opened))
                held, held_bytes = [], 0
                if len(runs) == RUNS_MAX:
                    runs = [_put_aside(heapq.merge(*map(_read_back, runs)), opened)]
        held.sort()
        yield from heapq.merge(*map(_read_back, runs), held) if runs else held


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Recorded])


def _put_aside(run: Iterator[Recorded], opened: ExitStack) -> BinaryIO:
    """A temporary file with a sorted run, ready to be read from its start."""
    file = opened.enter_context(TemporaryFile())  # noqa: SIM115  # the stack closes it
    while frame := list(islice(run, FRAME_LINES)):
        encoded = _encoder.encode(frame)
        file.write(len(encoded).to_bytes(LENGTH_BYTES, "big"))
        file.write(encoded)
    file.seek(0)
    return file


def _read_back(file: BinaryIO) -> Iterator[Recorded]:
    """The run in a temporary file, which is given back at its end."""
    while length := file.read(LENGTH_BYTES):
        yield from _decoder.decode(file.read(int.from_bytes(length, "big")))
    file.close()
