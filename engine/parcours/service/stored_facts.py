"""The facts of a store as tables, exported or not, while no engine has it open; else those that are exported."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from parcours.campaigns.told_lines import told_lines
from parcours.config import Settings
from parcours.errors import SettingInvalid, StoreBusy
from parcours.expression.trees import Trees
from parcours.insight.exporter.done import facts_folder
from parcours.insight.exporter.rows import Telling
from parcours.insight.warehouse.opening import TailRows, check_extra, open_warehouse
from parcours.insight.warehouse.viewed import Viewed
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.journey.publish.publications import PublicationCompiler, published_project
from parcours.journey.read.secrets import resolve_secrets
from parcours.shard.closed_store import forgotten_of, not_exported, own_and_newest
from parcours.shard.export_state import export_of
from parcours.shard.published import stored_publications
from parcours.store.address import check_address, folder_of, open_store, shards_of
from parcours.store.campaign_files import CAMPAIGNS

if TYPE_CHECKING:
    from parcours.insight.warehouse.warehouse import Warehouse


@dataclass(frozen=True, slots=True)
class StoredFacts:
    """
    warehouse  to be closed
    left_out   what is missing in it, in words, a sentence each
    program    by which it is looked at; None where it is not known
    published  what is published in a store, whose words can be compiled; None where another project was named
    """

    warehouse: Warehouse
    left_out: tuple[str, ...]
    program: Program | None = None
    published: Project | None = None


def open_stored_facts(
    address: str,
    program: Program | None,
    folder: Path,
    environ: Mapping[str, str],
    *,
    stitch: bool = False,
    exported: bool = False,
) -> StoredFacts:
    """The facts of the store at this address.

    program   what declares events and says what was before a merge; None: what is published in the store
    folder    where the path of a secret begins
    environ   where its variable is
    stitch    whether all merges are followed
    exported  whether what is not exported yet is left out
    Raises SettingInvalid if there is no such store, ExtraMissing, CallerError, StoreBroken.
    """
    check_extra()
    check_address(address)
    tail, left_out = TailRows(), []
    published = None
    try:
        told, without = _read(address, folder, environ, tail)
        left_out += without if not exported else []
        if program is None and told is not None:
            program, published = told.program, told
        newer = None if exported else tail.tail()
    except StoreBusy:
        newer = None
        left_out.append("An engine uses the store: what it has not exported yet is left out.")
        if program is None:
            left_out.append(
                "Nor is it known what is published: there are no views of events, and merges are not followed."
            )
    viewed = Viewed() if program is None else Viewed.of(program)
    viewed = viewed.stitched() if stitch else viewed
    warehouse = open_warehouse(facts_folder(folder_of(address)), viewed, Settings(), newer)
    return StoredFacts(warehouse, tuple(left_out), program, published)


def _read(address: str, folder: Path, environ: Mapping[str, str], tail: TailRows) -> tuple[Project | None, list[str]]:
    """What is published, and what is missing in the tail. What no engine has open is known up to its newest record."""
    with ExitStack() as opened:
        stores = [opened.enter_context(closing(open_store(address, shard))) for shard in range(shards_of(address))]
        found = [(store, *own_and_newest(store)) for store in stores]
        known_ms = max(newest.stamp_ms for _, _, newest in found)
        published = stored_publications(found[0][1])
        if published is None:
            return None, []
        told = PublicationCompiler().program(published)
        secret, missing = _secret(told, folder, environ)
        for shard, (store, own, _) in enumerate(found):
            records = not_exported(store, own, export_of(own).through)
            tail.add(records, Telling.of(shard, told, secret), known_ms, forgotten_of(own))
        lies_in = folder_of(address)
        tail.add_outputs(facts_folder(lies_in), partial(told_lines, lies_in / CAMPAIGNS))
        return published_project(published, told, Trees()), missing


def _secret(program: Program, folder: Path, environ: Mapping[str, str]) -> tuple[str | None, list[str]]:
    """By what addresses are hashed, and what is to be said where it is not there."""
    if program.insight.secret is None:
        return None, []
    try:
        resolved = resolve_secrets({"secret": program.insight.secret}, folder, environ, "insight")["secret"]
    except SettingInvalid as error:
        return None, [f"Addresses of what is not exported yet are left out: {error}."]
    assert isinstance(resolved, str), "a reference stands for a text"
    return resolved, []
