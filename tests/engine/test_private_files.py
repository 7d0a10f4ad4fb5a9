"""What a store makes is read by its owner alone, whatever the process allows others."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.engine.canaries import PERSON, SETTINGS, done

from parcours.journey.project import Project
from parcours.service.engine import Engine
from parcours.shard.resharding import reshard
from parcours.store.door_note import NOTE, door_noted
from parcours.store.erasure_log import LOG


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def readable(*folders: Path) -> dict[str, str]:
    """What others than the owner may do something with, of these folders and all that is in them."""
    found = [each for folder in folders for each in (folder, *folder.rglob("*"))]
    modes = {str(each): stat.S_IMODE(each.stat().st_mode) for each in found}
    return {path: oct(mode) for path, mode in modes.items() if mode & 0o077}


@pytest.mark.usefixtures("open_umask")
def test_no_file_of_a_store_or_of_its_copies_is_for_others(tmp_path: Path, new_shop: Callable[..., Project]) -> None:
    below, backup, more = tmp_path / "var", tmp_path / "backup", tmp_path / "more"
    store = below / "shop"
    project = new_shop()
    with (
        Engine.open(
            project, f"sqlite:///{store}", shards=2, runtime="local", records=["email"], settings=SETTINGS
        ) as engine,
        door_noted(store, "http://127.0.0.1:8080"),
    ):
        for person in (PERSON, "u1"):
            engine.identify(person, {"email": f"{person}@mail.example"}).result()
            engine.track(person, "Started", {"cart": "c"}).result()
        engine.drain(30)
        done(engine, store, engine.erase(PERSON))
        engine.track("u1", "Bought", {}, message_id="m").result()
        engine.backup(backup)
        names = {each.name for each in store.rglob("*")}

        assert {LOG, NOTE, "layout.json", "shard-0000.journal.sqlite3-wal"} <= names
        assert {"facts", "shard-0000.slots"} <= names and any(each.endswith(".parquet") for each in names)
        assert readable(below, backup) == {}
    reshard(f"sqlite:///{backup}", f"sqlite:///{more}", 3)

    assert readable(below, backup, more) == {}


@pytest.mark.usefixtures("open_umask")
def test_what_was_there_keeps_its_permissions(tmp_path: Path, new_shop: Callable[..., Project]) -> None:
    (tmp_path / "store").mkdir(0o750)
    for _ in range(2):
        with Engine.open(
            new_shop(), f"sqlite:///{tmp_path}/store", shards=1, runtime="local", records=["email"]
        ) as engine:
            engine.identify("u1", {}).result()
        journal = tmp_path / "store" / "shard-0000.journal.sqlite3"
        journal.chmod(0o640)

    assert stat.S_IMODE(journal.stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "store").stat().st_mode) == 0o750
