"""A project that is sent as texts: is it one, and would nothing of it leave the folder in which it is looked at?

Its files lie in a folder of their own only while they are read. No reference to a secret is followed there, and what
channels are configured with is not looked at: both belong to whoever runs the engine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
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


async def uploaded(files: Mapping[str, str]) -> Project:
    """The project in these files, by their paths in it. Raises ProjectInvalid with every error of an author's.

    Raises Problem for what is no project's: too many files, a path that leads elsewhere, a document that grows without
    bound. Nothing has been written then.
    """
    check_paths(files)
    return await asyncio.to_thread(_read, files)


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


def _read(files: Mapping[str, str]) -> Project:
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
