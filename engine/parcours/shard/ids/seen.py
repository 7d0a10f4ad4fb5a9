"""Which messages have been consumed: exactly, for a time, and as far as memory and disk reach.

Theory of operation. The newest ids lie in memory, in 64 parts by their digests, and in the journal. Once there are
enough of them, or enough of the journal, a file of them all is written, sorted part by part; the journal up to there is
needed for them no more. For each such file full of ids one part is renewed: what these newest files have of it is
merged into the one file of its own. So after 64 of them the oldest may go, and an id is written again only when the
newest are as many as those 64 files hold. Every eight of them are joined, that there be few to look into.

Two filters for each part, one of the newest files and one of its own file, tell for nearly every new message that no
file has it; else the files are read, from the newest back. A found one counts only if its time is within the window,
so old ones may lie about until their part is renewed.

All writing is cut into slices, and with each commit as many are done as its ids have earned. What has become of the
files is stored with the following commit (stored.py); before that nothing is taken out of memory, after it files that
nobody needs are deleted. After a restart the filters of the newest files are made anew, in slices too, and until
then the files are asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice, takewhile

import msgspec
from rbloom import Bloom

from parcours.config import HOUR_MS, Settings
from parcours.core.fact import LimitReached
from parcours.core.profile import NEVER
from parcours.shard.ids import stored
from parcours.shard.ids.bounds import OWN_RATE, IdBounds, bounds_of
from parcours.shard.ids.file import (
    IdFile,
    IdFileInfo,
    IdFileWriter,
    as_number,
    counts_of,
    encode_time,
    keys_in,
    time_in,
)
from parcours.shard.ids.filters import DIGEST_STARTS, Filters, put
from parcours.shard.ids.key import DIGEST_AT, KEY, KEY_BYTES, NAME_BYTES, PARTS, name_of, part_of
from parcours.shard.ids.merge import merged
from parcours.shard.ids.stored import StoredIds
from parcours.shard.reports import NOBODY
from parcours.shard.slots import Slot
from parcours.shard.work import Work
from parcours.store.store import Record, Store

WORK_PER_ID = 16
"""Entries handled for each new id. With 172.8 million ids 11 are needed: one into a file, ten in renewed parts."""

SLICE_MAX = 40_000
"""Entries handled with one commit, whatever it has earned: 30 ms."""

JOIN_MAX = 4
"""Files of the newest ids are joined while they are smaller than so many full ones."""


class SeenIds:
    """The messages consumed by one shard. Times do not go back.

    young    by the byte of a key that says its part: ids in memory, with their times
    recent   the filter of ids that are leaving memory, or in the newest files and not in their part's own yet
    settled  the filter of the part's own file
    older    whether there is anything but what is young
    """

    def __init__(self, own: Slot, store: Store, settings: Settings, bounds: IdBounds | None = None) -> None:
        """`own` is the slot in which the shard keeps what belongs to nobody. `bounds` are as the settings have them."""
        self._own = own
        self._store = store
        self._bounds = bounds = bounds_of(settings) if bounds is None else bounds
        self._young: list[dict[bytes, int]] = [{} for _ in range(PARTS)]
        self._leaving: list[dict[bytes, int]] = [{} for _ in range(PARTS)]
        self.young = self._young * (DIGEST_STARTS // PARTS)
        self._filters = filters = Filters(bounds.young_max * (PARTS + 2) // PARTS + 1)
        self.recent, self.settled = filters.recent, filters.settled
        self.older = False
        self._stored = StoredIds()
        self._change: StoredIds | None = None
        self._files: dict[str, IdFile] = {}
        self._oldest_file_ms = NEVER
        self._begun = self._epoch = self._stamp_ms = 0
        self._work: Iterator[int] | None = None
        self._earned = 0
        self._count = 0
        self._swept = 0
        self._behind = 0
        self._wanted = 0
        self._unrenewed = 0
        self._reached: LimitReached | None = None
        self._entry: bytes | None = None
        self._replayed: list[tuple[int, int, list[tuple[int, bytes]]]] = []

    # With each message

    def has_expired(self, key: bytes, at: int) -> bool:
        """Whether a young message is too old by now; then it is gone."""
        seen = self.young[key[DIGEST_AT]]
        if seen[key] > self._horizon(at):
            return False
        del seen[key]
        self._count -= 1
        return True

    def recalls(self, key: bytes, at: int) -> bool:
        """Whether a message that one of the filters knows, and that is not young, was consumed within the window."""
        seen_at = self._find(key)
        return seen_at is not None and seen_at > self._horizon(at)

    def knows(self, key: bytes, at: int) -> bool:
        """Whether the message was consumed within the window. Nothing changes by the question."""
        seen_at = self._young[part_of(key)].get(key)
        return self.recalls(key, at) if seen_at is None else seen_at > self._horizon(at)

    def take_over(self, work: Work, ids: Iterable[tuple[int, bytes]]) -> None:
        """These messages have been consumed by another shard, and are looked for here from this work on."""
        for at, keys in ids:
            work.seen.append((at, keys))
            for place in range(0, len(keys), KEY_BYTES):
                key = keys[place : place + KEY_BYTES]
                self.young[key[DIGEST_AT]][key] = at

    def _horizon(self, at: int) -> int:
        """What was consumed then or before counts no more."""
        return max(at - self._bounds.for_ms, self._stored.floor_ms)

    def _find(self, key: bytes) -> int | None:
        part = part_of(key)
        seen_at = self._leaving[part].get(key)
        if seen_at is not None:
            return seen_at
        if key in self.recent[part]:
            for file in reversed(self._newest_of(part)):
                seen_at = file.find(part, key)
                if seen_at is not None:
                    return seen_at
            if key not in self.settled[part]:
                return None
        own = self._stored.parts[part].own
        return None if own is None else self._files[own.name].find(part, key)

    # With each commit

    def note(self) -> LimitReached | None:
        """A batch of messages has just been put among the young; returns the limit that has been reached since."""
        before, self._count = self._count, sum(map(len, self._young))
        self._earned = min(self._earned + (self._count - before) * WORK_PER_ID, SLICE_MAX)
        reached, self._reached = self._reached, None
        return reached

    def entries(self) -> list[tuple[str, bytes]]:
        """The entry that the record has to write."""
        return [] if self._change is None else [(stored.ENTRY, stored.encode(self._change))]

    def saved(self) -> None:
        """The entry has been written."""
        if self._change is not None:
            self._take_over(self._change)
            self._change = None
            self._delete_others()

    @property
    def through(self) -> int:
        """The ids of all records up to this one lie in files."""
        return self._stored.through

    def want(self, sequence: int) -> None:
        """The records up to this one are to go: their ids belong into a file soon."""
        self._wanted = sequence

    def committed(self, sequence: int, size_bytes: int, stamp_ms: int) -> None:
        """Record `sequence` has been written: a slice of the work on files is done."""
        passed_ms, self._stamp_ms = stamp_ms - self._stamp_ms, stamp_ms
        self._behind += size_bytes
        # All parts in the time for which ids are remembered; live, a commit comes for one part before that is due.
        for _ in range(min(1 + PARTS * passed_ms // self._bounds.for_ms, PARTS)):
            self._forget(self._horizon(stamp_ms))
        hurries = self._count >= 2 * self._bounds.young_max
        self._earned = SLICE_MAX if self._filters.to_make else max(1, self._earned)
        while hurries or self._earned > 0:
            if self._work is None:
                self._work = self._next_work(sequence, stamp_ms)
            done = None if self._work is None else next(self._work, None)
            if done is not None:
                self._earned -= done
            elif self._work is None:
                return
            else:
                self._work = None

    def _forget(self, horizon: int) -> None:
        """Drop the young ids of one part that are too old; the oldest are the first."""
        self._swept = (self._swept + 1) % PARTS
        seen = self._young[self._swept]
        old = len(list(takewhile(horizon.__ge__, seen.values())))
        for key in list(islice(seen, old)):
            del seen[key]
        self._count -= old

    # The files

    def _next_work(self, sequence: int, stamp_ms: int) -> Iterator[int] | None:
        horizon = self._horizon(stamp_ms)
        if self._change is not None:
            return None  # it is stored first
        if self._filters.to_make:
            return self._filter(self._filters.to_make[-1])
        is_wanted = self._stored.through < self._wanted
        if self._count >= self._bounds.young_max or self._behind > self._bounds.behind_max or is_wanted:
            return self._write_newest(sequence, stamp_ms)
        if self._oldest_file_ms <= horizon:
            self._change = self._stored.without_old(horizon)
        elif infos := self._stored.to_join(JOIN_MAX * self._bounds.young_max):
            return self._join(infos)
        elif not self._stored.newest:
            self._unrenewed = 0
        elif self._unrenewed >= self._bounds.young_max:
            self._unrenewed -= self._bounds.young_max
            return self._renew(min(range(PARTS), key=lambda part: self._stored.parts[part].through), horizon)
        return None

    def _begin(self, number: int | None = None, id_filter: Bloom | None = None) -> IdFileWriter:
        """Begin a file, which takes the place of that number where it is made of others."""
        self._begun += 1
        number = self._begun if number is None else number
        return IdFileWriter(self._store, f"{self._epoch}-{self._begun}.ids", number, id_filter)

    def _write_newest(self, sequence: int, stamp_ms: int) -> Iterator[int]:
        """Write all that is young, which leaves memory once the file is stored. Counts are of entries, as below."""
        self._behind = 0
        if not self._count:
            self._change = msgspec.structs.replace(self._stored, through=sequence)
            return
        writer, newest_ms = self._begin(), stamp_ms
        self.older = True
        for part in range(PARTS):
            leaving = self._leaving[part] = self._young[part]
            self._young[part] = {}
            put(self.young, part, self._young[part])
            self._count -= len(leaving)
            self._unrenewed += len(leaving)
            self._filters.add(part, leaving)
            times = {at: encode_time(at) for at in set(leaving.values())}
            newest_ms = max([newest_ms, *times])
            writer.add(part, sorted([key + times[at] for key, at in leaving.items()]))
            yield len(leaving)
        wanted = self._stored.with_newest(writer.finish(newest_ms), sequence)
        self._change = wanted.bounded(stamp_ms - self._bounds.for_ms, self._bounds.ids_max)
        self._tell(stamp_ms)

    def _join(self, infos: list[IdFileInfo]) -> Iterator[int]:
        """Make one of the newest files, without what parts have in their own."""
        writer, kept = self._begin(infos[-1].number), 0
        for part in range(PARTS):
            through = self._stored.parts[part].through
            files = [self._files[info.name] for info in infos if info.number > through]
            for entries in merged(None, files, part):
                writer.add(part, entries)
                kept += len(entries)
                yield len(entries)
        joined = writer.finish(max(info.newest_ms for info in infos)) if kept else None
        self._change = self._stored.with_joined(infos, joined, self._begun)

    def _renew(self, part: int, horizon: int) -> Iterator[int]:
        """Write the part's own file again, with what the newest files have of it and without what is too old."""
        newest, held = self._newest_of(part), self._stored.parts[part].own
        own = None if held is None else self._files[held.name]
        files = newest if own is None else [own, *newest]
        expected = sum(file.counts.get(part, 0) for file in files)
        writer = self._begin(id_filter=Bloom(max(1, expected), OWN_RATE, as_number))
        oldest = encode_time(horizon)
        kept = 0
        for entries in merged(own, newest, part):
            young = [entry for entry in entries if entry[KEY_BYTES:] > oldest]
            if young:
                writer.add(part, young)
                kept += len(young)
            yield len(entries)
        newest_ms = max(file.info.newest_ms for file in files)
        info = writer.finish(newest_ms) if kept else None
        self._change = self._stored.with_part(part, info, self._begun).without_old(horizon)

    def _filter(self, part: int) -> Iterator[int]:
        """Make the filter of the newest files anew, for one part."""
        fresh, count = self._filters.new_recent(), 0
        for file in self._newest_of(part):
            for entries in file.read(part):
                fresh.update(keys_in(entries))
            count += file.counts.get(part, 0)
            yield file.counts.get(part, 0)
        self._filters.made(part, fresh, count)

    def _take_over(self, following: StoredIds) -> None:
        """These files it is from now on."""
        before, self._stored = self._stored, following
        opened = self._files
        self._files = {info.name: opened.get(info.name) or IdFile(self._store, info) for info in following.infos()}
        if following.through != before.through:
            self._leaving = [{} for _ in range(PARTS)]
        newest = [self._files[info.name] for info in following.newest]
        for part, there in enumerate(counts_of(newest, [each.through for each in following.parts])):
            own = following.parts[part].own
            if own != before.parts[part].own:
                self._filters.settle(part, None if own is None else self._files[own.name].filter)
            self._filters.check(part, there)
        self._oldest_file_ms = min((file.info.newest_ms for file in self._files.values()), default=NEVER)
        self.older = bool(self._files)

    def _newest_of(self, part: int) -> list[IdFile]:
        """The newest files, as far as the part's own one does not have what they have of it."""
        through = self._stored.parts[part].through
        return [self._files[info.name] for info in self._stored.newest if info.number > through]

    def _delete_others(self) -> None:
        for name in self._store.file_names() - self._files.keys():
            self._store.delete_file(name)

    # Coming back from a store

    def restore(self) -> int:
        """Begin with the image of the shard's own slot; returns the record up to which no record is needed."""
        return self._read_entry().through

    def replay(self, record: Record) -> None:
        """A record has been applied to the shard's own slot; what it says of messages waits for the last one."""
        self._stamp_ms = record.stamp_ms
        self._replayed.append((record.sequence, record.size_bytes(), record.seen))
        if self._own.profiles.get(stored.ENTRY) is not self._entry:
            through = self._read_entry().through
            self._replayed = [each for each in self._replayed if each[0] > through]

    def _read_entry(self) -> StoredIds:
        self._entry = self._own.profiles.get(stored.ENTRY)
        return StoredIds() if self._entry is None else stored.decode(self._entry)

    def restored(self, epoch: int) -> None:
        """All records have been applied."""
        held, self._epoch = self._read_entry(), epoch
        for sequence, size_bytes, messages in self._replayed:
            if sequence <= held.through:
                continue
            self._behind += size_bytes
            for at, keys in messages:
                for start in range(0, len(keys), KEY_BYTES):
                    key = keys[start : start + KEY_BYTES]
                    seen = self._young[part_of(key)]
                    seen.pop(key, None)  # if it had expired: the oldest are the first
                    seen[key] = at
        self._replayed = []
        self._begun = held.begun
        self._count = sum(map(len, self._young))
        self._take_over(held)
        self._filters.forget([part for part in range(PARTS) if self._newest_of(part)])
        self._delete_others()

    # Looking in

    def _tell(self, stamp_ms: int) -> None:
        assert self._change is not None
        if why := self._shortage(stamp_ms - self._change.floor_ms):
            self._reached = LimitReached(stamp_ms, NOBODY, self._bounds.setting, why)

    def _shortage(self, window_ms: int) -> str | None:
        if window_ms >= self._bounds.for_ms:
            return None
        return f"message ids are remembered for {window_ms / HOUR_MS:.1f} hours: there is no room for more"

    def window_ms(self) -> int:
        """For how long a message is recognised, as of the newest record."""
        return min(self._bounds.for_ms, self._stamp_ms - self._stored.floor_ms)

    def troubles(self) -> list[str]:
        """What is not in order, a sentence each."""
        shortage = self._shortage(self.window_ms())
        return [] if shortage is None else [f"{shortage} ({self._bounds.setting})"]

    def __len__(self) -> int:
        """How many are remembered, those included of which it has not been found yet that they are too old."""
        leaving = sum(map(len, self._leaving))
        return self._count + leaving + sum(count for _, count in self._stored.written)

    def of_name(self, slot: int, person: bytes, at: int) -> dict[bytes, int]:
        """The keys of all messages of one name that are remembered, with their times. Reads each file once a part.

        Names whose CRC is the same are not told apart.
        """
        name, horizon = KEY.pack(name_of(slot, person), b"")[:NAME_BYTES], self._horizon(at)
        found: dict[bytes, int] = {}
        for part in range(PARTS):
            for file in self._files.values():
                for entry in file.of_name(part, name):
                    key = entry[:KEY_BYTES]
                    found[key] = max(time_in(entry), found.get(key, horizon))
            for held in (self._leaving[part], self._young[part]):
                found.update((key, then) for key, then in held.items() if key.startswith(name))
        return {key: then for key, then in found.items() if then > horizon}
