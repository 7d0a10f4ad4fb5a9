"""Which recorded lines were left out of a simulation, and why? All of them, in a file beside its results."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Final, Self

REJECTED: Final = "rejected.ndjson"
"""A JSON object a line: `line`, its number from 1, and `reason`. Not there where every line could be used."""


class RejectedLines:
    """Takes numbers and reasons, as many as there are, and writes them when there is a folder for them.

    Used as a context manager. Raises OSError where there is no room for a temporary file or for the one in the folder.
    """

    def __init__(self) -> None:
        self._file = TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115  # __exit__ closes it
        self._count = 0

    def __call__(self, number: int, reason: str) -> None:
        """Line `number` (from 1) is left out because of `reason`."""
        self._count += 1
        line = {"line": number, "reason": reason}
        self._file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")

    def write(self, folder: Path) -> None:
        """Write the file, under its name only when it is whole; one of an earlier simulation goes."""
        path, unfinished = folder / REJECTED, folder / f"{REJECTED}.unfinished"
        if self._count == 0:
            path.unlink(missing_ok=True)
            return
        self._file.seek(0)
        try:
            with unfinished.open("w", encoding="utf-8") as file:
                shutil.copyfileobj(self._file, file)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
