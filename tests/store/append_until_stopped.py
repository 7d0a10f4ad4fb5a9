"""Appends records for ever and prints the number of each one acknowledged. Started by test_crash.py."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from parcours.errors import StoreBroken, StoreBusy
from parcours.store.address import open_store
from parcours.store.sqlite import SqliteStore
from parcours.testing.store_contract import a_record


def main(where: str, record_bytes: int, file_bytes_max: int) -> None:
    """Into the store at an address, or in a folder.

    With `file_bytes_max` the system refuses to let a file grow beyond it, as a full disk does.
    """
    store = open_store(where, 3) if "://" in where else SqliteStore(Path(where), shard=3)
    sequence = max((record.sequence for record in store.records()), default=0)
    if file_bytes_max:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes_max, resource.RLIM_INFINITY))
    while True:
        sequence += 1
        try:
            store.append(a_record(sequence, size_bytes=record_bytes))
        except (StoreBroken, StoreBusy) as error:
            say(f"broken: {error}")
            break
        say(str(sequence))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    try:
        store.append(a_record(sequence, size_bytes=1))  # there is room again, but who knows what is on the disk
    except (StoreBroken, StoreBusy):
        say("refused")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
