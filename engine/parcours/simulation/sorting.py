"""External merge sort: sorted runs in temporary files, merged at the end, for more rows than fit into memory.

A row is a tuple, and no two rows may be equal up to the part that cannot be compared: the caller numbers them. The
files have no name in any folder, so nothing is left behind however the process ends.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import chain
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, BinaryIO, Generic, Self, TypeVar

import msgspec

RUNS_MAX = 64
"""Sorted files open at once; beyond it they are merged into one."""

FRAME_ROWS = 200
"""Rows written to a temporary file, and read back, at once: the merge holds so many of every file in memory."""

LENGTH_BYTES = 4

Row = TypeVar("Row", bound=tuple[Any, ...])


class Sorter(Generic[Row]):
    """Takes rows in any order and returns them sorted, holding about `held_bytes_max` at a time.

    Used as a context manager, which removes the temporary files. Raises OSError where they find no room.
    """

    def __init__(self, decoder: msgspec.msgpack.Decoder[list[Row]], held_bytes_max: int) -> None:
        """`decoder` decodes the msgpack form of a list of rows."""
        self._decoder = decoder
        self._encoder = msgspec.msgpack.Encoder()
        self._held_bytes_max = held_bytes_max
        self._held: list[Row] = []
        self._held_bytes = 0
        self._runs: list[BinaryIO] = []
        self._opened = ExitStack()

    def add(self, rows: Sequence[Row], size_bytes: int) -> None:
        """Add rows that take so much memory together."""
        self._held += rows
        self._held_bytes += size_bytes
        if self._held_bytes >= self._held_bytes_max:
            self._held.sort()
            self._put_aside(iter([self._held]))
            self._held, self._held_bytes = [], 0
            if len(self._runs) == RUNS_MAX:
                runs, self._runs = self._runs, []
                self._put_aside(merged([self._read_back(run) for run in runs]))

    def blocks(self) -> Iterator[list[Row]]:
        """All rows in order, in blocks. No row may be added any more."""
        self._held.sort()
        if not self._runs:
            return iter([self._held] if self._held else [])
        return merged([*(self._read_back(run) for run in self._runs), _frames(self._held)])

    def _put_aside(self, blocks: Iterator[list[Row]]) -> None:
        """Write a sorted run into a temporary file of its own."""
        file = self._opened.enter_context(TemporaryFile())  # noqa: SIM115  # the stack closes it
        for frame in chain.from_iterable(map(_frames, blocks)):
            encoded = self._encoder.encode(frame)
            file.write(len(encoded).to_bytes(LENGTH_BYTES, "big"))
            file.write(encoded)
        file.seek(0)
        self._runs.append(file)

    def _read_back(self, file: BinaryIO) -> Iterator[list[Row]]:
        """The run in a temporary file, which is removed at its end."""
        while length := file.read(LENGTH_BYTES):
            yield self._decoder.decode(file.read(int.from_bytes(length, "big")))
        file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the temporary files. May be called again."""
        self._opened.close()


def _frames(rows: list[Row]) -> Iterator[list[Row]]:
    return (rows[start : start + FRAME_ROWS] for start in range(0, len(rows), FRAME_ROWS))


class _Run(Generic[Row]):
    """A sorted run, of which one frame is in memory."""

    __slots__ = ("_frames", "_place", "frame")

    def __init__(self, frames: Iterator[list[Row]]) -> None:
        self._frames = frames
        self._place = 0
        self.frame: list[Row] = next(frames, [])

    def take_through(self, last: Row) -> list[Row]:
        """The rows of the frame up to and including this one, each returned once."""
        end = bisect_right(self.frame, last, self._place)
        taken = self.frame[self._place : end]
        self._place = end
        if end == len(self.frame):
            self.frame, self._place = next(self._frames, []), 0
        return taken


def merged(runs: Sequence[Iterator[list[Row]]]) -> Iterator[list[Row]]:
    """The k-way merge of sorted runs, each given as its frames.

    All rows up to the lowest last row of a frame are in memory, and form a block. Sorting it is nearly linear, because
    it consists of a few sorted pieces.
    """
    open_runs = [run for run in map(_Run, runs) if run.frame]
    while open_runs:
        last = min(run.frame[-1] for run in open_runs)
        block = [row for run in open_runs for row in run.take_through(last)]
        block.sort()
        yield block
        open_runs = [run for run in open_runs if run.frame]
