"""What a file is by the endings of its name, and what it takes to read it."""

from __future__ import annotations

import sys
import zlib
from importlib.util import find_spec
from pathlib import Path
from typing import Final

PACKED: Final = frozenset({".gz", ".zst"})

PARQUET: Final = ".parquet"
"""It is packed inside, so an ending such as that of `part.gz.parquet` says nothing that reading it would need."""

LIBRARIES: Final = {PARQUET: "pyarrow", ".zst": "zstandard"}
"""What is needed to read files of these endings, the first one that a name has."""


OTHER_KINDS: Final = frozenset({".7z", ".avro", ".bz2", ".orc", ".rar", ".tar", ".tgz", ".xls", ".xlsx", ".xz", ".zip"})
"""Endings of files that would be taken for lines of text, and are none."""


def unreadable_pattern(pattern: str) -> str | None:
    """Why no file of such a name can be read, in words; None where nothing speaks against it."""
    if pattern.endswith("/") or "\0" in pattern or pattern != pattern.strip():
        return "a pattern of files is expected, such as in/*.ndjson, and no folder"
    if "://" in pattern:
        return "files lie below the project's folder or at an absolute path, and at no address"
    if pattern.startswith("~"):
        return "a pattern begins at the project's folder, and ~ is nobody's home there: give an absolute path"
    ending = Path(pattern).suffix.lower()
    if ending in OTHER_KINDS:
        return f"files are NDJSON, CSV or Parquet, plain or packed with .gz or .zst, and {ending} is none of them"
    return None


def suffixes(path: Path) -> list[str]:
    """The endings of its name, in lower case."""
    return [each.lower() for each in path.suffixes]


def is_parquet(path: Path) -> bool:
    return PARQUET in suffixes(path)


def missing_library(path: Path) -> str | None:
    """What has to be installed to read the file, in words; None where nothing has to be."""
    endings = suffixes(path)
    ending = next((each for each in LIBRARIES if each in endings), None)
    if ending is None or find_spec(LIBRARIES[ending]) is not None:
        return None
    return f"a file of {ending} needs the library {LIBRARIES[ending]}: `pip install 'parcours[insight]'`"


def unreadable() -> tuple[type[Exception], ...]:
    """What is raised by a file that the disk does not give, or that is packed and damaged."""
    zstandard = sys.modules.get("zstandard")
    return (OSError, EOFError, zlib.error, *([] if zstandard is None else [zstandard.ZstdError]))
