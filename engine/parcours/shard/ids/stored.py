"""What a shard stores of its files of message ids, as an entry of its own slot: which there are, and how far they go.

A file counts from the commit on that names it here. So a crash while one is written leaves one that nobody names, and
the ids that it should have had in the journal; one that is named has to be there.
"""

from __future__ import annotations

import msgspec

from parcours.shard.ids.file import IdFileInfo
from parcours.shard.ids.key import PARTS

ENTRY = "message ids"

JOINED = 8
"""So many of the newest files become one: so a message that comes again is looked for in few of them."""

WRITTEN_MAX = 1_000
"""Times remembered of what was written when; beyond it every two become one, and ids are forgotten in larger lots."""


class StoredPart(msgspec.Struct, frozen=True, array_like=True):
    """through is the number of the newest file whose ids of this part are in the part's own file."""

    through: int = 0
    own: IdFileInfo | None = None


class StoredIds(msgspec.Struct, frozen=True, array_like=True):
    """through    the ids of all records up to this one are in files
    begun      the number of the file begun last
    floor_ms   what was consumed at this time or before is forgotten, for there was no more room
    newest     files of the ids of all parts, the oldest first
    written    the newest time, and the number of ids, of each of these that is not too old, merged since or not
    """

    through: int = 0
    begun: int = 0
    floor_ms: int = -(2**62)
    newest: list[IdFileInfo] = []
    parts: tuple[StoredPart, ...] = (StoredPart(),) * PARTS
    written: list[tuple[int, int]] = []

    def infos(self) -> list[IdFileInfo]:
        """Every file that there has to be."""
        return [*self.newest, *(part.own for part in self.parts if part.own is not None)]

    def bounded(self, horizon: int, ids_max: int) -> StoredIds:
        """The same, with the oldest ids forgotten until there are no more than that."""
        written = [each for each in self.written if each[0] > horizon]
        floor_ms, total = self.floor_ms, sum(count for _, count in written)
        while total > ids_max and len(written) > 1:
            newest_ms, count = written.pop(0)
            floor_ms, total = max(floor_ms, newest_ms), total - count
        return msgspec.structs.replace(self, written=written, floor_ms=floor_ms)

    def without_old(self, horizon: int) -> StoredIds:
        """The same, without the files of which nothing is young enough."""
        parts = tuple(
            StoredPart(part.through) if part.own is not None and part.own.newest_ms <= horizon else part
            for part in self.parts
        )
        newest = [info for info in self.newest if info.newest_ms > horizon]
        return msgspec.structs.replace(self, parts=parts, newest=newest)

    def with_newest(self, info: IdFileInfo, through: int) -> StoredIds:
        """The same with one more file of the newest ids, of all records up to that one."""
        written = [*self.written, (info.newest_ms, info.entries)]
        if len(written) > WRITTEN_MAX:
            pairs = zip(written[:-1:2], written[1:-1:2], strict=False)
            written = [*((later_ms, earlier + later) for (_, earlier), (later_ms, later) in pairs), written[-1]]
        return msgspec.structs.replace(
            self, through=through, begun=info.number, newest=[*self.newest, info], written=written
        )

    def to_join(self, entries_max: int) -> list[IdFileInfo]:
        """The newest of these files that become one: each is smaller than that, and than all after it together."""
        found: list[IdFileInfo] = []
        total = 0
        for info in reversed(self.newest):
            if info.entries >= entries_max or (found and info.entries > total):
                break
            found.insert(0, info)
            total += info.entries
        return found if len(found) >= JOINED else []

    def with_joined(self, infos: list[IdFileInfo], joined: IdFileInfo | None, begun: int) -> StoredIds:
        """The same with these, which are the newest files, become one."""
        newest = self.newest[: -len(infos)]
        return msgspec.structs.replace(self, begun=begun, newest=newest if joined is None else [*newest, joined])

    def with_part(self, part: int, own: IdFileInfo | None, begun: int) -> StoredIds:
        """The same once this part's own file has all that the newest files have, which may go if all parts have."""
        parts = [*self.parts]
        parts[part] = StoredPart(self.newest[-1].number, own)
        settled = min(each.through for each in parts)
        newest = [info for info in self.newest if info.number > settled]
        return msgspec.structs.replace(self, begun=begun, parts=tuple(parts), newest=newest)


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(StoredIds).decode
