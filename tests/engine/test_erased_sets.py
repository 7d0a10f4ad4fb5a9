"""Whoever is erased is in no file of a campaign afterwards, and in no step of a run that goes on without her."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest
from tests.engine.canaries import PERSON, done, found
from tests.engine.canaries import SETTINGS as EXPORTING
from tests.engine.test_campaigns import (
    EVERYBODY,
    MAIL,
    Step,
    filled,
    going_on,
    opened,
    over,
    person,
    runs_of,
    sent_to,
    until,
)
from tests.simulation.campaign_shop import BEGIN_MS, HOUR_MS, campaign, project_in

from parcours import Engine
from parcours.campaigns import people as campaign_people
from parcours.campaigns.sets.whole_file import hash_of
from parcours.clock import ManualClock
from parcours.core.fact import DeliveryReached
from parcours.journey.project import Project
from parcours.service.erasure import ErasureJob
from parcours.store.backup import copy_store
from parcours.store.erasure_log import LOG

SETTINGS = EXPORTING.model_copy(update={"campaign_lead_ms": 20, "campaign_ahead_ms": 200})

CANARIES = (b"canary-name", b"canary-mail", b"canary-wish")

PEOPLE = 9

TABLES = {
    "tables": {
        "wishes": {
            "file": "wishes.csv",
            "columns": {"mail": "string", "product": "string"},
            "person": "row.mail",
            "match": "email",
            "many": True,
        },
        "lines": {"file": "lines.csv", "columns": {"customer": "string", "total": "integer"}},
        "regulars": {
            "sql": "select customer, count(*) as n from lines group by 1",
            "columns": {"customer": "string", "n": "integer"},
            "person": "row.customer",
            "match": "userId",
        },
    }
}

EVERYTHING: list[Step] = [
    {"id": "new", "read": {"where": "has(profile.email)"}, "new": True},
    {"id": "cities", "dedupe": {"by": ["profile.city"], "order": [{"by": "profile.score", "highest": True}]}},
    {"id": "wished", "from": "new", "enrich": {"wishes": {"table": "wishes", "take": 2, "columns": ["product"]}}},
    {"id": "csv", "export": {"file": "list-{run}.csv", "columns": ["profile.email", "wishes"]}},
    {"id": "ndjson", "export": {"file": "list-{run}.ndjson", "columns": ["person", "profile.email"]}},
    {"id": "parquet", "export": {"file": "list-{run}.parquet", "columns": ["profile.email", "wishes"]}},
    {"id": "kept", "save": "best"},
    {"id": "rows", "read": {"table": "wishes", "where": 'row.product != "none"'}},
    {"id": "bought", "from": "new", "enrich": {"regular": {"table": "regulars", "take": "first"}}},
    MAIL | {"from": "wished"},
]


def shop(tmp_path: Path, *steps: Step, **more: Any) -> Project:
    folder = tmp_path / "shop"
    folder.mkdir(exist_ok=True)
    names = [*(f"u{number}" for number in range(PEOPLE)), "canary"]
    wishes = "".join(f"{name}@mail.example,{name}-wish-{n}\r\n" for name in names for n in (1, 2))
    (folder / "wishes.csv").write_text("mail,product\r\n" + wishes.replace("canary@", "canary-mail@"))
    lines = "".join(f"{name},7\n" for name in names)
    (folder / "lines.csv").write_text("customer,total\n" + lines.replace("canary", PERSON))
    return project_in(folder, campaign(*steps, **more), tables=TABLES)


def store_with_everybody(tmp_path: Path, project: Project, shards: int = 2, **more: Any) -> Engine:
    engine = opened(project, f"sqlite:///{tmp_path / 'store'}", shards=shards, settings=SETTINGS, **more)
    filled(engine, PEOPLE)
    engine.identify(PERSON, {"email": "canary-mail@mail.example", "score": 2, "city": "Paris"}).result()
    return engine


def others() -> list[str]:
    return [f"u{number}" for number in range(PEOPLE)]


def mails_to(engine: Engine, name: str, step: str) -> int:
    facts = engine.facts(name)
    return sum(isinstance(each, DeliveryReached) and each.outcome == "sent" and each.step == step for each in facts)


def test_no_byte_of_her_is_left_in_sets_tables_and_exports(tmp_path: Path) -> None:
    project, folder = shop(tmp_path, *EVERYTHING), tmp_path / "store"
    with store_with_everybody(tmp_path, project) as engine:
        engine.run_campaign("push")
        over(engine)
        engine.drain(30)
        run = folder / "campaigns" / "push" / "1"
        planted = [{path.partition("/")[0] for path, _ in found(each, CANARIES)} for each in (folder, run)]
        assert {"campaigns", "exports"} <= planted[0] and planted[1] == {"people", "tables", "links", "sets"}

        job = done(engine, folder, engine.erase(PERSON))

        assert job.rows[-1].done
        assert found(folder, CANARIES) == set()
        assert engine.troubles() == []

        assert pq.read_table(run / "sets" / "wished" / "main.parquet").column("person").to_pylist() == others()
        for table, rows in (("wishes", 2 * PEOPLE), ("lines", PEOPLE), ("regulars", PEOPLE)):
            told = msgspec.json.decode((run / "tables" / f"{table}.json").read_bytes())
            assert (told["rows"], told["hash"]) == (rows, hash_of(run / "tables" / f"{table}.parquet"))
        lines = (folder / "exports" / "list-1.csv").read_text().splitlines()
        mails = [line.partition(",")[0] for line in lines]
        assert mails == ["profile.email", *(f"{name}@mail.example" for name in others())]
        assert len((folder / "exports" / "list-1.ndjson").read_text().splitlines()) == PEOPLE
        assert pq.read_table(folder / "exports" / "list-1.parquet").num_rows == PEOPLE

        engine.identify(PERSON, {"email": "back@mail.example"}).result()
        engine.run_campaign("push")
        assert over(engine, number=2).steps["new"].outputs == {"main": 1}, "she is somebody new"


def test_a_run_goes_on_without_her(tmp_path: Path) -> None:
    project, folder = shop(tmp_path, EVERYBODY, {"id": "later", "wait": "2s"}, MAIL), tmp_path / "store"
    with store_with_everybody(tmp_path, project) as engine:
        engine.run_campaign("push")
        until(lambda: runs_of(engine, PERSON))
        job = engine.erase(PERSON)
        over(engine)

        assert engine.profile(PERSON) is None
        assert sent_to(engine, PEOPLE, "mail") == others()
        done(engine, folder, job)
        assert found(folder, CANARIES) == set()


@pytest.mark.parametrize("comes_back", [False, True])
def test_slices_that_are_handed_over_again_without_her_miss_nobody_and_make_nobody_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, comes_back: bool
) -> None:
    monkeypatch.setattr(campaign_people, "SLICE_PEOPLE", 3)
    project, folder = shop(tmp_path, EVERYBODY, MAIL | {"rate": "1/s"}), tmp_path / "store"
    with store_with_everybody(tmp_path, project, shards=1) as engine:
        engine.run_campaign("push")
        until(lambda: runs_of(engine, "u2"))  # by their names the erased one is the first, and two slices are taken
        engine.pause_campaign("push")
        assert runs_of(engine, "u5") == (), "she is in the third slice, and in the second without the erased one"
        job = engine.erase(PERSON)
        until(lambda: sets_are_free_of(engine, job))
        if comes_back:
            engine.identify(PERSON, {"email": "back@mail.example"}).result()

    with opened(project, f"sqlite:///{folder}", shards=1, settings=SETTINGS) as engine:
        engine.resume_campaign("push")
        over(engine)
        engine.drain(30)
        done(engine, folder, job)

        assert [name for name in others() for _ in range(mails_to(engine, name, "mail"))] == others()
        assert (engine.profile(PERSON) is not None) == comes_back
        assert not comes_back or (mails_to(engine, PERSON, "mail") == 0 and not person(engine, PERSON).runs)
        assert comes_back or found(folder, CANARIES) == set()


def test_waves_that_come_after_an_erasure_miss_nobody(tmp_path: Path) -> None:
    """By their names the erased one is the first, so that without her everybody is at another place of the set."""
    project, clock = shop(tmp_path, EVERYBODY, MAIL | {"waves": {"parts": 5, "every": "1h"}}), ManualClock(BEGIN_MS)
    with store_with_everybody(tmp_path, project, clock=clock) as engine:
        engine.run_campaign("push")
        with going_on(clock):
            until(lambda: sum(mails_to(engine, name, "mail") for name in [PERSON, *others()]) == 2)
            job = engine.erase(PERSON)
            until(lambda: sets_are_free_of(engine, job))
        for wave in range(1, 5):
            clock.move_to(clock.now_ms() + HOUR_MS)
            reach(engine, clock, 2 * wave)
        with going_on(clock):
            run = over(engine, despite="is not exported yet")

        assert run.state == "done"
        assert [name for name in others() for _ in range(mails_to(engine, name, "mail"))] == others()


def reach(engine: Engine, clock: ManualClock, least: int) -> None:
    """Let time pass until so many mails have gone to others than the erased one."""
    with going_on(clock):
        until(lambda: sum(mails_to(engine, name, "mail") for name in others()) >= least)


def sets_are_free_of(engine: Engine, job: ErasureJob) -> bool:
    told = engine.erasure(job.id)
    return told is not None and told.rows[-1].done


def test_whoever_was_erased_after_a_backup_is_in_no_set_of_what_is_restored(tmp_path: Path) -> None:
    project = shop(tmp_path, *EVERYTHING)
    folder, backup, restored = (tmp_path / each for each in ("store", "backup", "restored"))
    with store_with_everybody(tmp_path, project) as engine:
        engine.run_campaign("push")
        over(engine)
        engine.backup(backup)
        engine.erase(PERSON)
    copy_store(backup, restored, lambda *_: None)
    (restored / LOG).write_bytes((folder / LOG).read_bytes())
    assert found(restored / "campaigns", CANARIES) and found(restored / "exports", CANARIES)

    with opened(project, f"sqlite:///{restored}", shards=2, settings=SETTINGS) as engine:
        until(lambda: not found(restored / "campaigns", CANARIES) | found(restored / "exports", CANARIES))
        assert engine.troubles() == []


def test_a_save_that_is_under_way_goes_on_without_her(tmp_path: Path) -> None:
    project, folder = shop(tmp_path, EVERYBODY, {"id": "kept", "save": "best"}), tmp_path / "store"
    with store_with_everybody(tmp_path, project) as engine:
        engine.run_campaign("push")
        job = engine.erase(PERSON)
        over(engine)
        engine.drain(30)
        done(engine, folder, job)

        assert [name for name in others() if "best" in person(engine, name).audiences] == others()
        assert engine.profile(PERSON) is None and found(folder, CANARIES) == set()
