"""Which inputs are kept with a commit, and how are they read again?

The lines of a batch are kept as they came, in one compressed block: for the table of events those of the events that
the project names; for a twin of the store (`insight: {inputs: true}`) every line that was taken, and as lines of their
own what else happened to people. Nobody decodes them on the way in. The block outlives its record, so it begins with a
number of its own. The library that compresses comes with the extra `insight`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from parcours.errors import ExtraMissing, StoreBroken

if TYPE_CHECKING:
    from zstandard import ZstdCompressor

FORMAT = 1
"""First byte of a block; raised when its shape changes. What follows is msgpack, compressed with Zstandard."""

LEVEL = 1
"""How hard the compressor tries: at 1 to 3 a line of 258 bytes takes 0.6 µs and 26 bytes, at 5 four times the time for
as many."""


class KeptInputs(msgspec.Struct, array_like=True):
    """The inputs of one commit. Their effective time is the stamp of its record, if nothing else is said.

    lines   lines as they came, in their order
    names   by the place of a line in `lines`, the person as results have her, where that is not the line's user id
    others  places of lines that do not belong into the table of events
    times   by place, effective times in ms that are not the stamp
    whole   whether everything is among them that happened to people with this commit
    """

    lines: list[bytes]
    names: dict[int, str] = {}
    others: list[int] = []
    times: dict[int, int] = {}
    whole: bool = False

    @classmethod
    def none(cls) -> KeptInputs:
        """No inputs so far."""
        return cls([], {}, [], {})

    def add(self, line: bytes, name: str | None, *, is_event: bool = True, at: int | None = None) -> None:
        """Keep a line, with whose it is where that is not its user id, and its time where that is not the stamp."""
        place = len(self.lines)
        if name is not None:
            self.names[place] = name
        if not is_event:
            self.others.append(place)
        if at is not None:
            self.times[place] = at
        self.lines.append(line)


_PREFIX = bytes([FORMAT])
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(KeptInputs).decode


class InputEncoder:
    """Encodes the inputs of one commit after the other, for one caller at a time.

    It keeps its compressor, which takes as long to make as some hundred lines take to compress.
    """

    __slots__ = ("_compressor",)

    def __init__(self) -> None:
        self._compressor: ZstdCompressor | None = None

    def encode(self, kept: KeptInputs) -> bytes:
        """The inputs' bytes."""
        if self._compressor is None:
            import zstandard

            self._compressor = zstandard.ZstdCompressor(level=LEVEL)
        return _PREFIX + self._compressor.compress(_encode(kept))


def encode_inputs(kept: KeptInputs) -> bytes:
    """The inputs' bytes, for whoever encodes but few."""
    return InputEncoder().encode(kept)


def decode_inputs(block: bytes, where: str) -> KeptInputs:
    """The inputs again. `where` names the block in the StoreBroken raised if it cannot be read.

    Raises ExtraMissing where there are inputs, and the library is missing that decompresses them.
    """
    if not block:
        return KeptInputs([])
    if block[0] != FORMAT:
        raise StoreBroken(
            f"{where} has inputs of format {block[0]}, this release of Parcours reads format {FORMAT}: "
            "read them with the release that wrote them"
        )
    try:
        import zstandard
    except ModuleNotFoundError as error:
        raise ExtraMissing.of(f"To read the inputs that {where} has", "insight") from error
    try:
        return _decode(zstandard.ZstdDecompressor().decompress(memoryview(block)[1:]))
    except (zstandard.ZstdError, msgspec.MsgspecError) as error:
        raise StoreBroken(f"{where} has inputs that cannot be read: {error}") from error
