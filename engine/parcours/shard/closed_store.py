"""The store of a shard that no engine has open, read only: what is published, and totals.

The shard itself is not opened, for that would write: it takes a new epoch, and calls ambiguous whatever was claimed.
Nothing that the store holds changes. StoreBusy is raised while an engine uses the store, whose files nothing else may
open at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from parcours.config import Settings
from parcours.core.identity import SlotMap
from parcours.core.totals import FactCounter, Totals
from parcours.journey.publish.publications import Publications
from parcours.shard.erasures import Erasures
from parcours.shard.export_state import ExportEntry, export_of
from parcours.shard.ids.moving import StoredMessages
from parcours.shard.messages import ExportRecord
from parcours.shard.published import stored_publications
from parcours.shard.slots import OWN
from parcours.shard.totals import ShardTotals
from parcours.store.address import open_store, shards_of
from parcours.store.campaign_files import told_through
from parcours.store.exports import CAMPAIGNS_SHARD, copy_exports
from parcours.store.shard_copy import backup_failed
from parcours.store.sqlite import SqliteStore
from parcours.store.store import Record, Store


@dataclass(frozen=True, slots=True)
class StoredShard:
    """What the store of one shard holds.

    publications  None in a store in which nothing has been published
    """

    publications: Publications | None
    totals: Totals
    stamp_ms: int


def read_shard_of(address: str, project: str, name: str) -> StoredShard:
    """The shard in whose slots this name is. Raises SettingInvalid if there is no such store of the project."""
    return _read(address, SlotMap(shards_of(address, project)).shard(name))


def read_shards(address: str) -> Iterable[StoredShard]:
    """All shards of a store, one by one. Raises SettingInvalid if there is no such store."""
    return (_read(address, number) for number in range(shards_of(address)))


def sum_of(shards: Iterable[StoredShard]) -> Totals:
    """The totals of all people."""
    settings = Settings()
    counter = FactCounter(settings.totals_max, settings.reasons_max)
    for shard in shards:
        counter.include(shard.totals)
    return counter.totals()


def own_of(store: Store) -> dict[str, bytes]:
    """The entries of a shard's own slot."""
    return own_and_newest(store)[0]


def own_and_newest(store: Store) -> tuple[dict[str, bytes], Record]:
    """The entries of a shard's own slot, and its newest record, number 0 where there is none."""
    image = store.image(OWN)
    through = 0 if image is None else image.sequence
    own = {} if image is None else dict(image.profiles)
    newest = Record(0, 0, 0, [], [], [], b"")
    for newest in store.records(after=max(0, through - 1)):  # that of the image is the newest where none follows
        if newest.sequence > through:
            own.update((name, data) for slot, name, data in newest.profiles if slot == OWN)
    return {name: data for name, data in own.items() if data}, newest


def not_exported(store: Store, own: Mapping[str, bytes], through: int) -> Iterator[ExportRecord]:
    """The records of a shard that tell anything and come after the export, which goes through this one; by their
    numbers there.
    """
    offset = export_of(own).offset
    for record in store.records(max(0, through - offset)):
        if record.facts or record.inputs:
            yield ExportRecord(record.sequence + offset, record.stamp_ms, record.facts, record.inputs)


def forgotten_of(own: Mapping[str, bytes]) -> Callable[[str], int]:
    """Asks through which record nothing is told of a person any more, by its number in the export; 0 for most."""
    erasures, offset = Erasures(), export_of(own).offset
    erasures.restore(own)

    def forgotten(person: str) -> int:
        through = erasures.forgotten_through(person)
        return through + offset if through else 0

    return forgotten


def copy_exports_of(source: Path, target: Path, shards: int, opened: Callable[[int], Store] | None = None, /) -> None:
    """Copy what is exported from a store's folder into that of its copy, as far as shards and campaigns there know it.

    opened  opens a shard of the copy, where it is no store in the target folder
    Raises BackupFailed.
    """
    through = {}
    for shard in range(shards):
        with closing(SqliteStore(target, shard) if opened is None else opened(shard)) as store:
            through[shard] = export_of(own_of(store)).through
    try:
        through[CAMPAIGNS_SHARD] = told_through(target)
        copy_exports(source, target, through)
    except OSError as error:
        raise backup_failed(target, error) from error


def exported_of(store: Store) -> ExportEntry:
    """How far a shard's export is."""
    return export_of(own_of(store))


def tells(store: Store, first: int, last: int) -> bool:
    """Whether any of these records tells something to be exported, as far as the journal still has them."""
    records = takewhile(lambda record: record.sequence <= last, store.records(max(0, first - 1)))
    return any(record.facts or record.inputs for record in records)


def check_messages(store: Store) -> None:
    """Read all message ids that a shard remembers. Raises StoreBroken if a file is missing or not as it was written."""
    StoredMessages(store, own_of(store)).check()


def _read(address: str, number: int) -> StoredShard:
    with closing(open_store(address, number)) as store:
        return _read_store(store)


def _read_store(store: Store) -> StoredShard:
    """One pass over what of the journal is newer than the own slot's image."""
    image = store.image(OWN)
    through = 0 if image is None else image.sequence
    own = {} if image is None else dict(image.profiles)
    totals, stamp_ms = ShardTotals(Settings()), 0
    totals.restore(own)
    for record in store.records(after=max(0, through - 1)):  # the newest has the stamp
        stamp_ms = record.stamp_ms
        if record.sequence > through:
            own.update((name, data) for slot, name, data in record.profiles if slot == OWN)
        totals.replay(record, own)
    totals.restored(own)
    return StoredShard(stored_publications(own), totals.totals(), stamp_ms)
