"""The wire between stores and their server: passes on what both say, and cuts commits of records in the middle.

It reads along what clients say, for it has to know which of it is the commit of a record. PostgreSQL's own messages are
a letter, a length and the rest; the first of a connection has no letter. A statement is prepared once by its text, and
bound by its name from then on.
"""

from __future__ import annotations

import asyncio
import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Final, Literal

from parcours.background import spawn, until_one_ends

Cut = Literal["before", "during", "after"]

CUTS: Final[tuple[Cut, ...]] = ("before", "during", "after")
"""Before the server has heard of it, without waiting for its answer, or when it has begun to answer."""

COMMITS: Final = b"INSERT INTO journal"
"""Is in every statement that adds a record."""

PIECE_BYTES: Final = 65_536

HEAD: Final = struct.Struct(">cI")


class Wire:
    """Listens on a socket of its own in `folder`.

    often     the share of commits that are cut
    injected  how often each kind of cut has happened
    """

    def __init__(self, server: Path, folder: Path, seed: int) -> None:
        self._server = server
        self._path = folder / server.name
        self._random = Random(seed)
        self._tasks: set[asyncio.Task[None]] = set()
        self.often = 0.0
        self.injected: Counter[str] = Counter()

    async def start(self) -> None:
        self._path.parent.mkdir()
        self._door = await asyncio.start_unix_server(self._take, self._path)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answers, questions = await asyncio.open_unix_connection(self._server)
        except OSError:  # the server is down
            writer.close()
            return
        spawn(_Line(self, questions, writer).pass_on(reader, answers), self._tasks)

    def next_cut(self) -> Cut | None:
        """How the commit is cut that comes now, None if it is not."""
        return self._random.choice(CUTS) if self._random.random() < self.often else None

    def note(self, cut: Cut) -> None:
        self.injected[f"commit cut {cut} the answer"] += 1

    async def stop(self) -> None:
        """End all lines, and take no more."""
        self._door.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class _Line:
    """One connection."""

    def __init__(self, wire: Wire, questions: asyncio.StreamWriter, answers: asyncio.StreamWriter) -> None:
        self._wire = wire
        self._questions, self._answers = questions, answers
        self._said = Said()
        self._cut: Cut | None = None

    async def pass_on(self, client: asyncio.StreamReader, server: asyncio.StreamReader) -> None:
        """Until one of both has ended, or the line is cut."""
        try:
            await until_one_ends(self._ask(client), self._answer(server))
        finally:
            for writer in (self._questions, self._answers):
                with suppress(OSError):
                    writer.transport.abort()

    async def _ask(self, client: asyncio.StreamReader) -> None:
        while data := await client.read(PIECE_BYTES):
            if self._said.commits(data) and self._cut is None:
                self._cut = self._wire.next_cut()
                if self._cut == "before":
                    break
            self._questions.write(data)
            await self._questions.drain()
            if self._cut == "during":
                break
        if self._cut in ("before", "during"):
            self._wire.note(self._cut)

    async def _answer(self, server: asyncio.StreamReader) -> None:
        while data := await server.read(PIECE_BYTES):
            if self._cut == "after":
                self._wire.note(self._cut)
                break
            self._answers.write(data)
            await self._answers.drain()


class Said:
    """What one client has said so far: which of its prepared statements add records."""

    def __init__(self) -> None:
        self._rest = b""
        self._has_begun = False
        self._adding: set[bytes] = set()

    def commits(self, data: bytes) -> bool:
        """Whether a record is committed by what comes now."""
        found = False
        for letter, body in self._messages(data):
            if letter == b"P":
                name, _, text = body.partition(b"\0")
                (self._adding.add if COMMITS in text else self._adding.discard)(name)
            elif letter == b"B":
                name = body.partition(b"\0")[2].partition(b"\0")[0]
                found = found or name in self._adding
        return found

    def _messages(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        self._rest += data
        if not self._has_begun:
            (size,) = struct.unpack_from(">I", self._rest)
            self._rest, self._has_begun = self._rest[size:], size > 8  # a question for TLS comes before, and is so long
            if not self._has_begun:
                return
        while len(self._rest) >= HEAD.size:
            letter, size = HEAD.unpack_from(self._rest)
            if len(self._rest) < size + 1:
                return
            yield letter, self._rest[HEAD.size : size + 1]
            self._rest = self._rest[size + 1 :]
