"""How much may be under way at once? Bodies are bounded one by one, in time, and together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from parcours.ingress.exchange import Problem

Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]


class ClientGone(Exception):
    """The client has hung up before its request was complete."""


class Bodies:
    """All bodies under way.

    under_way  their bytes
    """

    def __init__(self, bytes_max: int, read_timeout_s: float) -> None:
        self._bytes_max = bytes_max
        self._timeout_s = read_timeout_s
        self.under_way = 0

    def reserve(self, size: int) -> None:
        """Bytes are coming. Raises Problem where there is no room for them; else `release` has to follow."""
        if self.under_way + size > self._bytes_max:
            raise Problem(
                429,
                "busy",
                "too many bytes are under way: repeat the request in a moment",
                headers={"Retry-After": "1"},
            )
        self.under_way += size

    def release(self, size: int) -> None:
        """Their request has been answered."""
        self.under_way -= size

    async def read(self, receive: Receive, declared: int | None, most: int) -> bytes:
        """The body; its bytes stay reserved until they are released. Raises Problem or ClientGone, and holds nothing.

        declared  its length by the client's word, None if it does not say
        """
        if declared is not None and declared > most:
            raise too_large(most)
        held = declared or 0
        self.reserve(held)
        read = 0
        pieces: list[bytes] = []
        try:
            async with asyncio.timeout(self._timeout_s):
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ClientGone
                    piece = message.get("body", b"")
                    more = message.get("more_body", False)
                    read += len(piece)
                    if read > most:
                        raise too_large(most)
                    if read > held:
                        self.reserve(read - held)
                        held = read
                    pieces.append(piece)
        except BaseException as error:
            self.release(held)
            if isinstance(error, TimeoutError):
                raise Problem(408, "slow", f"the body did not come within {self._timeout_s:g} s") from None
            raise
        self.release(held - read)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def too_large(most: int) -> Problem:
    return Problem(413, "too_large", f"the body is longer than {most:,} bytes")
