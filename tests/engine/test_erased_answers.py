"""Whoever was erased is in no answer from then on, however long rows of hers still lie in files or in the journal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.engine.behaviour import eventually
from tests.engine.canaries import PERSON, SETTINGS, done, found, look_again
from typer.testing import CliRunner

from parcours.cli import build
from parcours.clock import ManualClock
from parcours.config import DAY_MS, HOUR_MS, Settings
from parcours.insight.exporter.opening import recall_exported
from parcours.journey.project import Project
from parcours.service import opening
from parcours.service.engine import Engine
from parcours.service.stored_record import stored_record
from parcours.shard.resharding import reshard
from parcours.simulation.store_inputs import write_inputs
from parcours.store.backup import copy_store
from parcours.store.exports import ERASED, FACTS

NewShop = Callable[..., Project]

PEOPLE = {"canary": PERSON, "other": "u1"}
"""By their words."""


@pytest.fixture
def shop(shop_folder: Path) -> Path:
    """The shop, which keeps inputs."""
    settings = shop_folder / "parcours.yaml"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"insight": {"events": "all", "inputs": True}}))
    return shop_folder


def open_in(folder: Path, shop: Path, settings: Settings = SETTINGS) -> Engine:
    address = f"sqlite:///{folder}"
    return Engine.open(Project.load(shop), address, runtime="local", records=["email"], settings=settings)


def live(engine: Engine, *words: str) -> None:
    for word in words:
        engine.identify(PEOPLE[word], {"email": f"{word}-mail@mail.example"}).result()
        engine.track(PEOPLE[word], "Seen", {"page": f"{word}-property"}).result()
    engine.drain(30)


def exported_store(folder: Path, shop: Path) -> None:
    """Both have lived, and what was told of it is exported."""
    with open_in(folder, shop) as engine:
        live(engine, *PEOPLE)
        eventually(lambda: all(recall_exported(folder, each).facts for each in PEOPLE.values()), "the export")


def erased_store(folder: Path, shop: Path) -> None:
    """And then one was erased, of whom no file is rid yet."""
    exported_store(folder, shop)
    with open_in(folder, shop) as engine:
        engine.erase(PERSON)
    assert any(path.endswith(".parquet") for path, _ in found(folder))


def test_an_engine_tells_nothing_of_what_is_exported_and_all_of_somebody_new(tmp_path: Path, shop: Path) -> None:
    folder = tmp_path / "store"
    erased_store(folder, shop)
    with open_in(folder, shop) as engine:
        assert engine.record(PERSON) is None and engine.facts(PERSON) == []
        assert engine.explain(PERSON).journeys[0].runs == ()

        live(engine, "canary")
        new = engine.record(PERSON)
        other = engine.record("u1")

    assert new is not None and other is not None
    assert len(new.lines) == len(other.lines) == 2
    assert [fact.__struct_config__.tag for fact in new.facts] == [fact.__struct_config__.tag for fact in other.facts]


def test_nor_does_anybody_who_reads_the_store_once_it_is_closed(tmp_path: Path, shop: Path) -> None:
    folder, address, out = tmp_path / "store", f"sqlite:///{tmp_path}/store", tmp_path / "inputs.ndjson"
    erased_store(folder, shop)

    assert recall_exported(folder, PERSON).facts == [] and recall_exported(folder, "u1").facts
    assert not stored_record(address, PERSON).is_anything
    assert stored_record(address, "u1").lines
    told = CliRunner().invoke(build(), ["explain", str(shop), PERSON, "--store", address])
    assert told.exit_code == 1 and "Nothing happened to" in told.output, told.output
    assert CliRunner().invoke(build(), ["explain", str(shop), "u1", "--store", address]).exit_code == 0
    write_inputs(address, out)
    assert b"other-property" in out.read_bytes() and b"canary" not in out.read_bytes()


def test_nor_of_what_the_journal_alone_has(tmp_path: Path, shop: Path) -> None:
    folder, address, out = tmp_path / "store", f"sqlite:///{tmp_path}/store", tmp_path / "inputs.ndjson"
    with open_in(folder, shop, Settings(export_every_ms=HOUR_MS)) as engine:
        live(engine, *PEOPLE)
        engine.erase(PERSON)
    assert not recall_exported(folder, "u1").facts

    assert not stored_record(address, PERSON).is_anything
    assert stored_record(address, "u1").lines
    write_inputs(address, out)
    assert b"other-property" in out.read_bytes() and b"canary" not in out.read_bytes()


def test_it_is_noted_beside_the_files_by_a_hash_for_as_long_as_they_have_anything_of_her(
    tmp_path: Path, shop: Path
) -> None:
    folder, copy = tmp_path / "store", tmp_path / "copy"
    noted = folder / FACTS / ERASED
    exported_store(folder, shop)
    with open_in(folder, shop) as engine:
        job = engine.erase(PERSON)
        (note,) = noted.glob("*")
        assert note.stem == job.id and b"canary" not in note.read_bytes()
        engine.backup(tmp_path / "backup")
        copy_store(tmp_path / "backup", copy, lambda *_: None)
        assert recall_exported(copy, PERSON).facts == [], "a copy has the note, too"
        done(engine, folder, job)
        look_again(engine)
        eventually(lambda: not any(noted.glob("*")), "the end of the note")
    with open_in(copy, shop) as engine:
        assert engine.facts(PERSON) == [] and engine.facts("u1")


def test_without_the_exporter_she_is_in_no_answer_and_the_job_names_the_day_on_which_facts_lapse(
    tmp_path: Path, new_shop: NewShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "can_export", lambda _: False)
    folder, clock = tmp_path / "store", ManualClock(100 * DAY_MS)
    with Engine.open(new_shop(), f"sqlite:///{folder}", runtime="local", records=["email"], clock=clock) as engine:
        live(engine, *PEOPLE)
        assert engine.facts(PERSON)

        job = engine.erase(PERSON)

        assert engine.facts(PERSON) == [] and engine.record(PERSON) is None and engine.profile(PERSON) is None
        assert engine.explain(PERSON).journeys[0].runs == () and engine.facts("u1")
        assert job.lapses_at == (100 + 90) * DAY_MS
        eventually(lambda: _rows(engine, job.id)["images"], "the images")
        eventually(lambda: _rows(engine, job.id)[SETS], "the files of campaigns, of which there are none")
        assert _rows(engine, job.id) == {
            "profile, inbox, outbox, dead letters, addresses reached": True,
            "images": True,
            "journal": False,
            "exported facts and inputs": True,
            SETS: True,
        }
        clock.move_to(150 * DAY_MS)
        assert not any("eras" in each for each in engine.troubles()), "it is on its way"
        assert found(folder)
        clock.move_to(191 * DAY_MS)
        live(engine, "other")

        def is_done() -> bool:
            look_again(engine)
            return all(_rows(engine, job.id).values())

        eventually(is_done, "the end of it")
        told = engine.erasure(job.id)
        assert told is not None and told.lapses_at is None
        assert found(folder) == set()


def test_files_that_an_engine_with_the_exporter_has_left_keep_an_erasure_open_and_are_a_trouble(
    tmp_path: Path, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "store"
    exported_store(folder, shop)
    with monkeypatch.context() as without:
        without.setattr(opening, "can_export", lambda _: False)
        with open_in(folder, shop) as engine:
            job = engine.erase(PERSON)
            look_again(engine)
            eventually(lambda: _rows(engine, job.id)["images"], "the images")

            assert _rows(engine, job.id)["exported facts and inputs"] is False
            (trouble,) = [each for each in engine.troubles() if "eras" in each]
            assert "1 erasures are not done: exported files may still have them" in trouble and "`insight`" in trouble
            assert engine.facts(PERSON) == [] and engine.facts("u1")
        assert any(path.startswith(FACTS) for path, _ in found(folder))

    with open_in(folder, shop) as engine:
        assert not any("eras" in each for each in engine.troubles())
        assert done(engine, folder, job).done
    assert found(folder) == set()


def test_what_was_never_exported_has_no_files_after_a_store_was_shared_out_anew_either(
    tmp_path: Path, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "can_export", lambda _: False)
    with open_in(tmp_path / "store", shop) as engine:
        live(engine, *PEOPLE)
    reshard(f"sqlite:///{tmp_path / 'store'}", f"sqlite:///{tmp_path / 'more'}", 2)

    with open_in(tmp_path / "more", shop) as engine:
        job = engine.erase(PERSON)

        assert _rows(engine, job.id)["exported facts and inputs"] is True
        assert not any("eras" in each for each in engine.troubles())


SETS = "campaigns: sets, copied tables, exported lists"


def _rows(engine: Engine, job: str) -> dict[str, bool]:
    told = engine.erasure(job)
    assert told is not None
    return {row.what: row.done for row in told.rows}
