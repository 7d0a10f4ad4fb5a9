"""The list of rejected lines, in a file beside the results of a simulation."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from parcours.cli.files import whole

if TYPE_CHECKING:
    from parcours.simulation.source_files import Place

REJECTED: Final = "rejected.ndjson"
"""A JSON object a line: `line`, its number from 1, and `reason`; what comes from a source has `source`, `file` and
`message`, its number in that file, in place of `line`. The file is missing where every line could be used."""


class RejectedLines:
    """Collects numbers and reasons on disk, however many there are, and writes them where there is a results folder.

    Used as a context manager. Raises OSError where there is no room for a temporary file or for the one in the folder.
    """

    def __init__(self, place: Callable[[int], Place | None] = lambda number: None) -> None:
        """`place` tells of a line which file of a source it comes from."""
        self._place = place
        self._file = TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115  # __exit__ closes it
        self._count = 0

    def __call__(self, number: int, reason: str) -> None:
        """Add line `number` (from 1) with its reason."""
        self._count += 1
        place = self._place(number)
        line: dict[str, object] = {"line": number} if place is None else asdict(place)
        line["reason"] = reason
        self._file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")

    def write(self, folder: Path) -> None:
        """Write the file, under its name only when it is whole; one of an earlier simulation is removed."""
        path = folder / REJECTED
        if self._count == 0:
            path.unlink(missing_ok=True)
            return
        self._file.seek(0)
        with whole(path) as unfinished, unfinished.open("w", encoding="utf-8") as file:
            shutil.copyfileobj(self._file, file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
