"""How long files of campaigns are kept, whose they are, and what becomes of those that a crash has cut off."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.engine.test_campaigns import EVERYBODY, MAIL, SOON, filled, opened, over, runs_of, sent_to, sizes, until
from tests.engine.test_private_files import open_umask, readable
from tests.simulation.campaign_shop import campaign, project_in

from parcours.campaigns.kept_files import RUNS_KEPT_MAX, drop_old
from parcours.campaigns.run_folder import WORDS, write_json
from parcours.campaigns.run_place import PLACE, RunPlace, kept_runs
from parcours.clock import MS_NS
from parcours.config import DAY_MS
from parcours.journey.project import Project

__all__ = ["open_umask"]

KEPT_MS = SOON.campaign_sets_for_ms


class Ahead:
    """The machine's clock, so much ahead."""

    ahead_ms = 0

    def now_ms(self) -> int:
        return time.time_ns() // MS_NS + self.ahead_ms


@pytest.fixture
def project(tmp_path: Path) -> Project:
    new = EVERYBODY | {"new": True}
    listed = {"id": "list", "export": {"file": "list-{run}.csv", "columns": ["person"]}}
    return project_in(tmp_path / "shop", campaign(new, listed, {"id": "kept", "save": "best"}, MAIL))


def folders_of(run: Path) -> set[str]:
    return {each.name for each in run.iterdir() if each.name != PLACE}


def test_sets_go_a_while_after_their_run_was_over_and_what_is_told_of_it_stays(
    tmp_path: Path, project: Project
) -> None:
    clock, runs, address = Ahead(), tmp_path / "store" / "campaigns" / "push", f"sqlite:///{tmp_path / 'store'}"
    with opened(project, address, clock=clock) as engine:
        filled(engine, 3)
        engine.run_campaign("push")
        before = over(engine)
        clock.ahead_ms = KEPT_MS - DAY_MS
        time.sleep(1.5)  # it is looked after within a second of a day
        assert {"people", "sets"} <= folders_of(runs / "1")

        clock.ahead_ms += 2 * DAY_MS
        until(lambda: not folders_of(runs / "1"))

        assert engine.campaign("push").runs[0] == before
        engine.run_campaign("push")
        until(lambda: engine.campaign("push").runs[1].state == "done")
        assert sizes(engine.campaign("push").runs[1])["all.main"] == 0, "whom the first run took is known on"
        assert {"people", "sets"} <= folders_of(runs / "2")
        assert (tmp_path / "store" / "exports" / "list-1.csv").exists()
    clock.ahead_ms += KEPT_MS + DAY_MS
    with opened(project, address, clock=clock):
        until(lambda: not folders_of(runs / "2"))


def test_of_many_runs_the_newest_are_known_and_those_under_way(tmp_path: Path) -> None:
    last = RUNS_KEPT_MAX + 5
    for number in range(1, last + 1):
        ended = None if number == 2 else 10
        place = RunPlace("push", 1, number, 0, state="done", ended=ended)
        write_json(tmp_path / str(number) / PLACE, place, durable=False)

    drop_old(tmp_path, 20, 100)

    assert [each.number for each in kept_runs(tmp_path)] == [2, *range(6, last + 1)]


def test_what_a_crash_has_cut_off_goes_when_the_store_is_opened(tmp_path: Path) -> None:
    waiting = project_in(tmp_path / "shop", campaign(EVERYBODY, {"id": "later", "wait": "1s"}, MAIL))
    store = tmp_path / "store"
    run = store / "campaigns" / "push" / "1"
    with opened(waiting, f"sqlite:///{store}") as engine:
        filled(engine, 3)
        engine.run_campaign("push")
        until(lambda: runs_of(engine, "u1"))
    left = [
        run / "people" / "1.parquet.0a0b0c0d.unfinished",
        run / ".scratch" / "mail" / "values.parquet",
        run / ".spill" / "duckdb_temp_block-1.block",
        store / "campaigns" / ".spill" / "duckdb_temp_block-1.block",
        store / "campaigns" / "push" / "earlier" / "all" / "1.parquet.0a0b0c0d.unfinished",
        store / "exports" / "list.csv.0a0b0c0d.unfinished",
    ]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("half")

    with opened(waiting, f"sqlite:///{store}") as engine:
        over(engine)

        assert sent_to(engine, 3, "mail") == ["u0", "u1", "u2"]
        assert [path for path in left if path.exists()] == []
        assert folders_of(run) == {"people", "sets", WORDS}


@pytest.mark.usefixtures("open_umask")
def test_no_file_of_a_campaign_is_for_others(tmp_path: Path, project: Project) -> None:
    store, backup = tmp_path / "var" / "store", tmp_path / "backup"
    with opened(project, f"sqlite:///{store}", shards=2) as engine:
        filled(engine, 3)
        engine.run_campaign("push")
        over(engine)
        engine.backup(backup)

        names = {each.name for each in backup.rglob("*")}
        assert {"run.json", "main.parquet", "list-1.csv", "saves.json", "made.json"} <= names
        assert readable(tmp_path / "var", backup) == {}
