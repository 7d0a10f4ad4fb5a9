"""Resharding: a store for another number of shards, made slot by slot of one that no engine uses.

Whatever belongs to a person lies in her slot, so slots go as they are, and message ids by the slots in their keys. The
facts that only the journals have go to the shard that owns their person; what is exported is copied, and the new shards
number their records behind it. What shards keep for themselves is merged: what is published is the same for all, dead
letters go with their people, under new numbers, and erasures, all of them done, with their slots, so that whoever has
come back is not erased again by the log that is taken along. Places of routers are left out, for a router that has gone
asks for nothing again, and so are those of peers, for all their messages are answered. Of partitions of sources each
new shard knows what any has taken, for their lines may come to any. Totals are sums, so one shard has those of the
past; but each has its own runs that wait, since that is what it checks when it opens.

Facts get other numbers. So destinations of facts have to be told everything before, and go on with what comes next.

Files of campaigns are copied: runs that are over have their sets there, and one that has taken nobody along goes on.

The old store stays as it is. The new one is of either kind, and appears whole or not at all (store/making.py).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from heapq import merge
from operator import itemgetter
from pathlib import Path

import msgspec

from parcours.config import DAY_MS, Settings
from parcours.core.fact import Fact
from parcours.core.fact_block import decode_facts, encode_facts
from parcours.core.identity import SLOTS, SlotMap
from parcours.core.input_block import KeptInputs, decode_inputs, encode_inputs
from parcours.core.offers.lessons import OfferCounts
from parcours.core.profile import decode_profile
from parcours.core.totals import OTHER, FactCounter, Step, Totals
from parcours.errors import StoreBroken
from parcours.segment.line import read_envelope
from parcours.shard.archiving import KEEPS_INPUTS
from parcours.shard.campaigning import SLICES
from parcours.shard.closed_store import own_and_newest, own_of
from parcours.shard.dead_letters import PREFIX as LETTER
from parcours.shard.dead_letters import DeadLetter, entry_of, letters_of
from parcours.shard.erasures import PREFIX as ERASURE
from parcours.shard.erasures import SALT, Erasure, erasures_of
from parcours.shard.erasures import entry_of as entry_of_erasure
from parcours.shard.export_state import EXPORT, ExportEntry, encode_entry, export_of
from parcours.shard.fact_positions import FACTS_TO, FactPosition, entry_of_position, fact_positions_of, tells
from parcours.shard.ids.moving import NewMessages, StoredMessages, move_ids
from parcours.shard.ids.seen import SeenIds
from parcours.shard.ids.stored import ENTRY as MESSAGES
from parcours.shard.imaging import Imaging
from parcours.shard.lessons import LESSONS
from parcours.shard.offer_totals import TOTAL, name_of_offer
from parcours.shard.partitions import PAUSED
from parcours.shard.partitions import PREFIX as SOURCE
from parcours.shard.partitions import together as partitions_together
from parcours.shard.peers import MESSAGE, PEER
from parcours.shard.positions import PREFIX as ROUTER
from parcours.shard.published import STANDING, Standing, together
from parcours.shard.reads import KEPT, ReadsKept
from parcours.shard.recovery import recover
from parcours.shard.retention import DAYS
from parcours.shard.saving import SAVING, all_are_over
from parcours.shard.scans import AWAITED
from parcours.shard.slots import OWN, Slots
from parcours.shard.stored_stash import ASKING
from parcours.shard.totals import LINES, OFFERS, TOTALS, ShardTotals, StoredTotals
from parcours.store.address import known_address, made_for, open_store
from parcours.store.campaign_files import CampaignFiles
from parcours.store.erasure_log import LOG, add_to_log, read_log
from parcours.store.exports import copy_exports
from parcours.store.kept_files import files_in
from parcours.store.layout import Layout
from parcours.store.making import NewStore, new_store
from parcours.store.place import place_of
from parcours.store.shard_copy import backup_failed
from parcours.store.store import Record, Store

FACTS_MAX = 5_000
"""Facts in one record of the new store: about half a megabyte."""

KNOWN = frozenset({STANDING, TOTALS, LINES, OFFERS, DAYS, MESSAGES, EXPORT, KEEPS_INPUTS, SALT})
PREFIXES = (KEPT, AWAITED, SLICES, SAVING, ROUTER, SOURCE, PAUSED, PEER, LETTER, ERASURE, TOTAL, LESSONS, FACTS_TO)
"""The entries of a shard's own slot: whatever is added to them has to be shared out, too, or be left out on purpose, as
scans are, which end with every opening. Slices of campaigns are numbered for each shard, so while a run has such, a
store is not shared out anew; nor while people go through a save, and one that is over need not be known any more.
"""

UNFINISHED = (
    "something was begun in it and not finished: open it once with its engine, until `drain` returns, and close it"
)


def reshard(source: str, target: str, shards: int) -> None:
    """Make a store for so many shards at the target, where there is none yet, of the one at the source.

    Both are addresses of stores on disk or in PostgreSQL. The new one appears whole or not at all.
    Raises SettingInvalid, StoreBusy while an engine uses the store, StoreBroken if it is not whole, or if a change or
    a read of an audience is only half done in it.
    """
    place = place_of(known_address(source))
    found = made_for(source)
    layout, owners = Layout(found.project, shards), SlotMap(shards)
    with ExitStack() as opened:
        olds = [opened.enter_context(closing(open_store(source, shard))) for shard in range(found.shards)]
        owns = [own_of(old) for old in olds]
        shared = _shared(place.shown, owns)
        facts_to = _told_everything(place.shown, [*zip(olds, owns, strict=True)])
        if files_in(place.files):
            place_of(target).folder()
        with new_store(target, layout) as new:
            _fill([*zip(olds, owns, strict=True)], new, shared, owners, facts_to)
            if place.files is not None and new.files is not None:
                _copy_files(place.files, new.files, [export_of(own) for own in owns])


def _fill(
    olds: Sequence[tuple[Store, Mapping[str, bytes]]],
    target: NewStore,
    shared: Mapping[str, bytes],
    owners: SlotMap,
    facts_to: Mapping[str, FactPosition],
) -> None:
    """Fill the shards of the new store. With each old one come the entries of its own slot."""
    with ExitStack() as opened:
        news = [NewShard(opened.enter_context(closing(target.open(shard)))) for shard in range(owners.shards)]
        exports = [export_of(own) for _, own in olds]
        newest = [own_and_newest(old)[1].sequence for old, _ in olds]
        offset = max(export.offset + number for export, number in zip(exports, newest, strict=True))
        if all(export == ExportEntry() for export in exports):
            offset = 0  # there are no files whose names could be given again
        _move_facts([old for old, _ in olds], exports, news, owners)
        totals, offers = FactCounter(SLOTS * SLOTS, SLOTS * SLOTS), OfferCounts()
        for number, (old, _) in enumerate(olds):
            of_old = _move_slots(old, Slots(number, SlotMap(len(olds))), news, owners)
            totals.include(of_old.totals())
            offers.include(of_old.offers.tallies)
        messages = [StoredMessages(old, own) for old, own in olds]
        floor_ms = move_ids(messages, [new.messages for new in news], owners.owner)
        _deal_out([letters_of(own) for _, own in olds], news, owners)
        for name, data in (each for _, own in olds for each in own.items()):
            if name.startswith(TOTAL):
                news[owners.shard(name_of_offer(name.removeprefix(TOTAL)))].offers[name] = data
        for erasure in (each for _, own in olds for each in erasures_of(own).values()):
            news[owners.owner(erasure.slot)].erasures.append(msgspec.structs.replace(erasure, record=0))
        counted = {OFFERS: msgspec.msgpack.encode(offers.tallies)}  # sums need not lie with whom they are about
        for new, share in zip(news, _shares(totals.totals(), [new.waiting for new in news]), strict=True):
            own = {**shared, **counted, EXPORT: encode_entry(ExportEntry(offset=offset))}
            new.finish(own, share, floor_ms, facts_to)
            counted, facts_to = {}, dict.fromkeys(facts_to, FactPosition())


class NewShard:
    """One shard of the new store, while it is filled."""

    def __init__(self, store: Store) -> None:
        self.waiting: Counter[Step] = Counter()
        self.letters: list[DeadLetter] = []
        self.erasures: list[Erasure] = []
        self.offers: dict[str, bytes] = {}
        self._store = store
        self._epoch = store.acquire(None)
        self.messages = NewMessages(store, self._epoch)
        self._facts: list[Fact] = []
        self._days: dict[int, int] = {}
        self._newest = 0

    def add_fact(self, fact: Fact, stamp_ms: int) -> None:
        self._facts.append(fact)
        if len(self._facts) >= FACTS_MAX:
            self.write_record(stamp_ms)

    def write_record(self, stamp_ms: int, inputs: bytes = b"") -> None:
        """Write the facts that have been added, as a record, which there has to be for its stamp at least."""
        self._newest += 1
        facts = encode_facts(self._facts)
        self._store.append(Record(self._newest, self._epoch, stamp_ms, [], [], [], facts, inputs))
        self._facts = []
        self._days.setdefault(stamp_ms // DAY_MS, self._newest)

    def take(self, slots: Slots, number: int) -> None:
        """Take over a slot as it stands, once all facts are written."""
        for profile in map(decode_profile, slots[number].profiles.values()):
            self.waiting.update((run.journey, run.version, run.step) for run in profile.runs if run.step is not None)
        self._store.save_image(slots.image(number, self._newest))

    def finish(
        self, shared: Mapping[str, bytes], totals: Totals, floor_ms: int, facts_to: Mapping[str, FactPosition]
    ) -> None:
        """Write what the shard keeps for itself; message ids up to this time are forgotten.

        facts_to  by destination, what it has been told in all
        """
        slots = Slots(0, SlotMap(1))
        slots.own.profiles |= shared
        slots.own.profiles |= map(entry_of_erasure, self.erasures)
        slots.own.profiles |= self.offers
        slots.own.profiles |= [
            entry_of_position(name, msgspec.structs.replace(position, through=self._newest))
            for name, position in facts_to.items()
        ]
        slots.own.profiles |= [*map(entry_of, self.letters), self.messages.entry(self._newest, floor_ms)]
        slots.own.profiles[TOTALS] = msgspec.msgpack.encode(StoredTotals(self._newest, totals))
        slots.own.profiles[LINES] = msgspec.msgpack.encode(totals.lines)
        slots.own.profiles[DAYS] = msgspec.msgpack.encode(list(self._days.items()))
        self._store.save_image(slots.image(OWN, self._newest))


def _shared(source: str, owns: Sequence[Mapping[str, bytes]]) -> dict[str, bytes]:
    """What each shard of the new store has as well: what is published, and which reads have been made."""
    if any(name.startswith((MESSAGE, ASKING)) for own in owns for name in own):
        raise StoreBroken(f"the store {source} cannot be shared out anew now: {UNFINISHED}")
    unknown = {name for own in owns for name in own} - KNOWN
    unknown = {name for name in unknown if not name.isdigit() and not name.startswith(PREFIXES)}
    assert not unknown, f"nobody has said what becomes of {sorted(unknown)}"
    if any(not each.is_done for own in owns for each in erasures_of(own).values()):
        raise StoreBroken(f"the store {source} cannot be shared out anew now: somebody is being erased from it")
    published = together(owns)
    reads = [msgspec.msgpack.decode(own[KEPT], type=ReadsKept) if KEPT in own else ReadsKept() for own in owns]
    is_read = any(each.waiting or each.begun for each in reads)
    if any(name.startswith(SLICES) for own in owns for name in own):
        raise StoreBroken(
            f"the store {source} cannot be shared out anew now: a run of a campaign has people in it; open it with "
            "its engine until the run is over, or stop the campaign there"
        )
    if published is None or is_read or not all(map(all_are_over, owns)):
        raise StoreBroken(f"the store {source} cannot be shared out anew now: {UNFINISHED}")
    made = {name: read for each in reads for name, read in sorted(each.made.items(), key=lambda pair: pair[1].at)}
    missed = {name: max(each.missed.get(name, 0) for each in reads) for each in reads for name in each.missed}
    return {
        **published,
        **partitions_together(owns),
        **({KEEPS_INPUTS: owns[0][KEEPS_INPUTS]} if all(KEEPS_INPUTS in own for own in owns) else {}),
        KEPT: msgspec.msgpack.encode(ReadsKept(made=made, missed=missed)),
    }


def _told_everything(source: str, olds: Sequence[tuple[Store, Mapping[str, bytes]]]) -> dict[str, FactPosition]:
    """What destinations of facts have been told, over all shards. Raises StoreBroken where something is left."""
    found: dict[str, FactPosition] = {}
    for old, own in olds:
        for name, position in fact_positions_of(own).items():
            if any(map(tells, old.records(position.through))):
                raise StoreBroken(
                    f"the store {source} cannot be shared out anew now: the destination {name} has not been told of "
                    "everything; open it with its engine until `parcours_destination_lag_records` is 0, and close it, "
                    "or take the destination out of destinations.yaml first"
                )
            before = found.get(name, FactPosition())
            found[name] = FactPosition(
                rows=before.rows + position.rows,
                refused=before.refused + position.refused,
                let_go=before.let_go + position.let_go,
            )
    return found


def _move_facts(
    olds: Sequence[Store], exports: Sequence[ExportEntry], news: Sequence[NewShard], owners: SlotMap
) -> None:
    """Write all facts and kept inputs that are not exported, those of a person in their order.

    What is published changes for all shards in one instant: whatever came before it in one of them stays before it.
    """
    stamp_ms = 0
    journals = [_numbered(shard, old) for shard, old in enumerate(olds)]
    for _, shard, record in merge(*journals, key=itemgetter(0)):
        stamp_ms = record.stamp_ms
        if record.sequence <= exports[shard].exported:
            continue
        for fact in decode_facts(record.facts, f"record {record.sequence}"):
            news[owners.shard(fact.person)].add_fact(fact, stamp_ms)
        if record.inputs:
            for shard, kept in _dealt(record, owners).items():
                news[shard].write_record(stamp_ms, encode_inputs(kept))
    for new in news:
        new.write_record(stamp_ms)


def _copy_files(source: Path, target: Path, exports: Sequence[ExportEntry]) -> None:
    """Copy what the old store has in files, of what is exported as much as its shards know of. Raises BackupFailed."""
    through = {shard: export.through for shard, export in enumerate(exports)}
    try:
        copy_exports(source, target, through)
        CampaignFiles(source, target).copy_rest()
        add_to_log(target / LOG, read_log(source / LOG).values())
    except OSError as error:
        raise backup_failed(target, error) from error


def _numbered(shard: int, store: Store) -> Iterator[tuple[tuple[int, int], int, Record]]:
    """All records, of which the newest tells how far time is: each with its time and the change that it goes by."""
    change = 0
    for record in store.records():
        for slot, name, data in record.profiles:
            if slot == OWN and name == STANDING:
                change = msgspec.msgpack.decode(data, type=Standing).ledger.number
        yield (record.stamp_ms, change), shard, record


def _dealt(record: Record, owners: SlotMap) -> dict[int, KeptInputs]:
    """The kept lines of a record, by the shard that owns their person."""
    kept = decode_inputs(record.inputs, f"record {record.sequence}")
    dealt: dict[int, KeptInputs] = {}
    others = frozenset(kept.others)
    for place, line in enumerate(kept.lines):
        name = kept.names.get(place)
        shard = owners.shard(name or read_envelope(line).user_id or "")
        to = dealt.setdefault(shard, KeptInputs.none())
        to.add(line, name, is_event=place not in others, at=kept.times.get(place))
        to.whole = kept.whole
    return dealt


def _move_slots(old: Store, slots: Slots, news: Sequence[NewShard], owners: SlotMap) -> ShardTotals:
    """Give each slot of an old shard to its new one; returns the old one's totals."""
    settings = Settings()
    totals = ShardTotals(settings)
    recover(old, slots, SeenIds(slots.own, old, settings), totals, Imaging(slots, totals, old, settings))
    for number, slot in slots.owned.items():
        if slot.profiles or slot.outbox:  # an image takes two fsyncs, and most of a small store are empty
            news[owners.owner(number)].take(slots, number)
    return totals


def _deal_out(letters: Sequence[Mapping[int, DeadLetter]], news: Sequence[NewShard], owners: SlotMap) -> None:
    """Give each dead letter to the shard of its person, the oldest first."""
    for letter in sorted((each for of_shard in letters for each in of_shard.values()), key=lambda each: each.at):
        there = news[owners.shard(letter.person)].letters
        there.append(msgspec.structs.replace(letter, number=len(there) + 1))


def _shares(whole: Totals, waiting: Sequence[Mapping[Step, int]]) -> list[Totals]:
    """Totals that add up to the whole, with the waiting runs of each shard among its own."""
    counted = dict(whole.steps)
    shares = []
    elsewhere = defaultdict[Step, int](int)
    for of_shard in waiting[1:]:
        own = defaultdict[Step, int](int)
        for step, number in of_shard.items():
            own[step if step in counted else (OTHER, 0, "")] += number
        for step, number in own.items():
            elsewhere[step] += number
        shares.append(Totals(steps=sorted((step, (number, 0, 0)) for step, number in own.items())))
    rest = [(step, (inflow - elsewhere[step], on, ended)) for step, (inflow, on, ended) in whole.steps]
    return [msgspec.structs.replace(whole, steps=rest), *shares]
