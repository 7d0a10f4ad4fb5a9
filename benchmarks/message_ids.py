"""What does it cost a shard to recognise duplicates for a day, at 2,000 events a second?

The ids of such a shard are taken in batches under a clock of their own, as fast as it goes: 24 hours and a few more, so
that old ones go while new ones come. With `--scale 0.01` there are a hundredth of them, and the bounds are a hundredth.
The store is a real one, on disk or with `--postgres` in PostgreSQL: `here` starts a server for it. One in a hundred is
a duplicate of some time within the day, and one in each batch one of a message that has just expired: if any answer is
wrong, the benchmark fails. Prints one line of JSON last.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from hashlib import blake2s
from pathlib import Path
from zlib import crc32

from measuring.stores import schema, server

from parcours.config import DAY_MS, HOUR_MS, Settings
from parcours.shard.closed_store import own_of
from parcours.shard.ids.key import DIGEST_AT, DIGEST_BYTES, KEY
from parcours.shard.ids.moving import StoredMessages
from parcours.shard.ids.seen import SeenIds
from parcours.shard.slots import OWN, Slot
from parcours.store.address import open_store, prepare
from parcours.store.store import Record

RATE = 2_000
BATCH = 1_000
DUPLICATES = 10
PEOPLE = 1_000_000
LOOKED_UP = 20_000
BEGIN_MS = 1_767_258_000_000


def key_of(number: int) -> bytes:
    person = b"user-%d" % (number % PEOPLE)
    digest = blake2s(b"%b\0message-%d" % (person, number), digest_size=DIGEST_BYTES).digest()
    return KEY.pack(crc32(person), digest)


def is_known(seen: SeenIds, key: bytes, at: int) -> bool:
    """As the intake of a shard asks."""
    place = key[DIGEST_AT]
    if key in seen.young[place]:
        return not seen.has_expired(key, at)
    return seen.older and (key in seen.recent[place] or key in seen.settled[place]) and seen.recalls(key, at)


class Ids:
    """A shard's message ids and its store, opened; `work_s` and `longest_s` are of the work on files."""

    def __init__(self, address: str, settings: Settings) -> None:
        self.store = open_store(address, 0)
        self.own = Slot()
        self.seen = SeenIds(self.own, self.store, settings)
        self.epoch = self.store.acquire(None)
        self.sequence = 0
        self.work_s = self.work_cpu_s = self.longest_s = self.longest_cpu_s = 0.0
        started_s = time.perf_counter()
        for record in self.store.records(after=max(0, self.seen.restore() - 1)):
            self.own.profiles.update((name, data) for _, name, data in record.profiles)
            self.seen.replay(record)
            self.sequence = record.sequence
        self.seen.restored(self.epoch)
        self.opening_s = time.perf_counter() - started_s

    def commit(self, at: int, keys: list[bytes]) -> None:
        self.seen.note()
        entries = self.seen.entries()
        messages = [(at, b"".join(keys))]
        own = [(OWN, name, data) for name, data in entries]
        size_bytes = self.store.append(Record(self.sequence + 1, self.epoch, at, messages, own, [], b""))
        self.sequence += 1
        self.own.profiles.update(entries)
        self.store.read_through(self.sequence)
        started_s, started_cpu_s = time.perf_counter(), time.process_time()
        self.seen.saved()
        self.seen.committed(self.sequence, size_bytes, at)
        seconds, cpu_s = time.perf_counter() - started_s, time.process_time() - started_cpu_s
        self.work_s, self.work_cpu_s = self.work_s + seconds, self.work_cpu_s + cpu_s
        self.longest_s, self.longest_cpu_s = max(self.longest_s, seconds), max(self.longest_cpu_s, cpu_s)
        for _ in range(2):
            self.store.trim(self.seen.through)


@dataclass
class Load:
    """The messages: number n comes at the time that the rate gives it."""

    rate: float
    chance: random.Random
    next: int = 0
    expired: int = 0

    def at(self, number: int) -> int:
        return BEGIN_MS + int(number // BATCH * BATCH * 1_000 / self.rate)

    def batches(self, hours: float) -> Iterator[tuple[int, list[tuple[bytes, bool]]]]:
        """The time of each batch, and its messages: whether each is a duplicate."""
        while (at := self.at(self.next)) < BEGIN_MS + hours * HOUR_MS:
            messages = [(key_of(number), False) for number in range(self.next, self.next + BATCH)]
            self.next += BATCH
            messages += [(key_of(self.within(at)), True) for _ in range(DUPLICATES)]
            if self.at(self.expired) <= at - DAY_MS:
                messages.append((key_of(self.expired), False))
                self.expired += BATCH
            yield at, messages

    def within(self, at: int) -> int:
        """Some message of the day before this time."""
        oldest = max(0, int((at - DAY_MS - BEGIN_MS) * self.rate / 1_000) + 2 * BATCH)
        return self.chance.randrange(oldest, self.next)


def measure(hours: float, scale: float, address: str) -> dict[str, object]:
    prepare(address, "messages", 1)
    full = Settings()
    settings = Settings(
        message_ids_bytes_max=int(full.message_ids_bytes_max * scale),
        message_ids_disk_max=int(full.message_ids_disk_max * scale),
    )
    gc.collect()
    empty_bytes = resident_bytes()
    ids, load, wrong, at = Ids(address, settings), Load(RATE * scale, random.Random(1)), 0, BEGIN_MS
    for at, messages in load.batches(hours):
        keys = []
        for key, is_duplicate in messages:
            known = is_known(ids.seen, key, at)
            wrong += known != is_duplicate
            if not known:
                ids.seen.young[key[DIGEST_AT]][key] = at
                keys.append(key)
        ids.commit(at, keys)
    del messages, keys
    gc.collect()
    remembered, memory_bytes = len(ids.seen), resident_bytes() - empty_bytes
    new_us, new_wrong = look_up(ids.seen, at, [key_of(-number - 1) for number in range(LOOKED_UP)], known=False)
    duplicates = [key_of(load.within(at)) for _ in range(LOOKED_UP)]
    duplicate_us, duplicate_wrong = look_up(ids.seen, at, duplicates, known=True)
    window_h = ids.seen.window_ms() / HOUR_MS
    ids.store.close()
    reopened = Ids(address, settings)
    _, reopened_wrong = look_up(reopened.seen, at, duplicates[:1_000], known=True)
    reopened.store.close()
    disk_bytes, read_s = read_all(address)
    assert wrong + new_wrong + duplicate_wrong + reopened_wrong == 0, "a message was taken for what it is not"
    return {
        "ids": load.next,
        "remembered": remembered,
        "window_hours": round(window_h, 2),
        "memory_bytes_an_id": round(memory_bytes / remembered, 2),
        "disk_bytes_an_id": round(disk_bytes / remembered, 2),
        "memory_mb": round(memory_bytes / 1e6, 1),
        "disk_mb": round(disk_bytes / 1e6, 1),
        "new_us": round(new_us, 2),
        "duplicate_us": round(duplicate_us, 1),
        "work_us_an_id": round(ids.work_s / load.next * 1e6, 2),
        "work_cpu_us_an_id": round(ids.work_cpu_s / load.next * 1e6, 2),
        "longest_slice_ms": round(ids.longest_s * 1e3, 1),
        "longest_slice_cpu_ms": round(ids.longest_cpu_s * 1e3, 1),
        "opening_ms": round(reopened.opening_s * 1e3),
        "read_all_ms": round(read_s * 1e3),
    }


def read_all(address: str) -> tuple[int, float]:
    """How many bytes there are in files, and the seconds to read all of them, as whoever checks a store does."""
    with closing(open_store(address, 0)) as store:
        messages, started_s = StoredMessages(store, own_of(store)), time.perf_counter()
        messages.check()
        read_s = time.perf_counter() - started_s
        return sum(info.index_at + info.index_bytes for info in messages.stored.infos()), read_s


def look_up(seen: SeenIds, at: int, keys: list[bytes], *, known: bool) -> tuple[float, int]:
    """Microseconds of the processor for each, and how many answers were wrong."""
    started_s = time.process_time()
    wrong = sum([is_known(seen, key, at) != known for key in keys])
    return (time.process_time() - started_s) / len(keys) * 1e6, wrong


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=28)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--postgres", metavar="URL", help="a server to be measured in place of the disk, or `here`")
    given = parser.parse_args()
    with ExitStack() as opened:
        url = opened.enter_context(server(given.postgres))
        address = f"sqlite:///{opened.enter_context(tempfile.TemporaryDirectory())}"
        if url is not None:
            address = opened.enter_context(schema(url))
        print(json.dumps(measure(given.hours, given.scale, address)))


if __name__ == "__main__":
    main()
