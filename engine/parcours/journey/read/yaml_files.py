"""The YAML documents in a folder: files named `.yaml`, with a finding for every other spelling of that suffix."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from parcours.journey.read.finding import Finding

SUFFIX: Final = ".yaml"

SPELLINGS: Final = (SUFFIX, ".yml")
"""Suffixes that people give to YAML files, in small letters; whoever looks for them folds the case."""


def is_yaml(path: Path) -> bool:
    """Whether the name says that the file is YAML, in whatever spelling."""
    return path.name.lower().endswith(SPELLINGS)


def yaml_files(folder: Path, findings: list[Finding]) -> list[Path]:
    """The documents in a folder, sorted; a folder that does not exist has none."""
    found = sorted(path for path in folder.glob("*") if is_yaml(path))
    findings += [
        Finding(f"{folder.name}/{path.name}", 0, "", f"documents end in {SUFFIX}, rename it")
        for path in found
        if not path.name.endswith(SUFFIX)
    ]
    return [path for path in found if path.name.endswith(SUFFIX)]
