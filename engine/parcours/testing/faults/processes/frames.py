"""Messages between the processes of the harness: pickled, with their length before them."""

from __future__ import annotations

import asyncio
import pickle
import struct
from typing import Any, Final

LENGTH: Final = struct.Struct(">I")


async def read_frame(reader: asyncio.StreamReader) -> Any:
    """The next message. Raises EOFError where there is none any more."""
    try:
        (size,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
        return pickle.loads(await reader.readexactly(size))
    except (asyncio.IncompleteReadError, ConnectionError):
        raise EOFError from None


def frame(message: object) -> bytes:
    data = pickle.dumps(message)
    return LENGTH.pack(len(data)) + data
