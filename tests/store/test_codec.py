"""Do bytes come back as what they were, or not at all?"""

from __future__ import annotations

from hashlib import blake2b

import msgspec
import pytest

from parcours.errors import StoreBroken
from parcours.store.codec import (
    LINK_BYTES,
    START,
    VERSION,
    decode_image,
    decode_record,
    encode_image,
    encode_record,
    next_link,
)
from parcours.testing.store_contract import a_record, an_image

CURRENT, LATER = bytes([VERSION]), bytes([VERSION + 1])


def test_a_record_and_an_image_survive_the_way_through_bytes() -> None:
    assert decode_record(encode_record(a_record(1)), "here") == a_record(1)
    assert decode_image(encode_image(an_image(5, 1)), "here") == an_image(5, 1)


def test_a_link_depends_on_every_byte_before_it() -> None:
    first, second = encode_record(a_record(1)), encode_record(a_record(2))

    chained = next_link(next_link(START, first), second)

    assert len(chained) == LINK_BYTES
    assert chained != next_link(START, second)  # without the first
    assert chained != next_link(next_link(START, first[:-1] + b"\x91"), second)  # its last byte changed


def test_every_flipped_bit_of_an_image_is_noticed() -> None:
    sealed = encode_image(an_image(5, 1))

    for place in range(len(sealed)):
        flipped = bytearray(sealed)
        flipped[place] ^= 1 << place % 8
        with pytest.raises(StoreBroken, match="0005.image"):
            decode_image(bytes(flipped), "0005.image")


def test_an_image_cut_off_anywhere_is_noticed() -> None:
    sealed = encode_image(an_image(5, 1))

    for length in range(len(sealed)):
        with pytest.raises(StoreBroken, match="0005.image"):
            decode_image(sealed[:length], "0005.image")


@pytest.mark.parametrize(
    ("encoded", "says"),
    [
        (b"", "format None"),
        (
            b"\x01" + msgspec.msgpack.encode(a_record(1)),
            f"record 1 has format 1, .* reads format {VERSION}: open it with the",
        ),
        (LATER + msgspec.msgpack.encode(a_record(1)), f"format {VERSION + 1}"),  # a later release wrote it
        (CURRENT + msgspec.msgpack.encode([1, 2]), "record 1 is damaged"),  # msgpack, but no record
        (CURRENT + b"\xc1", "record 1 is damaged"),  # not even msgpack
        (encode_record(a_record(1))[:-1], "record 1 is damaged"),  # cut off
    ],
)
def test_what_cannot_be_read_is_named(encoded: bytes, says: str) -> None:
    with pytest.raises(StoreBroken, match=says):
        decode_record(encoded, "record 1")


def test_an_image_of_an_earlier_release_is_refused() -> None:
    encoded = b"\x01" + msgspec.msgpack.encode(an_image(5, 1))
    sealed = blake2b(encoded, digest_size=LINK_BYTES).digest() + encoded

    with pytest.raises(StoreBroken, match=r"0005\.image has format 1, .* open it with the release that wrote it"):
        decode_image(sealed, "0005.image")
