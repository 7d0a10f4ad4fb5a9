"""What does a packed body hold? It is unpacked piece by piece, and no further than it may be long.

A client says by `Content-Encoding` how it has packed its body, and not all of them do. Nothing that the door reads
begins as gzip does, so such a body is gzip whatever the header says.
"""

from __future__ import annotations

import re
import zlib
from typing import Final, TypeVar

import msgspec

from parcours.ingress.body_bounds import too_large
from parcours.ingress.exchange import SMALL_BODY_MAX, Problem, Request
from parcours.wording import nearest

T = TypeVar("T")
Struct = TypeVar("Struct", bound=msgspec.Struct)

PIECE_BYTES: Final = 64 * 1024
"""What is unpacked at once: a body that unpacks to a gigabyte is given up after its limit and as much again."""

_UNKNOWN_MEMBER: Final = re.compile(r"Object contains unknown field `(.*)`")

GZIP_MAGIC: Final = b"\x1f\x8b"

GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
ZLIB_WINDOW: Final = zlib.MAX_WBITS
RAW_WINDOW: Final = -zlib.MAX_WBITS


def decoded(request: Request, kind: type[Struct], most: int = SMALL_BODY_MAX) -> Struct:
    """The body as a struct of this kind. Raises Problem for what is none, and as `unpacked` does.

    most  bytes that it may have, unpacked
    """
    return json_of(unpacked(request.body, request.headers.get("content-encoding", ""), most), kind)


def json_of(body: bytes, kind: type[T]) -> T:
    """An unpacked body as a value of this kind. Raises Problem for what is none."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, "invalid", f"the body cannot be read: {error}{_meant(str(error), kind)}") from None


def _meant(error: str, kind: type) -> str:
    """Which member of the body was perhaps meant by one that is unknown; nothing about those further inside."""
    unknown = _UNKNOWN_MEMBER.fullmatch(error)
    if unknown is None or not issubclass(kind, msgspec.Struct):
        return ""
    return nearest(unknown[1], kind.__struct_encode_fields__)


def unpacked(body: bytes, encoding: str, most: int) -> bytes:
    """The body as its client wrote it.

    encoding  the header `Content-Encoding`, empty if there is none
    most      bytes that it may have
    Raises Problem: 413 for a longer one, 415 for another encoding, 400 for what is none of its encoding.
    """
    window = _window(body, encoding.strip().lower())
    if window is None:
        if len(body) > most:
            raise too_large(most)
        return body
    return _inflated(body, window, most)


def _window(body: bytes, encoding: str) -> int | None:
    """How zlib has to read the body; None for one that is not packed."""
    if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise Problem(415, "encoding", "a body is packed by gzip or deflate, or not at all")
    if body.startswith(GZIP_MAGIC):
        return GZIP_WINDOW
    if encoding in ("", "identity"):
        return None
    if encoding == "deflate":
        return ZLIB_WINDOW if _has_zlib_header(body) else RAW_WINDOW
    raise Problem(400, "invalid", "the body is no gzip, and its header says so")


def _has_zlib_header(body: bytes) -> bool:
    """Deflate is to come with a header, and some clients leave it out."""
    return len(body) >= 2 and body[0] & 0x0F == zlib.DEFLATED and (body[0] << 8 | body[1]) % 31 == 0


def _inflated(body: bytes, window: int, most: int) -> bytes:
    inflating = zlib.decompressobj(window)
    pieces: list[bytes] = []
    length = read = 0
    packed = b""
    try:
        while not inflating.eof:
            if not packed:
                packed, read = body[read : read + PIECE_BYTES], read + PIECE_BYTES
            piece = inflating.decompress(packed, PIECE_BYTES)
            if not packed and not piece:
                raise Problem(400, "invalid", "the packed body ends too early")
            packed = inflating.unconsumed_tail
            pieces.append(piece)
            length += len(piece)
            if length > most:
                raise too_large(most)
    except zlib.error:
        raise Problem(400, "invalid", "the packed body cannot be unpacked") from None
    if inflating.unused_data or packed or read < len(body):
        raise Problem(400, "invalid", "something follows the packed body")
    return b"".join(pieces)
