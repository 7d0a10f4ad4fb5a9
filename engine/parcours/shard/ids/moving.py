"""The message ids of a store that is shared out anew: read from the old shards and written for the new ones.

All is done part by part, of which there are as many as files that a shard has in the long run, so that no more than one
part lies in memory. A key tells the slot, and so the shard. What an old shard has forgotten is forgotten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from rbloom import Bloom

from parcours.config import HOUR_MS
from parcours.core.identity import SLOTS
from parcours.shard.ids import stored
from parcours.shard.ids.bounds import OWN_RATE
from parcours.shard.ids.file import TIME_ZERO, IdFile, IdFileInfo, IdFileWriter, as_number, encode_time, time_in
from parcours.shard.ids.key import KEY_BYTES, PARTS, part_of
from parcours.shard.ids.merge import merged
from parcours.shard.ids.stored import StoredIds, StoredPart
from parcours.store.store import Store


class StoredMessages:
    """The message ids that the store of a shard holds, with the entries of the shard's own slot. Nothing changes.

    Raises StoreBroken if a file is missing, or not as it was written.
    """

    def __init__(self, store: Store, own: Mapping[str, bytes]) -> None:
        self.stored = stored.decode(own[stored.ENTRY]) if stored.ENTRY in own else StoredIds()
        self._files = {info.name: IdFile(store, info) for info in self.stored.infos()}
        self._young: list[dict[bytes, int]] = [{} for _ in range(PARTS)]
        for record in store.records(after=self.stored.through):
            for at, keys in record.seen:
                for start in range(0, len(keys), KEY_BYTES):
                    key = keys[start : start + KEY_BYTES]
                    self._young[part_of(key)][key] = at

    def check(self) -> None:
        """Read every file from its beginning to its end."""
        for file in self._files.values():
            for part in range(PARTS):
                for _ in file.read(part):
                    pass

    def entries(self, part: int) -> Iterator[bytes]:
        """The entries of one part that are not forgotten, a message that came again with each of its times."""
        held = self.stored.parts[part]
        own = None if held.own is None else self._files[held.own.name]
        newest = [self._files[info.name] for info in self.stored.newest if info.number > held.through]
        forgotten = encode_time(max(self.stored.floor_ms, -TIME_ZERO))
        for some in merged(own, newest, part):
            yield from (entry for entry in some if entry[KEY_BYTES:] > forgotten)
        yield from (key + encode_time(at) for key, at in self._young[part].items())


class NewMessages:
    """The message ids of one new shard, while its files are written."""

    def __init__(self, store: Store, epoch: int) -> None:
        self._store = store
        self._epoch = epoch
        self._parts: list[StoredPart] = []
        self._written: Counter[int] = Counter()

    def write(self, entries: list[bytes]) -> None:
        """Write the part that comes next."""
        part = len(self._parts)
        self._parts.append(StoredPart(PARTS, self._file(part, sorted(entries)) if entries else None))

    def _file(self, part: int, entries: list[bytes]) -> IdFileInfo:
        times = [time_in(entry) for entry in entries]
        self._written.update(-(-at // HOUR_MS) for at in times)
        name = f"{self._epoch}-{part + 1}.ids"
        writer = IdFileWriter(self._store, name, part + 1, Bloom(len(entries), OWN_RATE, as_number))
        writer.add(part, entries)
        return writer.finish(max(times))

    def entry(self, through: int, floor_ms: int) -> tuple[str, bytes]:
        """The entry of the shard's own slot, once all parts are written and `through` is its newest record."""
        written = [(hour * HOUR_MS, count) for hour, count in sorted(self._written.items())]
        held = StoredIds(through, PARTS, floor_ms, [], tuple(self._parts), written)
        return stored.ENTRY, stored.encode(held)


def move_ids(olds: Sequence[StoredMessages], news: Sequence[NewMessages], owner: Callable[[int], int]) -> int:
    """Write all ids for the shards that own their slots; returns the time up to which they are forgotten, in ms."""
    owners = [owner(slot) for slot in range(SLOTS)]
    for part in range(PARTS):
        shares: list[list[bytes]] = [[] for _ in news]
        for old in olds:
            for entry in old.entries(part):
                shares[owners[int.from_bytes(entry[:2], "little") % SLOTS]].append(entry)
        for new, share in zip(news, shares, strict=True):
            new.write(share)
    return max(old.stored.floor_ms for old in olds)
