"""Is a backup of a running engine a store that goes on where the engine stood, and does the engine not mind?"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest

from parcours import BackupFailed, CallerError, Engine, EngineClosed, Project, Service, SettingInvalid, StoreBroken
from parcours.config import Settings
from parcours.journey.model.document import EventsDocument, JourneyDocument, ProfileDocument, ProjectDocument
from parcours.service.person import Person
from parcours.shard.closed_store import copy_exports_of
from parcours.store.backup import check_shard, copy_store

SHARDS = 2
SETTINGS = Settings(journal_bytes_max=20_000)
"""Soon each commit renews images, too."""


def project(wait: str = "9d") -> Project:
    waiting = {"journey": "j", "entry": {"event": "Ping"}, "steps": [{"id": "w", "wait": wait}]}
    return Project.of(
        ProjectDocument(project="shop"),
        ProfileDocument(),
        events=EventsDocument.model_validate({"events": {"Ping": {}}}),
        journeys=[JourneyDocument.model_validate(waiting)],
    )


def open_in(folder: Path, shop: Project | None = None) -> Engine:
    return Engine.open(shop or project(), f"sqlite:///{folder}", shards=SHARDS, runtime="local", settings=SETTINGS)


def pings(numbers: Iterable[int]) -> list[dict[str, str]]:
    return [{"type": "track", "event": "Ping", "userId": f"u{each}", "messageId": f"m{each}"} for each in numbers]


def people(engine: Engine, numbers: Iterable[int]) -> list[Person | None]:
    return [engine.profile(f"u{each}") for each in numbers]


def test_what_is_restored_is_the_same_and_goes_on(tmp_path: Path) -> None:
    with open_in(tmp_path / "store") as engine:
        engine.ingest(pings(range(200))).result()
        engine.pause_journey("j")
        engine.ingest(pings(range(200, 300))).result()

        engine.backup(tmp_path / "backup")

        known, journeys = people(engine, range(300)), engine.journeys()
        engine.ingest(pings(range(300, 400))).result()
    copy_store(tmp_path / "backup", tmp_path / "restored", copy_exports_of)

    with open_in(tmp_path / "restored") as restored:
        assert people(restored, range(300)) == known
        assert people(restored, range(300, 400)) == [None] * 100
        assert restored.journeys() == journeys
        again = restored.ingest(pings(range(400))).result()
        assert (again.duplicate, again.accepted) == (300, 100)
        restored.resume_journey("j")
        assert restored.track("u900", "Ping").result().accepted == 1
        assert [run.step for run in restored.profile("u900").runs] == ["w"]  # type: ignore[union-attr]


def test_a_backup_under_load_loses_nothing_that_was_acknowledged_before(tmp_path: Path) -> None:
    acknowledged, stop = [0], threading.Event()
    with open_in(tmp_path / "store") as engine:

        def load() -> None:
            while not stop.is_set():
                first = acknowledged[0]
                assert engine.ingest(pings(range(first, first + 50))).result().accepted == 50
                acknowledged[0] = first + 50

        loading = threading.Thread(target=load)
        loading.start()
        try:
            kept = []
            for number in range(3):
                while acknowledged[0] < 1_000 * (number + 1):
                    engine.troubles()  # it goes on meanwhile
                kept.append(acknowledged[0])
                engine.backup(tmp_path / f"backup-{number}")
        finally:
            stop.set()
            loading.join()
        assert engine.troubles() == []

    for number, before in enumerate(kept):
        folder = tmp_path / f"backup-{number}"
        found = [check_shard(folder, shard) for shard in range(SHARDS)]
        assert [each.wrong for each in found] == [None] * SHARDS
        assert all(each.images for each in found)
        with open_in(folder) as restored:
            assert restored.ingest(pings(range(before))).result().duplicate == before
            assert all(person is not None and person.runs for person in people(restored, range(0, before, 7)))


def test_no_change_of_what_is_published_is_half_in_a_backup(tmp_path: Path) -> None:
    stop = threading.Event()
    with open_in(tmp_path / "store") as engine:
        engine.ingest(pings(range(50))).result()

        def change() -> None:
            while not stop.is_set():
                engine.pause_journey("j")
                engine.resume_journey("j")

        changing = threading.Thread(target=change)
        changing.start()
        try:
            for number in range(2):
                engine.backup(tmp_path / f"backup-{number}")
        finally:
            stop.set()
            changing.join()

    for number in range(2):
        with open_in(tmp_path / f"backup-{number}") as restored:
            assert restored.track("u1", "Ping").result().accepted == 1


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup" / "letter.txt").write_text("dear operator")

    with open_in(tmp_path / "store") as engine, pytest.raises(SettingInvalid, match="backup is not empty"):
        engine.backup(tmp_path / "backup")

    assert [path.name for path in (tmp_path / "backup").iterdir()] == ["letter.txt"]


def test_a_folder_that_cannot_be_made_is_named_and_the_engine_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with open_in(tmp_path / "store") as engine:
        with pytest.raises(BackupFailed, match="file.* cannot be used"):
            engine.backup(tmp_path / "file" / "backup")

        assert engine.track("u1", "Ping").result().accepted == 1


def test_a_store_in_memory_and_what_is_no_path_are_refused(tmp_path: Path) -> None:
    with Engine.open(project(), "memory:", runtime="local") as engine:
        with pytest.raises(CallerError, match="the store memory: lies in memory and has no backup"):
            engine.backup(tmp_path / "backup")
        with pytest.raises(CallerError, match=r"backup\(5\): the path of a folder is expected"):
            engine.backup(5)  # type: ignore[arg-type]  # what a caller without types does
    with pytest.raises(EngineClosed):
        engine.backup(tmp_path / "backup")

    assert not (tmp_path / "backup").exists()


def test_closing_waits_for_a_backup_that_is_under_way(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = f"sqlite:///{tmp_path / 'store'}"
        service = Service.open(project(), store, shards=SHARDS, runtime="local")
        await service.start()
        await service.ingest(pings(range(50)))
        making = asyncio.create_task(service.backup(tmp_path / "backup"))
        await asyncio.sleep(0)  # it has begun

        await service.close()

        await making

    asyncio.run(scenario())
    with open_in(tmp_path / "backup") as restored:
        assert restored.ingest(pings(range(50))).result().duplicate == 50


def test_an_engine_whose_store_is_moved_away_acknowledges_nothing_until_it_is_back(tmp_path: Path) -> None:
    with open_in(tmp_path / "store") as engine:
        engine.ingest(pings(range(50))).result()
        (tmp_path / "store").rename(tmp_path / "elsewhere")
        waiting = engine.ingest(pings(range(50, 100)))
        while sum("no store in" in each for each in engine.troubles()) < SHARDS:
            assert not waiting.done()
        assert not (tmp_path / "store").exists()  # nothing is begun anew

        (tmp_path / "elsewhere").rename(tmp_path / "store")

        assert waiting.result().accepted == 50
    with open_in(tmp_path / "store") as engine:
        assert engine.ingest(pings(range(100))).result().duplicate == 100


def test_the_store_of_a_shard_that_lost_its_files_is_refused_before_anybody_is_nobody(tmp_path: Path) -> None:
    with open_in(tmp_path / "store") as engine:
        engine.ingest(pings(range(50))).result()
    (tmp_path / "store" / "shard-0000.journal.sqlite3").unlink()

    with pytest.raises(StoreBroken, match=r"shard-0000\.journal.* the file is missing"):
        open_in(tmp_path / "store")
