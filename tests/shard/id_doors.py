"""A door for message ids: what a shard does with them, with its store, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2s

from parcours.config import DAY_MS, Settings
from parcours.core.fact import LimitReached
from parcours.shard.ids.bounds import IdBounds
from parcours.shard.ids.key import DIGEST_AT, DIGEST_BYTES, KEY, name_of
from parcours.shard.ids.seen import SeenIds
from parcours.shard.slots import OWN, Slot
from parcours.store.store import Record, Store

MANY = 1_000_000

SMALL = IdBounds(DAY_MS, young_max=4, behind_max=MANY, ids_max=MANY, setting="message_ids_disk_max")
"""With four ids in memory a file is written, and with each file a part is renewed."""


def key_of(message: str, person: str = "anna", slot: int = 7) -> bytes:
    digest = blake2s(f"{person} {message}".encode(), digest_size=DIGEST_BYTES).digest()
    return KEY.pack(name_of(slot, person.encode()), digest)


class Door:
    """Takes messages as a shard does. Opened again it knows what the store kept."""

    def __init__(self, open_store: Callable[[], Store], bounds: IdBounds = SMALL) -> None:
        self._open_store = open_store
        self._bounds = bounds
        self.limits: list[LimitReached] = []
        self.reopen()

    def reopen(self) -> None:
        self.store = self._open_store()
        own = Slot()
        self.seen = SeenIds(own, self.store, Settings(), self._bounds)
        self.epoch = self.store.acquire(None)
        self.sequence = self.at = 0
        for record in self.store.records(after=max(0, self.seen.restore() - 1)):
            own.profiles.update((name, data) for _, name, data in record.profiles)
            self.seen.replay(record)
            self.sequence, self.at = record.sequence, record.stamp_ms
        self.seen.restored(self.epoch)
        self._own = own

    def take(self, at: int, *keys: bytes) -> list[bool]:
        """Take a batch of messages; whether each was new."""
        self.at = at
        new: list[bytes] = []
        answers = [self._is_new(key, at, new) for key in keys]
        if reached := self.seen.note():
            self.limits.append(reached)
        self.commit([(at, b"".join(new))] if new else [])
        return answers

    def _is_new(self, key: bytes, at: int, new: list[bytes]) -> bool:
        seen, place, young = self.seen, key[DIGEST_AT], self.seen.young[key[DIGEST_AT]]
        if key in young:
            if not seen.has_expired(key, at):
                return False
        elif seen.older and (key in seen.recent[place] or key in seen.settled[place]) and seen.recalls(key, at):
            return False
        young[key] = at
        new.append(key)
        return True

    def commit(self, messages: list[tuple[int, bytes]], size_bytes: int = 0) -> None:
        entries = self.seen.entries()
        own = [(OWN, name, data) for name, data in entries]
        self.store.append(Record(self.sequence + 1, self.epoch, self.at, messages, own, [], bytes(size_bytes)))
        self.sequence += 1
        self._own.profiles.update(entries)
        self.seen.saved()
        self.seen.committed(self.sequence, size_bytes, self.at)

    def settle(self, commits: int = 300) -> None:
        """Let all work that there is be done."""
        for _ in range(commits):
            self.commit([])
