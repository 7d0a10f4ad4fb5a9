"""A project that is sent as texts: is it one, and would nothing of it leave the folder in which it is looked at?

Its files lie in a folder of their own only while they are read. No reference to a secret is followed there, and what
channels are configured with is not looked at: both belong to whoever runs the engine.

To read a project is work of the processor that nobody can interrupt, so it has a thread of its own, and only one at
once. Whoever waits for it waits for a bounded time; the thread goes on until it is through, and holds up no end of the
process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Final

from parcours.dispatch.judgement import Judgement
from parcours.dispatch.registry import Registry
from parcours.errors import ProjectInvalid
from parcours.ingress.exchange import Problem
from parcours.journey.project import Project
from parcours.journey.read.source import OUTSIDE
from parcours.journey.read.yaml_text import TOO_DEEP, TOO_MANY, TOO_MANY_MERGES
from parcours.wording import quoted

UPLOAD_BYTES_MAX: Final = 4 * 1024 * 1024
"""Bytes of a whole upload: a project of a hundred journeys with their mails has about one million."""

FILES_MAX: Final = 500

PATH_BYTES_MAX: Final = 400
NAME_BYTES_MAX: Final = 200
"""Bytes of a path, and of a name in it: less than any file system takes."""

NOT_BY_MISTAKE: Final = (OUTSIDE, TOO_DEEP, TOO_MANY, TOO_MANY_MERGES)


READ_WITHIN_S: Final = 30.0
"""How long whoever sends a project waits until it is read. One of the largest size takes a few seconds; what takes
longer was made for that, of so many small values that its four megabytes are read for minutes.
"""

AGAIN_AFTER_S: Final = 2
"""When to come again where another project is being read: about as long as that takes."""


class Uploads:
    """The projects that are sent to one door. They are read one at a time.

    within_s  how long one may take
    """

    def __init__(self, within_s: float = READ_WITHIN_S) -> None:
        self._within_s = within_s
        self._awaited: asyncio.Future[Project] | None = None
        self._is_reading = False

    async def project(
        self, files: Mapping[str, str], read: Callable[[Mapping[str, str]], Project] | None = None
    ) -> Project:
        """The project in these files, by their paths in it. Raises ProjectInvalid with every error of an author's.

        read  in place of what reads projects
        Raises Problem for what is no project's: too many files, a path that leads elsewhere, a document that grows
        without bound, or takes too long to read. Nothing has been written then. Raises it, too, while another one is
        read, and where the door stops.
        """
        check_paths(files)
        if self._is_reading:
            raise _not_now("another project is being read")
        awaited: asyncio.Future[Project] = asyncio.get_running_loop().create_future()
        self._awaited = awaited
        self._is_reading = True
        Thread(target=self._work, args=(awaited, read or read_project, files), name="upload", daemon=True).start()
        try:
            async with asyncio.timeout(self._within_s):
                return await awaited
        except TimeoutError:
            raise Problem(413, "too_large", f"the project takes longer than {self._within_s:g} s to read") from None

    def end(self) -> None:
        """The door stops, and nobody waits any longer."""
        if self._awaited is not None and not self._awaited.done():
            self._awaited.set_exception(_not_now("the door is stopping"))

    def _work(
        self, awaited: asyncio.Future[Project], read: Callable[[Mapping[str, str]], Project], files: Mapping[str, str]
    ) -> None:
        found: Project | Exception
        try:
            found = read(files)
        except Exception as error:  # noqa: BLE001  # it is told to whoever waits
            found = error
        with suppress(RuntimeError):  # of a loop that is closed by now
            awaited.get_loop().call_soon_threadsafe(self._settle, awaited, found)

    def _settle(self, awaited: asyncio.Future[Project], found: Project | Exception) -> None:
        self._is_reading = False
        if awaited.done():
            return
        if isinstance(found, Exception):
            awaited.set_exception(found)
        else:
            awaited.set_result(found)


def _not_now(why: str) -> Problem:
    return Problem(503, "unavailable", f"{why}: ask again", headers={"Retry-After": str(AGAIN_AFTER_S)})


def check_paths(files: Mapping[str, str]) -> None:
    """Raises Problem unless each path names a file below the project's folder, and no other one's folder."""
    if len(files) > FILES_MAX:
        raise Problem(413, "too_large", f"there are {len(files):,} files, and {FILES_MAX} at most are taken")
    for path in files:
        if (why := _wrong(path)) is not None:
            raise Problem(400, "invalid", f"{quoted(path)}: {why}")
    folders = {"/".join(parts[:end]) for parts in map(_parts, files) for end in range(1, len(parts))}
    if both := sorted(folders & files.keys()):
        raise Problem(400, "invalid", f"{quoted(both[0])} is a file and a folder")


def _parts(path: str) -> list[str]:
    return path.split("/")


def _wrong(path: str) -> str | None:
    """Why a file cannot have this path, in a project on any system."""
    try:
        encoded = path.encode()
    except UnicodeEncodeError:
        return "the path is no UTF-8"
    if len(encoded) > PATH_BYTES_MAX or any(len(each.encode()) > NAME_BYTES_MAX for each in _parts(path)):
        return "the path is too long"
    if any(not each.isprintable() or each == "\\" for each in path):
        return "the path has characters that no name of a file has"
    if any(part in ("", ".", "..") or part[1:2] == ":" for part in _parts(path)):
        return "the path leads out of the folder: a path such as journeys/cart.yaml is expected"
    return None


def read_project(files: Mapping[str, str]) -> Project:
    """The project in files that have the paths of one."""
    with TemporaryDirectory(prefix="parcours-upload-") as name:
        folder = Path(name)
        for path, text in files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode(errors="surrogatepass"))  # what is no UTF-8 is the reader's finding
        try:
            return Judgement(Registry.installed()).load(folder, configured=False)
        except ProjectInvalid as error:
            for finding in error.findings:
                if any(each in finding for each in NOT_BY_MISTAKE):
                    raise Problem(400, "invalid", finding) from None
            raise
