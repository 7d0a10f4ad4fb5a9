"""The key of a message: its slot and 22 bits of its person's name, then a digest of the person and the message id.

The first four bytes, little-endian, are the CRC of the name with the slot in its lowest ten bits, which is where the
slot comes from anyway. So the keys of one name lie next to each other in a sorted file, and can be listed.

The digest decides alone where all ids have one name. Two of 172.8 million ids, a day's at 2,000 a second, then share
one with a probability of 1 in 40 million a day; with many names it is 1 in some hundred trillion. Whoever shares a
key with an earlier message is dropped as its duplicate.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from struct import Struct
from zlib import crc32

from parcours.core.identity import SLOTS

DIGEST_BYTES = 10

KEY = Struct(f"<I{DIGEST_BYTES}s")
"""The CRC and the digest."""

KEY_BYTES = KEY.size

NAME_BYTES = KEY_BYTES - DIGEST_BYTES

DIGEST_AT = NAME_BYTES
"""Place of the first byte of the digest, by which keys are spread evenly however many one person has."""

PARTS = 64
"""Parts of the ids, by their digests. One is made anew in a file of its own at a time: the more there are the smaller
a file, and the longer ids lie in files of the newest."""


def name_of(slot: int, person: bytes) -> int:
    """The number that stands for a name in the keys of its messages. A slot may be another one than the name's own."""
    return crc32(person) // SLOTS * SLOTS + slot


def part_of(key: bytes) -> int:
    """The part to which a message belongs."""
    return key[DIGEST_AT] % PARTS


def by_time(ids: Mapping[bytes, int]) -> list[tuple[int, bytes]]:
    """Message ids as a record has them: the keys of a time one after the other, the oldest first."""
    keys = defaultdict[int, list[bytes]](list)
    for key, at in ids.items():
        keys[at].append(key)
    return [(at, b"".join(sorted(keys[at]))) for at in sorted(keys)]
