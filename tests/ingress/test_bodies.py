"""Packed bodies: what they hold, and no more of it than may be."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.ingress.bodies import unpacked
from parcours.ingress.exchange import Problem

MOST = 4 * 1024 * 1024


def raw_deflate(body: bytes) -> bytes:
    packing = zlib.compressobj(wbits=-15)
    return packing.compress(body) + packing.flush()


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "": lambda body: body,
    "identity": lambda body: body,
    " GZIP ": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
}


@pytest.mark.parametrize("encoding", PACKED)
@given(st.binary(max_size=300).map(lambda body: b"{" + body * 700))
def test_a_body_is_what_was_packed(encoding: str, body: bytes) -> None:
    assert unpacked(PACKED[encoding](body), encoding, MOST) == body


def test_a_body_that_begins_as_gzip_does_is_gzip_whatever_the_header_says() -> None:
    packed = gzip.compress(b"{}", mtime=0)

    assert [unpacked(packed, encoding, MOST) for encoding in ("", "identity", "deflate")] == [b"{}"] * 3


def test_deflate_may_lack_its_header() -> None:
    assert unpacked(raw_deflate(b'{"batch":[]}'), "deflate", MOST) == b'{"batch":[]}'


@pytest.mark.parametrize(
    "body, encoding, status",
    [
        (b"x" * 11, "", 413),
        (gzip.compress(b"x" * 11, mtime=0), "gzip", 413),
        (gzip.compress(b"x" * 10, mtime=0) + b"more", "gzip", 400),  # something follows
        (gzip.compress(b"x", mtime=0) + gzip.compress(b"y", mtime=0), "gzip", 400),  # a second member
        (zlib.compress(b"x") + b"\n", "deflate", 400),
        (gzip.compress(b"x" * 10, mtime=0)[:-1], "gzip", 400),  # cut off
        (b"", "gzip", 400),
        (b"", "deflate", 400),
        (b"{}", "gzip", 400),  # by its header alone
        (b"\x1f\x8b\x08rubbish", "", 400),
        (b"\x78\x9crubbish", "deflate", 400),
        (b"{}", "br", 415),
        (b"{}", "gzip, gzip", 415),
    ],
)
def test_what_is_refused(body: bytes, encoding: str, status: int) -> None:
    with pytest.raises(Problem) as refused:
        unpacked(body, encoding, 10)

    assert refused.value.status == status


def test_as_much_as_may_be_is_taken() -> None:
    assert unpacked(gzip.compress(b"x" * 10, mtime=0), "gzip", 10) == b"x" * 10


def test_a_body_of_many_pieces_is_refused_if_anything_follows_it() -> None:
    body = gzip.compress(bytes(range(256)) * 4_000, compresslevel=0)  # a megabyte, which is not made shorter

    assert len(unpacked(body, "gzip", MOST)) == 256 * 4_000
    with pytest.raises(Problem, match="follows"):
        unpacked(body + bytes(70_000), "gzip", MOST)
