"""Erasing: a person is forgotten in one commit, and then her copies go, step by step (erasures.py)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set
from types import MappingProxyType
from typing import Final, TypeAlias

from msgspec.structs import replace

from parcours.config import DAY_MS
from parcours.core.effect import InboxChange
from parcours.core.fact import Fact, Looked, Moved
from parcours.core.profile import Identity, Run, decode_profile
from parcours.shard.addresses import Addresses
from parcours.shard.claiming import Claiming
from parcours.shard.commits import Commits
from parcours.shard.dead_letters import DeadLetters
from parcours.shard.erasures import AUDIT, SALT, Erased, Erasure, Erasures, entry_of, person_hash
from parcours.shard.ids.seen import SeenIds
from parcours.shard.imaging import Imaging
from parcours.shard.names import Names
from parcours.shard.peers import Peers
from parcours.shard.positions import Positions
from parcours.shard.reads import Reads
from parcours.shard.slots import Slots
from parcours.shard.work import Work
from parcours.store.store import Store

IMAGES_MAX: Final = 8
"""Images renewed in one step, for which everybody waits: some milliseconds each."""

RESTORED: Final = "erasure log"
"""By whom somebody is erased again after a backup was restored."""

MessageIds: TypeAlias = Iterable[tuple[int, bytes]]
"""(effective time, keys one after the other), as a record has them."""

NOBODY_ELSE: Final[Mapping[str, bytes]] = MappingProxyType({})

TRIMMED_MAX: Final = 200
"""Records trimmed in one step."""


class Erasing:
    """Erases people of one shard. `exports` says whether there is an exporter."""

    def __init__(
        self,
        slots: Slots,
        names: Names,
        peers: Peers,
        positions: Positions,
        store: Store,
        commits: Commits,
        leaving: Claiming,
        dead_letters: DeadLetters,
        reads: Reads,
        imaging: Imaging,
        seen: SeenIds,
        addresses: Addresses,
        within_ms: int,
        *,
        exports: bool,
    ) -> None:
        self._slots = slots
        self._names = names
        self._peers = peers
        self._positions = positions
        self._slot_map = slots.slot_map
        self._store = store
        self._commits = commits
        self._leaving = leaving
        self._dead_letters = dead_letters
        self._reads = reads
        self._imaging = imaging
        self._seen = seen
        self._addresses = addresses
        self._within_ms = within_ms
        self._exports = exports
        self._day = -1
        self.erasures = Erasures()

    def erase(
        self,
        person: str,
        name: str,
        salt: bytes,
        by: str,
        now_ms: int,
        names: Collection[str] = (),
        ids: MessageIds = (),
    ) -> Erasure | None:
        """Forget a person, durably; the copies of her are left to `step`. One who is forgotten changes nothing.

        None while she has other names than those that have been forgotten, waits for somebody who may be hers or for a
        total cap, while another shard is yet to hear something of her, or a destination that she has left.

        name   of the erasure, if it is a new one
        salt   for the hashes of this shard, if it has none yet
        by     the name of the key
        names  other names of hers, which the shards that own them have forgotten
        ids    messages that the shard of a name's owner has consumed under it: they are recognised here from now on
        """
        slot = self._slot_map.slot(person)
        if person in self._names.still or self._names_of(slot, person) - set(names):
            return None
        if self._peers.speaks_of({person, *names}) or self._withhold(slot, person, now_ms):
            return None
        known = self._again(slot, person)
        if known is not None:
            return known
        with self._commits.whole():
            work = self._commits.begin(now_ms)
            if not self.erasures.salt:
                self.erasures.salt = salt
                work.own.append((SALT, salt))
            salt = self.erasures.salt
            self._seen.take_over(work, ids)
            work.own += self._positions.forget({person, *names})
            came = [each for each in sorted(names) if not self._names.is_here(each)]
            with_her = {f"{name}.here{place}": person_hash(salt, each) for place, each in enumerate(came)}
            return self._commit_erasure(work, slot, person, name, salt, person_hash(salt, person), by, with_her)

    def _names_of(self, slot: int, person: str) -> Set[str]:
        data = self._slots[slot].profiles.get(person)
        identity = None if data is None else decode_profile(data).identity
        return frozenset() if identity is None else identity.names.keys()

    def _withhold(self, slot: int, person: str, now_ms: int) -> bool:
        """Have destinations told that she has left; False once none may have her any more."""
        data = self._slots[slot].profiles.get(person)
        synced = None if data is None else decode_profile(data).synced
        if not synced or all(each.is_over for each in synced.values()):
            return False
        if not all(each.withheld for each in synced.values()):
            with self._commits.whole():
                work = self._commits.begin(now_ms)
                self._leaving.withhold(work, slot, person)
                self._commits.commit(work)
        return True

    def erase_traces(
        self, slot: int, person: str, names: Collection[str], name: str, salt: bytes, by: str, now_ms: int
    ) -> bool:
        """Somebody of another shard was erased: messages of and to this one may have named her.

        False while one of this shard does that has not been answered.
        """
        if self._peers.speaks_of({person, *names}):
            return False
        if self._peers.has_spoken():
            with self._commits.whole():
                work = self._commits.begin(now_ms)
                work.own += self._positions.forget({person, *names})
                self._commit_erasure(work, slot, None, name, salt, person_hash(salt, person), by)
        return True

    def erase_again(self, slot: int, name: str, salt: bytes, hashed: bytes, now_ms: int) -> None:
        """Forget whoever has this hash in the slot: the store is of a day before she was erased."""
        if name in self.erasures.known:
            return
        people = self._slots[slot].profiles
        person = next((each for each in people if person_hash(salt, each) == hashed), None)
        with self._commits.whole():
            self._commit_erasure(self._commits.begin(now_ms), slot, person, name, salt, hashed, RESTORED)

    def _commit_erasure(
        self,
        work: Work,
        slot: int,
        person: str | None,
        name: str,
        salt: bytes,
        hashed: bytes,
        by: str,
        with_her: Mapping[str, bytes] = NOBODY_ELSE,
    ) -> Erasure:
        """with_her: the names, by their hashes, under which something was told here until they were merged into her."""
        if person is not None:
            self._forget(work, slot, person)
            work.facts = [_unnamed(fact, person, hashed) for fact in work.facts]  # looks that have waited
        record = self._commits.sequence + 1
        has_files = self._exports or self._commits.export.has_begun
        erasure = Erasure(name, salt, hashed, work.stamp_ms, record, exports=not has_files, sets=False)
        same = [replace(erasure, id=each, person=hashed) for each, hashed in with_her.items()]
        work.own += [entry_of(each) for each in (erasure, *same)]
        work.facts.append(Looked(work.stamp_ms, f"{AUDIT}{hashed.hex()}", by, "DELETE /people/{id}"))
        self._commits.commit(work)
        self.erasures.known |= {each.id: each for each in (erasure, *same)}
        return erasure

    def _again(self, slot: int, person: str) -> Erasure | None:
        """The erasure of somebody who has been forgotten, and of whom nothing has been heard since."""
        if person in self._slots[slot].profiles:
            return None
        through = self.erasures.forgotten_through(person)
        return next((each for each in self.erasures.under_way() if each.record == through), None)

    def _forget(self, work: Work, slot: int, person: str) -> None:
        data = self._slots[slot].profiles.get(person)
        if data is not None:
            identity = decode_profile(data).identity or Identity()
            work.erase(slot, person, stubs_of=identity.moved_to)
            self._names.let_go(person)
            work.inbox.append(InboxChange(work.stamp_ms, person, "", "reset"))
            work.untold += _ends(person, decode_profile(data).runs, work.stamp_ms)
        work.own += [self._dead_letters.drop(letter) for letter in self._dead_letters.of(person)]
        self._reads.forget(person, self._slots.own.profiles)
        self._reads.scans.forget(slot, person, self._slots.own.profiles)
        self._reads.saves.forget(person, self._slots.own.profiles)
        self._leaving.forget(work, slot, person)
        self._addresses.forget(work, slot, person)

    def told(self) -> Erased:
        """The erasures, for whoever writes exported files anew."""
        export = self._commits.export
        return Erased([*self.erasures.known.values()], export.offset, export.through)

    def untold_through(self, exported: int) -> int:
        """Through which record the journal need not be asked for anybody, where the export goes that far."""
        return max(0, exported - self._commits.export.offset)

    def exported(self, names: list[str], now_ms: int) -> None:
        """No exported file has anything of these erasures any more."""
        found = [self.erasures.known[name] for name in names if name in self.erasures.known]
        self._mark([(each, "exports") for each in found if not each.exports], now_ms)

    def rid_of_sets(self, names: list[str], now_ms: int) -> None:
        """No file of a campaign has anything of these erasures any more."""
        found = [self.erasures.known[name] for name in names if name in self.erasures.known]
        self._mark([(each, "sets") for each in found if not each.sets], now_ms)

    def step(self, now_ms: int) -> bool:
        """Do a part of what there is to do; returns whether to come again at once."""
        self._commits.check()
        under_way = [each for each in self.erasures.under_way() if not each.journal]
        if not under_way or self._peers.unanswered():  # a message may name her, and an image would keep it
            return False
        newest = max(each.record for each in under_way)
        if self._imaging.renew_before(newest, self._commits.sequence, IMAGES_MAX, self._commits.stamp_ms):
            self._commit(now_ms)
            return True
        self._mark([(each, "images") for each in under_way if not each.images], now_ms)
        if self._seen.through < newest:
            self._seen.want(newest)
            self._commit(now_ms)
            return True
        if self._day != (day := now_ms // DAY_MS):
            self._day = day
            self._commit(now_ms)  # by which facts lapse, where nothing else happens
        self._imaging.trim(newest, TRIMMED_MAX)
        trimmed = [each for each in under_way if each.record < self._store.oldest()]
        if trimmed:
            self._commit(now_ms)  # what has been trimmed is with the next record
            self._store.scrub()
            self._mark([(each, "journal") for each in trimmed], now_ms)
        return len(trimmed) < len(under_way) and self._imaging.trim(newest, 1)

    def _commit(self, now_ms: int) -> None:
        with self._commits.whole():
            self._commits.commit(self._commits.begin(now_ms), always=True)

    def _mark(self, done: list[tuple[Erasure, str]], now_ms: int) -> None:
        if not done:
            return
        with self._commits.whole():
            work = self._commits.begin(now_ms)
            for erasure, what in done:
                work.own.append(self.erasures.marked(self.erasures.known[erasure.id], **{what: True}))
            self._commits.commit(work, always=True)

    def troubles(self, now_ms: int) -> list[str]:
        """What holds up erasures that should be done by now. One that waits for facts to lapse is none.

        Exported files that nobody writes anew are told of at once.
        """
        waiting = [] if self._exports else [each for each in self.erasures.under_way() if not each.exports]
        late = [each for each in self.erasures.under_way() if now_ms - each.at > self._within_ms]
        held = {
            "images have to be renewed": any(not each.images for each in late),
            "the journal is not trimmed, which waits for the exporter or for a destination of facts": any(
                each.images and not each.journal for each in late if self._exports
            ),
            "exported files are not written anew": any(not each.exports for each in late if self._exports),
            "sets of campaigns are not written anew": any(not each.sets for each in late),
        }
        said = "; ".join(what for what, is_so in held.items() if is_so)
        told = [f"{len(late)} erasures are not done in time: {said}"] if said else []
        if waiting:
            told.append(
                f"{len(waiting)} erasures are not done: exported files may still have them, and without the extra "
                "`insight` nobody writes those anew; install it, and open the engine again"
            )
        return told


def _unnamed(fact: Fact, person: str, hashed: bytes) -> Fact:
    """The fact that somebody has looked, without her name if she is the person."""
    if isinstance(fact, Looked) and fact.person == person:
        return replace(fact, person=f"{AUDIT}{hashed.hex()}")
    return fact


def _ends(person: str, runs: Iterable[Run], at: int) -> list[Fact]:
    """That her runs end, for the totals only."""
    return [
        Moved(at, person, run.journey, run.version, run.number, run.step, "ended", "erased")
        for run in runs
        if run.step is not None
    ]
