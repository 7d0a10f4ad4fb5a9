"""The contract suite of sources for files, of whatever kind."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import zstandard

from parcours.source import Source
from parcours.sources.files import FilesSettings, FilesSource
from parcours.testing.source_contract import SourceContract

PACKING: dict[str, Callable[[bytes], bytes]] = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".zst": zstandard.compress,
}


class OfFiles(SourceContract[Path]):
    source: ClassVar[type[Source]] = FilesSource
    entry_point: ClassVar[str | None] = "files"
    ending: ClassVar[str] = ".ndjson"

    @contextmanager
    def broker(self) -> Iterator[Path]:
        with TemporaryDirectory() as folder:
            (Path(folder) / "in").mkdir()
            yield Path(folder) / "in"

    def settings(self, broker: Path) -> dict[str, Any]:
        return {"files": f"{broker}/**/*"}

    def write(self, broker: Path, values: Sequence[bytes], partition: int = 0) -> str:
        self.write_file(broker / f"{partition}{self.ending}", values)
        source = FilesSource(FilesSettings(**self.settings(broker)))
        asyncio.run(source.partitions())
        asyncio.run(source.partitions())
        return next(name for name, path in source._paths.items() if path.name.startswith(f"{partition}."))

    def write_file(self, path: Path, values: Sequence[bytes]) -> None:
        packing = PACKING[self.ending.removeprefix(".ndjson")]
        path.write_bytes(packing(b"".join(value + b"\n" for value in values)))

    @contextmanager
    def cut_off(self, broker: Path) -> Iterator[None]:
        away = broker.with_name("away")
        broker.rename(away)
        try:
            yield
        finally:
            away.rename(broker)

    def remove(self, broker: Path, partition: str) -> None:
        (broker / f"0{self.ending}").unlink()

    def may_grow(self) -> bool:
        return False
