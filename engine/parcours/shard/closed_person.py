"""All that a store holds of one person, while no engine has it open; read only.

A name that was merged into her is followed: the shard of the name knows who has it. Each shard that has something of
hers is read once, however many names she has there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from dataclasses import replace as replaced

from msgspec.structs import replace

from parcours.core.fact import Fact
from parcours.core.identity import SlotMap
from parcours.core.profile import Profile, decode_profile, name_alone
from parcours.shard.closed_store import own_and_newest, own_of
from parcours.shard.dead_letters import letters_of
from parcours.shard.erasures import Erasures
from parcours.shard.export_state import export_of
from parcours.shard.person_facts import facts_of, lines_of
from parcours.shard.person_requests import Held
from parcours.shard.persons import held_in
from parcours.shard.slots import Slots
from parcours.store.address import open_store, shards_of
from parcours.store.store import Record, Store


@dataclass(frozen=True, slots=True)
class StoredPerson:
    """
    held          of each of her names, in the order in which they were given
    facts, lines  what is told of her that is not exported, as far back as journals reach
    """

    held: list[Held]
    facts: list[Fact]
    lines: list[tuple[int, bytes]]


def names_of(address: str, name: str) -> list[str]:
    """The name under which the person of this name lives in the store at this address, and then her others.

    Raises SettingInvalid if there is no such store, StoreBusy while an engine uses it.
    """
    slot_map = SlotMap(shards_of(address))
    data = _profile_data(address, slot_map, name)
    alone = None if data is None else name_alone(data)
    if alone is not None and alone.moved_to is not None:
        name = alone.moved_to
        data = _profile_data(address, slot_map, name)
    identity = None if data is None else decode_profile(data).identity
    return [name, *sorted(identity.names if identity is not None else ())]


def profile_at_end(address: str, name: str) -> tuple[Profile | None, int]:
    """What the store at this address knows of the person who lives under this name, None if nothing, and the time of
    the newest record of her shard, in ms. Raises as `names_of`.
    """
    slot_map = SlotMap(shards_of(address))
    data = _profile_data(address, slot_map, name)
    with closing(open_store(address, slot_map.shard(name))) as store:
        return None if data is None else decode_profile(data), own_and_newest(store)[1].stamp_ms


def is_known(address: str, name: str) -> bool:
    """Whether the store at this address has a profile under this name. Raises as `names_of`."""
    return _profile_data(address, SlotMap(shards_of(address)), name) is not None


def read_all_of(address: str, names: Sequence[str], exported: Mapping[int, int]) -> StoredPerson:
    """What the store at this address holds under these names, which are one person's, the one where she lives first.

    exported  by shard, up to which record facts are, by its number in the export
    Raises as `names_of`.
    """
    slot_map = SlotMap(shards_of(address))
    found = StoredPerson([], [], [])
    held: dict[str, Held] = {}
    for number in dict.fromkeys(map(slot_map.shard, names)):
        with closing(open_store(address, number)) as store:
            here = [name for name in names if slot_map.shard(name) == number]
            told = names if number == slot_map.shard(names[0]) else here
            held |= _read(store, Slots(number, slot_map), here, told, exported.get(number, 0), found)
    return replaced(found, held=[held[name] for name in names])


def _read(
    store: Store, slots: Slots, here: Sequence[str], told: Sequence[str], exported: int, found: StoredPerson
) -> dict[str, Held]:
    """What the store of a shard holds under the names that are `here`; it adds what is told under others, too."""
    own = own_of(store)
    erasures = Erasures()
    erasures.restore(own)
    exported -= export_of(own).offset
    after = {name: max(exported, erasures.forgotten_through(name)) for name in told}
    places = {slots.slot_map.slot(name) for name in here}
    for place in places:
        if (image := store.image(place)) is not None:
            slots.restore(image)
    for record in store.records():
        slots.replay(_of_slots(record, places))
        told_of = [name for name in told if record.sequence > after[name]]
        found.facts.extend(facts_of(record, told_of))
        found.lines.extend(lines_of(record, told_of))
    letters = [*letters_of(own).values()]
    return {
        name: held_in(slots[slots.slot_map.slot(name)], name, [each for each in letters if each.person == name])
        for name in here
    }


def _profile_data(address: str, slot_map: SlotMap, name: str) -> bytes | None:
    """What lies in the slot of a name."""
    slot = slot_map.slot(name)
    with closing(open_store(address, slot_map.owner(slot))) as store:
        image = store.image(slot)
        data = None if image is None else dict(image.profiles).get(name)
        for record in store.records(0 if image is None else image.sequence):
            for place, each, after in record.profiles:
                if (place, each) == (slot, name):
                    data = after
        return data or None


def _of_slots(record: Record, slots: Collection[int]) -> Record:
    """The record as far as it changes these slots: the others need not lie in memory."""
    return replace(
        record,
        profiles=[each for each in record.profiles if each[0] in slots],
        outbox=[each for each in record.outbox if each[0] in slots],
        reached=[each for each in record.reached if each[0] in slots],
        addresses=[],
    )
