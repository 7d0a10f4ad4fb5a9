"""Everything that a store holds of one person while no engine has it open."""

from __future__ import annotations

from parcours.core.identity import person_asked_for
from parcours.insight.exporter.opening import recall_exported, recall_inputs
from parcours.service.person_record import PersonRecord
from parcours.shard.closed_person import read_all_of
from parcours.store.address import check_address, folder_of, shards_of


def stored_record(address: str, person: str) -> PersonRecord:
    """What the store at this address holds of whoever is asked for by this id or name.

    Raises SettingInvalid if there is no such store, StoreBusy while an engine uses it.
    """
    check_address(address)
    shards_of(address)
    name, folder = person_asked_for(person), folder_of(address)
    exported = recall_exported(folder, name)
    inputs = recall_inputs(folder, name, exported.through)
    stored = read_all_of(address, name, exported.through)
    facts, lines = [*exported.facts, *stored.facts], [*inputs.lines, *stored.lines]
    return PersonRecord(name, stored.held, facts, inputs.events, lines)
