"""The bytes of records and images: how they are encoded, and how a change to any of them is noticed.

A record and an image are msgpack behind a version byte. What changes on a disk by itself, or by hand,
must not come back as somebody's journey, so everything that is read is checked first:

- the records of a journal form a **chain**: each has a link, the digest of the link before it and of its
  own bytes. A byte that changed breaks the chain there; a record that was taken out or swapped, too.
- an image is **sealed**: its file starts with the digest of the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import TypeVar

import msgspec

from parcours.errors import StoreBroken
from parcours.store.store import Record, SlotImage

T = TypeVar("T")

VERSION = 3
"""First byte of everything encoded here; raised when old bytes can no longer be read as they are, what lies inside of
records and images included: people, deliveries, publications, what a shard keeps for itself. Facts have a number of
their own (`core/fact_block.py`), for they are exported and outlive their records."""

LINK_BYTES = 32
START = bytes(LINK_BYTES)
"""The link before a journal's first record."""

_VERSION_PREFIX = bytes([VERSION])
_encode = msgspec.msgpack.Encoder().encode
_decode_record = msgspec.msgpack.Decoder(Record).decode
_decode_image = msgspec.msgpack.Decoder(SlotImage).decode


def encode_record(record: Record) -> bytes:
    """The record's bytes, without its link."""
    return _VERSION_PREFIX + _encode(record)


def decode_record(encoded: bytes, where: str) -> Record:
    """The record again. `where` names it in the StoreBroken raised if it cannot be read."""
    try:
        return _decode_record(_without_version(encoded, where))
    except msgspec.MsgspecError as error:
        raise damaged(where, str(error)) from error


def next_link(link: bytes, encoded: bytes) -> bytes:
    """The link of the record with these bytes, which follows the record with that link."""
    digest = blake2b(link, digest_size=LINK_BYTES)
    digest.update(encoded)
    return digest.digest()


def encode_image(image: SlotImage) -> bytes:
    """The image's bytes, sealed."""
    encoded = _VERSION_PREFIX + _encode(image)
    return _seal(encoded) + encoded


def decode_image(sealed: bytes, where: str) -> SlotImage:
    """The image again. `where` names it in the StoreBroken raised if it was changed or cannot be read."""
    return _read_image(sealed, where, _decode_image)


def _read_image(sealed: bytes, where: str, decode: Callable[[memoryview], T]) -> T:
    seal, encoded = sealed[:LINK_BYTES], sealed[LINK_BYTES:]
    if seal != _seal(encoded):
        raise damaged(where, "its bytes do not fit its digest")
    try:
        return decode(_without_version(encoded, where))
    except msgspec.MsgspecError as error:
        raise damaged(where, str(error)) from error


class _ImageHead(msgspec.Struct, frozen=True, array_like=True):
    """The first fields of an image; what follows is not looked at."""

    slot: int
    sequence: int


_decode_head = msgspec.msgpack.Decoder(_ImageHead).decode


def image_head(sealed: bytes, where: str) -> tuple[int, int]:
    """The slot and the record of an image, whose seal is checked, without the rest of it."""
    return _read_image(sealed, where, lambda encoded: ((head := _decode_head(encoded)).slot, head.sequence))


def damaged(where: str, why: str) -> StoreBroken:
    """The error for something on disk that is not as it was written."""
    return StoreBroken(f"{where} is damaged: {why}. Put all files of this shard back from one backup.")


def outdated(where: str, why: str) -> StoreBroken:
    """The error for something on disk that has once been further than it is."""
    return StoreBroken(
        f"{where} is an older copy: {why}. Put the newest files back, those of all shards from one time. If there are "
        "none newer, `parcours store restore --accept-loss` makes a store of these."
    )


def whole(data: bytes, size: int, name: str, where: str) -> bytes:
    """What was read of a file, if it is as much as was asked for."""
    if len(data) != size:
        raise damaged(f"the file {name} of {where}", f"{len(data)} of {size} bytes are there")
    return data


def _seal(encoded: bytes) -> bytes:
    return blake2b(encoded, digest_size=LINK_BYTES).digest()


def _without_version(encoded: bytes, where: str) -> memoryview:
    version = encoded[0] if encoded else None
    if version != VERSION:
        raise StoreBroken(
            f"{where} has format {version}, this release of Parcours reads format {VERSION}: "
            "open it with the release that wrote it"
        )
    return memoryview(encoded)[1:]
