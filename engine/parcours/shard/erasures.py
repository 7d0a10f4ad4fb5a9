"""Erasures: which people has the shard forgotten, and where does something of them still lie?

One commit takes a person out of everything that answers: profile, inbox, outbox, dead letters, where she was reached.
What is left are copies: older images, the records behind them, exported files. An erasure is an entry of the shard's
own slot that says of each kind whether it is free of her; so it goes on after a crash, at whatever step that came.
Images of all slots are renewed behind that commit, message ids go into files, the journal is trimmed through it, and
what SQLite has of its pages is overwritten. The exporter writes its files anew and says so, and so does whoever
conducts campaigns. Their sets keep names, so the shard takes nobody from one who was forgotten after it was begun.

Nothing here has her name: she is known by a hash with the shard's salt, and the commit that forgets her is trimmed with
the others. No name can be told from it but by trying names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec.structs import replace

PREFIX: Final = "erasure "
"""What the names of the entries begin with; the id of the erasure follows."""

SALT: Final = "salt"
"""The entry with the salt."""

HASH_BYTES: Final = 16

AUDIT: Final = "#"
"""What stands before the hash of somebody erased where her name was: no name of a result begins with it by itself."""


class Erasure(msgspec.Struct, frozen=True, array_like=True):
    """
    id        a slot of the shard, and what nobody else has
    person    her hash
    at        when she was forgotten, in ms since 1970
    record    with which record: what is above it is of somebody new
    images, journal, exports, sets  whether they are free of her: `sets` are all files of campaigns
    """

    id: str
    salt: bytes
    person: bytes
    at: int
    record: int
    images: bool = False
    journal: bool = False
    exports: bool = False
    sets: bool = True  # of erasures from before there were such files

    @property
    def job(self) -> str:
        """What the ids of all erasures of one person have in common, under whatever name and in whatever shard."""
        return job_of(self.id)

    @property
    def slot(self) -> int:
        """Hers, which the id begins with."""
        return int(self.id.partition("-")[0])

    @property
    def is_done(self) -> bool:
        return self.images and self.journal and self.exports and self.sets

    def means(self, person: str) -> bool:
        """Whether this person was erased by it."""
        return person_hash(self.salt, person) == self.person


class Erased(msgspec.Struct, frozen=True, array_like=True):
    """The erasures of a shard, as whoever writes its exported files anew has to know them.

    offset    what a record's number is less than in the export
    exported  the newest record that is exported, by its number there
    """

    erasures: list[Erasure]
    offset: int
    exported: int


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Erasure).decode


def person_hash(salt: bytes, person: str) -> bytes:
    """By what somebody who was erased is known."""
    return blake2b(person.encode(), key=salt, digest_size=HASH_BYTES).digest()


def entry_of(erasure: Erasure) -> tuple[str, bytes]:
    """The entry of the shard's own slot."""
    return f"{PREFIX}{erasure.id}", _encode(erasure)


def erasures_of(entries: Mapping[str, bytes]) -> dict[str, Erasure]:
    """The erasures among the entries of a shard's own slot, by id, in the order in which they were asked for."""
    found = [_decode(data) for name, data in entries.items() if name.startswith(PREFIX)]
    return {each.id: each for each in sorted(found, key=lambda each: each.record)}


def job_of(name: str) -> str:
    """What the ids of all erasures of one person have in common."""
    return name.partition("-")[2].partition(".")[0]


def slot_of_erasure(name: str) -> int | None:
    """The slot that stands in the id of an erasure, None for what is no id."""
    slot = name.partition("-")[0]
    return int(slot) if slot.isascii() and slot.isdecimal() and len(slot) <= 4 else None


def forgotten_names(erasures: Iterable[Erasure]) -> dict[int, list[Erasure]]:
    """By slot, the erasures by which a name in it may have been forgotten."""
    found: dict[int, list[Erasure]] = {}
    for each in erasures:
        found.setdefault(each.slot, []).append(each)
    return found


class Erasures:
    """The erasures of one shard, as they have been committed."""

    def __init__(self) -> None:
        self.known: dict[str, Erasure] = {}
        self.salt = b""

    def restore(self, entries: Mapping[str, bytes]) -> None:
        """Come back from the entries of the shard's own slot."""
        self.known = erasures_of(entries)
        self.salt = entries.get(SALT, b"")

    def under_way(self) -> list[Erasure]:
        """Those that are not done, the oldest first."""
        return [each for each in self.known.values() if not each.is_done]

    def forgotten_through(self, person: str) -> int:
        """The record through which nothing is told of a person any more; 0 where she was never erased."""
        hashes = {salt: person_hash(salt, person) for salt in {each.salt for each in self.known.values()}}
        found = [each.record for each in self.known.values() if each.person == hashes[each.salt]]
        return max(found, default=0)

    def forgotten_since(self, since_ms: int) -> Callable[[int, str], bool]:
        """Asks whether whoever had a name, which is in that slot, was forgotten at this instant or later."""
        found = forgotten_names(each for each in self.known.values() if each.at >= since_ms)
        return lambda slot, name: any(each.means(name) for each in found.get(slot, ()))

    def marked(self, erasure: Erasure, **done: bool) -> tuple[str, bytes]:
        """So much of it is done; the entry to be committed."""
        self.known[erasure.id] = after = replace(erasure, **done)
        return entry_of(after)
