"""Whoever is erased is in no answer at once, and then in no byte of the store's folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.engine.canaries import PERSON, SETTINGS, done, found

from parcours.journey.project import Project
from parcours.service.engine import Engine
from parcours.shard.resharding import reshard
from parcours.store.backup import copy_store
from parcours.store.erasure_log import LOG

NewShop = Callable[..., Project]


@pytest.fixture
def project(new_shop: NewShop) -> Project:
    return new_shop()


def open_in(folder: Path, project: Project, shards: int = 2) -> Engine:
    address = f"sqlite:///{folder}"
    return Engine.open(project, address, shards=shards, runtime="local", records=["email"], settings=SETTINGS)


def live(engine: Engine) -> None:
    """Some people have lives, of which every field of one is a canary, and say that she is they."""
    for person in (PERSON, "u1", "u2"):
        words = "canary" if person == PERSON else "other"
        engine.identify(person, {"email": f"{words}-mail@mail.example", "note": f"{words}-trait"}).result()
        for event in ("Seen", "Started", "Bought"):
            properties = {"cart": "c", "page": f"{words}-property"}
            engine.track(person, event, properties, message_id=f"{words}-message-{event}").result()
    for person in ("u1", "u2"):
        engine.ingest([{"type": "alias", "userId": person, "previousId": PERSON}]).result()
    engine.drain(30)


def test_no_byte_of_her_is_left_in_the_folder(tmp_path: Path, project: Project) -> None:
    folder = tmp_path / "store"
    with open_in(folder, project) as engine:
        live(engine)
        assert found(folder)

        job = engine.erase(PERSON, by="ada")

        assert not job.done and job.lapses_at is None
        assert engine.profile(PERSON) is None and engine.facts(PERSON) == []
        assert engine.explain(PERSON).journeys[0].runs == ()
        assert [row.what for row in done(engine, folder, job).rows if not row.done] == []
        assert found(folder) == set()
        assert engine.facts("u1") and engine.facts(PERSON) == []
        assert engine.troubles() == []
    assert found(folder) == set()


def test_it_goes_on_after_the_engine_was_opened_again(tmp_path: Path, project: Project) -> None:
    folder = tmp_path / "store"
    with open_in(folder, project) as engine:
        live(engine)
        job = engine.erase(PERSON)
    with open_in(folder, project) as engine:
        assert engine.profile(PERSON) is None and engine.facts(PERSON) == []
        assert done(engine, folder, job).done
    assert found(folder) == set()


def test_a_store_for_another_number_of_shards_has_the_log_and_does_not_erase_whoever_came_back(
    tmp_path: Path, project: Project
) -> None:
    folder, backup, more, restored = (tmp_path / each for each in ("store", "backup", "more", "restored"))
    with open_in(folder, project) as engine:
        live(engine)
        engine.backup(backup)
        job = done(engine, folder, engine.erase(PERSON))
        engine.identify(PERSON, {"email": "new@mail.example"}).result()

    reshard(f"sqlite:///{folder}", f"sqlite:///{more}", 3)

    assert (more / LOG).read_bytes() == (folder / LOG).read_bytes()
    with open_in(more, project, 3) as engine:
        person = engine.profile(PERSON)
        assert person is not None and person.traits["email"] == "new@mail.example"
        assert engine.facts(PERSON) and engine.erasure(job.id) == job
        again = engine.erase(PERSON)
        assert engine.profile(PERSON) is None and done(engine, more, again).done
    assert len((more / LOG).read_bytes().splitlines()) == 3
    copy_store(backup, restored, lambda *_: None)
    (restored / LOG).write_bytes((more / LOG).read_bytes())
    with open_in(restored, project) as engine:
        assert engine.profile(PERSON) is None and engine.profile("u1") is not None


def test_whoever_was_erased_after_a_backup_is_erased_from_what_is_restored(tmp_path: Path, project: Project) -> None:
    folder, backup, restored = tmp_path / "store", tmp_path / "backup", tmp_path / "restored"
    with open_in(folder, project) as engine:
        live(engine)
        engine.backup(backup)
        engine.erase(PERSON)
    log = (folder / LOG).read_bytes()
    assert b"canary" not in log and len(log.splitlines()) == 2, "a line of each shard that may have named her"

    copy_store(backup, restored, lambda *_: None)
    (restored / LOG).write_bytes(log)
    with open_in(restored, project) as engine:
        assert engine.profile(PERSON) is None and engine.profile("u1") is not None
        assert engine.facts(PERSON) == []
        engine.identify(PERSON, {"email": "new@mail.example"}).result()
    with open_in(restored, project) as engine:
        assert engine.profile(PERSON) is not None, "she is somebody new, and is not erased each time"
    line, _ = (restored / LOG).read_text().splitlines()
    assert json.loads(line)["id"]
