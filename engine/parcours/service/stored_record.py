"""What a store holds of one person, and tells of her, while no engine has it open."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from parcours.core.fact import Fact
from parcours.core.identity import person_asked_for
from parcours.insight.exporter.facts import Exported
from parcours.insight.exporter.inputs import ExportedInputs
from parcours.insight.exporter.opening import recall_exported, recall_inputs
from parcours.insight.whose_facts import Told, merged_names
from parcours.service.person_record import PersonRecord
from parcours.shard.closed_person import names_of, read_all_of
from parcours.store.address import check_address, files_of, shards_of


def stored_facts(address: str, person: str, *, used: bool) -> Told:
    """What the store at this address tells of whoever is asked for by this id or name.

    used  whether what was before a merge counts: otherwise nothing is read of it
    Raises SettingInvalid if there is no such store, StoreBusy while an engine uses it.
    """
    owner, *others = names_of(address, person_asked_for(person))
    names = others if used else []
    facts = _facts_under(address, [owner, *names])
    if used and (lost := merged_names(facts, owner).difference(names)):  # they were cut loose since
        facts = _facts_under(address, [owner, *names, *sorted(lost)])
    return Told.of(owner, names, facts, used=used)


def _facts_under(address: str, names: Sequence[str]) -> list[Fact]:
    exported = _exported(files_of(address), names)
    return [*exported.facts, *read_all_of(address, names, exported.through).facts]


def _exported(files: Path | None, names: Sequence[str]) -> Exported:
    return Exported([], {}) if files is None else recall_exported(files, *names)


def stored_record(address: str, person: str) -> PersonRecord:
    """What the store at this address holds of whoever is asked for by this id or name.

    Raises SettingInvalid if there is no such store, StoreBusy while an engine uses it.
    """
    check_address(address)
    shards_of(address)
    names, files = names_of(address, person_asked_for(person)), files_of(address)
    exported = _exported(files, names)
    inputs = ExportedInputs([], []) if files is None else recall_inputs(files, exported.through, *names)
    stored = read_all_of(address, names, exported.through)
    facts, lines = [*exported.facts, *stored.facts], [*inputs.lines, *stored.lines]
    return PersonRecord.of(names, stored.held, facts, inputs.events, lines)
