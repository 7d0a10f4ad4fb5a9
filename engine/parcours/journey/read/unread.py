"""Warnings for YAML files in a project folder that nothing reads, because of their place or name."""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Final

from parcours.journey.read.finding import Finding
from parcours.journey.read.yaml_files import is_yaml
from parcours.wording import nearest

TESTS: Final = "tests"
"""The folder of journey tests, which other tools read and check."""

FILES_MAX: Final = 10_000
"""Files looked at: a project has hundreds, and a folder that holds far more is not one project's own."""


def unread_files(folder: Path, read: Collection[str], single: Collection[str], many: Collection[str]) -> list[Finding]:
    """A warning for each file that is not read.

    read    the files that were read or have a finding, as paths below the folder
    single  the names of documents of which there is one
    many    the folders of documents of which there may be many
    """
    findings = []
    for path in sorted(islice(folder.rglob("*"), FILES_MAX)):
        file = path.relative_to(folder)
        if is_yaml(path) and path.is_file() and file.as_posix() not in read and not _elsewhere(file):
            name = PurePosixPath(path.name).with_suffix(".yaml").name
            known = [*single, *(f"{place}/{name}" for place in many if len(file.parts) > 1)]
            hint = nearest(file.as_posix(), known)
            findings.append(Finding(file.as_posix(), 0, "", f"nothing reads this file{hint}", severity="warning"))
    return findings


def _elsewhere(file: Path) -> bool:
    """Whether the file belongs to another tool."""
    return file.parts[0] == TESTS or any(part.startswith(".") for part in file.parts)
