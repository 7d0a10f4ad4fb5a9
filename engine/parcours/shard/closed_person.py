"""All that the store of a shard holds of one person, while no engine has it open; read only."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

from msgspec.structs import replace

from parcours.core.fact import Fact
from parcours.core.identity import SlotMap
from parcours.shard.closed_store import own_of
from parcours.shard.dead_letters import letters_of
from parcours.shard.erasures import Erasures
from parcours.shard.export_state import export_of
from parcours.shard.person_facts import facts_of, lines_of
from parcours.shard.person_requests import Held
from parcours.shard.persons import held_in
from parcours.shard.slots import Slots
from parcours.store.address import open_store, shards_of
from parcours.store.store import Record


@dataclass(frozen=True, slots=True)
class StoredPerson:
    """
    facts, lines  what is told of her that is not exported, as far back as the journal reaches
    """

    held: Held
    facts: list[Fact]
    lines: list[tuple[int, bytes]]


def read_all_of(address: str, person: str, exported: Mapping[int, int]) -> StoredPerson:
    """What the store at this address holds of the person.

    exported  by shard, up to which record facts are, by its number in the export
    Raises SettingInvalid if there is no such store, StoreBusy while an engine uses it.
    """
    slot_map = SlotMap(shards_of(address))
    number, slot = slot_map.shard(person), slot_map.slot(person)
    with closing(open_store(address, number)) as store:
        own = own_of(store)
        erasures = Erasures()
        erasures.restore(own)
        after = max(exported.get(number, 0) - export_of(own).offset, erasures.forgotten_through(person))
        slots = Slots(number, slot_map)
        if (image := store.image(slot)) is not None:
            slots.restore(image)
        letters = [letter for letter in letters_of(own).values() if letter.person == person]
        facts, lines = list[Fact](), list[tuple[int, bytes]]()
        for record in store.records():
            slots.replay(_of_slot(record, slot))
            if record.sequence > after:
                facts += facts_of(record, person)
                lines += lines_of(record, person)
        return StoredPerson(held_in(slots[slot], person, letters), facts, lines)


def _of_slot(record: Record, slot: int) -> Record:
    """The record as far as it changes this slot: the others need not lie in memory."""
    return replace(
        record,
        profiles=[each for each in record.profiles if each[0] == slot],
        outbox=[each for each in record.outbox if each[0] == slot],
        reached=[each for each in record.reached if each[0] == slot],
        addresses=[],
    )
