"""What is there to say of a store? The folder or the server where it lies, who uses it, and the folder of its files."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from parcours.arguments import folder_path
from parcours.cli.found import Found
from parcours.clock import SystemClock
from parcours.config import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Settings
from parcours.errors import ParcoursError, SettingInvalid
from parcours.store.address import known_address, layout_at, postgres_extra
from parcours.store.door_note import door_at
from parcours.store.files_trial import leave_trial, read_trial, remove_trial
from parcours.store.node_notes import NodeNote, leave_note
from parcours.store.place import StorePlace, how_to_name_files, place_of

COMMIT_MAX_MS: Final = 20.0
"""Slower than this, a shard makes fewer than fifty commits a second."""

NODES_SHOWN: Final = 20
"""Machines that are named in one line."""

CLOCKS_APART_MS: Final = 2 * SECOND_MS
"""A note from further in the future than this is of a clock that goes wrong, or is read by one."""

SESSIONS_BESIDE: Final = 5
"""Sessions beside those of shards: of whoever looks at a store, and makes it."""


def store_findings(address: str | None, files: str | None) -> Iterator[Found]:
    """Whether the store is there, and who uses it.

    files  the folder that the settings name
    """
    if address is None:
        if files is not None:
            yield from files_findings(folder_path("files", files).absolute())
        return
    place = place_of(address)
    if not place.is_durable:
        yield Found("warn", "store", f"{address} is gone when the process ends: sqlite:///FOLDER stays")
        return
    try:
        place = place_of(known_address(address, files))
        yield from _postgres_findings(place) if place.kind == "postgres" else _folder_findings(place)
    except SettingInvalid:
        raise
    except ParcoursError as error:
        yield Found("wrong", "store", str(error))
        return
    if place.files is not None and place.files.is_dir() and (door := door_at(place.files)) is not None:
        yield Found("note", "store", f"an engine uses it, and its door is at {door}")


def _folder_findings(place: StorePlace) -> Iterator[Found]:
    layout = layout_at(place.address)
    if layout is None:
        yield Found("note", "store", f"there is none in {place.folder()} yet")
    else:
        yield Found("fine", "store", f"{place.folder()} is that of {layout.project!r}, {layout.shards} shards")


def _postgres_findings(place: StorePlace) -> Iterator[Found]:
    with postgres_extra():
        from parcours.store.postgres.examining import examined

    server = examined(place.address)
    yield Found("fine", "server", f"PostgreSQL {server.version}, fsync is on, and so is synchronous_commit")
    if not server.whole_pages:
        told = "full_page_writes is off: a machine that loses its power may leave a page half-written"
        yield Found("warn", "server", told)
    slow = server.commit_ms > COMMIT_MAX_MS
    why = ": each batch of events waits for one, so bring the server nearer, or give it a faster disk"
    yield Found("warn" if slow else "fine", "server", f"a commit takes {server.commit_ms:.1f} ms{why if slow else ''}")
    shards = 0 if server.kept is None else server.kept.shards
    few = server.sessions < shards + SESSIONS_BESIDE
    told = f"max_connections leaves {server.sessions:,} sessions, {server.used:,} are in use, and each shard has one"
    yield Found("warn" if few else "fine", "server", told)
    if server.kept is None:
        yield Found("note", "store", f"there is none at {place.shown} yet")
    else:
        yield Found("fine", "store", f"{place.shown} is that of {server.kept.project!r}, {shards} shards")
    yield from files_findings(place.files)


def files_findings(folder: Path | None) -> Iterator[Found]:
    """Whether files can be kept in the folder of a store in PostgreSQL, and which machines see it."""
    if folder is None:
        told = f"the store has no folder for files: no campaigns, and facts lie in the journal; {how_to_name_files()}"
        yield Found("note", "files", told)
        return
    node = socket.gethostname()
    name = f"{node}-{os.getpid()}"
    now_ms = SystemClock(Settings().clock_jump_max_ms).now_ms()
    try:
        left = leave_trial(folder, name)
        found = read_trial(folder, name)
        remove_trial(folder, name)
        others = leave_note(folder, NodeNote(now_ms, node))
    except OSError as error:
        yield Found("wrong", "files", f"nothing can be kept in {folder}: {error.strerror or error}")
        return
    if found != left:
        yield Found("wrong", "files", f"what is written in {folder} does not come back as it was")
    else:
        yield Found("fine", "files", f"{folder} takes files and gives them back on this machine, {node}")
    yield from _nodes_findings(others, now_ms)


def _nodes_findings(others: list[NodeNote], now_ms: int) -> Iterator[Found]:
    """Which other machines have left a note in the folder of the files, and whether their clocks go alike."""
    if not others:
        told = "doctor has been run there on no other machine: run it on each, then here again, to see if they share it"
        yield Found("note", "files", told)
        return
    seen = ", ".join(f"{each.node} ({_ago(now_ms - each.at)})" for each in others[:NODES_SHOWN])
    more = f", and {len(others) - NODES_SHOWN} more" if len(others) > NODES_SHOWN else ""
    yield Found("fine", "files", f"doctor has been run there on {seen}{more}")
    for each in others:
        if each.at > now_ms + CLOCKS_APART_MS:
            apart = f"{(each.at - now_ms) / SECOND_MS:,.0f} s ahead of this one's"
            yield Found(
                "warn", "clock", f"the clock of {each.node} was {apart} when doctor was run there: one is wrong"
            )


def _ago(age_ms: int) -> str:
    for unit, name in ((DAY_MS, "d"), (HOUR_MS, "h"), (MINUTE_MS, "min")):
        if age_ms >= unit:
            return f"{age_ms // unit} {name} ago"
    return f"{max(0, age_ms) // SECOND_MS} s ago"
