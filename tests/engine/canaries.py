"""A life whose every word is a canary, and where in a store's folder one of them is to be found."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq
import zstandard

from parcours.clock import SystemClock
from parcours.config import HOUR_MS, Settings
from parcours.insight.exporter.opening import open_upkeep
from parcours.service.engine import Engine
from parcours.service.erasure import ErasureJob
from parcours.service.host import Host
from parcours.shard.requests import EndErased, GetErasures

SETTINGS = Settings(export_every_ms=50, export_records=20, compact_grace_ms=1)

PERSON = "canary-name"

CANARIES = (b"canary-name", b"canary-mail", b"canary-property", b"canary-message", b"canary-trait")

FRAME: Final = bytes.fromhex("28b52ffd")
"""What begins a text that Zstandard has compressed."""


def texts(path: Path) -> list[bytes]:
    """What a file holds: as it is, the rows of its columns, and whatever lies compressed in it."""
    data = path.read_bytes()
    if path.suffix == ".parquet":
        return [data, str(pq.read_table(path).to_pylist()).encode()]
    found, place = [data], data.find(FRAME)
    while place >= 0:
        found.append(_inflated(data[place:]))
        place = data.find(FRAME, place + 1)
    return found


def _inflated(data: bytes) -> bytes:
    """As much of a text as can be read, for the rest of its pages may hold something else by now."""
    reader, text = zstandard.ZstdDecompressor().decompressobj(), bytearray()
    try:
        for place in range(0, len(data), 64):
            text += reader.decompress(data[place : place + 64])
            if reader.eof:
                break
    except zstandard.ZstdError:
        return bytes(text)
    return bytes(text)


def found(folder: Path, canaries: Collection[bytes] = CANARIES) -> set[tuple[str, bytes]]:
    """The files of a folder, by their paths in it, with the canaries in them."""
    return {
        (path.relative_to(folder).as_posix(), canary)
        for path in folder.rglob("*")
        if path.is_file()
        for text in texts(path)
        for canary in canaries
        if canary in text or canary in path.name.encode()
    }


def keep_files(engine: Engine, folder: Path) -> None:
    """Do the exporter's part of the upkeep at once, which else comes every few minutes, as if an hour had passed."""
    upkeep = open_upkeep(folder, SETTINGS)
    later_ms = SystemClock(HOUR_MS).now_ms() + HOUR_MS
    for number, port in enumerate(engine.service._host.ports):
        erased = engine.submit(port.ask(GetErasures())).result()
        names = upkeep.forget(number, erased, later_ms - HOUR_MS)
        while upkeep.step(engine.service.program.insight, later_ms):
            pass
        engine.submit(port.ask(EndErased(names))).result()
    look_again(engine)


def look_again(engine: Engine) -> None:
    """Have it looked at once whether erasures can go on, which else is done every minute."""
    host = engine.service._host
    assert isinstance(host, Host)
    erasures = host._erasures
    assert erasures is not None
    erasures._news.set()


def done(engine: Engine, folder: Path, job: ErasureJob) -> ErasureJob:
    """The job, once all is done."""
    patience = time.monotonic() + 120
    while not (told := engine.erasure(job.id)) or not told.done:
        assert time.monotonic() < patience, told
        keep_files(engine, folder)
        time.sleep(0.05)
    return told
