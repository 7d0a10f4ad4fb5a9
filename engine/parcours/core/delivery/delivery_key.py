"""What is a delivery called? By a key that is the same for ever, and that tells where the delivery lives.

    1a3 7c09d1e2f4 5b0e6a91c2d83f4750a1b2c3
    |   |          the rest: 12 bytes of the hash of all that tells this delivery from every other
    |   5 bytes of the hash of the name under which the run entered
    the hash slot of that name, from 000 to 3ff

All of it is hexadecimal, without gaps. A provider's report names the key and nobody: whoever owns the slot finds the
person among those whose names have that hash, and the delivery among hers, so that there is no index of keys and
nobody else has to be asked. A name and a number given to a run later change no key.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple

from parcours.core.identity import NAME_HASH_BYTES, SLOTS, name_hash, slot_of

SLOT_DIGITS = 3

REST_BYTES = 12
"""Long enough that two deliveries never share a key, and short enough for a return path of mail to carry it."""

KEY_DIGITS = SLOT_DIGITS + 2 * (NAME_HASH_BYTES + REST_BYTES)

DIGITS = frozenset("0123456789abcdef")

COPY_MARK = "5eed"
"""With what the keys of copies for a campaign's own addresses end, so that what is reported of one is known as such."""


class KeyPlace(NamedTuple):
    """Where the delivery of a key belongs: to the slot of its name, and one of the names there that have this hash."""

    slot: int
    name_hash: bytes


def key_of(name: str, parts: Iterable[str]) -> str:
    """The key of a delivery: its run entered under `name`, and `parts` tell it from every other delivery."""
    rest = blake2b("\0".join(parts).encode(), digest_size=REST_BYTES)
    return f"{slot_of(name):03x}{name_hash(name).hex()}{rest.hexdigest()}"


def copy_key_of(name: str, parts: Iterable[str]) -> str:
    """The key of a copy for a campaign's own address, which has the data of the person `name`."""
    return key_of(name, parts)[: -len(COPY_MARK)] + COPY_MARK


def is_copy(key: str) -> bool:
    """Whether it may be the key of such a copy; one in 65,536 of all others looks like it."""
    return key.endswith(COPY_MARK)


def place_in(key: str) -> KeyPlace:
    """Where the delivery of this key lives. Raises ValueError for what is no key."""
    if len(key) == KEY_DIGITS and DIGITS.issuperset(key):
        slot = int(key[:SLOT_DIGITS], 16)
        if slot < SLOTS:
            return KeyPlace(slot, bytes.fromhex(key[SLOT_DIGITS : SLOT_DIGITS + 2 * NAME_HASH_BYTES]))
    raise ValueError(f"{key[: 2 * KEY_DIGITS]!r} is not the key of a delivery")
