"""A backup in the middle of a run of a campaign: what is restored from it goes on, and everybody is sent once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.engine.test_campaigns import (
    EVERYBODY,
    MAIL,
    SOON,
    Step,
    filled,
    going_on,
    opened,
    over,
    sent_to,
    sizes,
    until,
)
from tests.simulation.campaign_shop import BEGIN_MS, campaign, project_in

from parcours import Settings
from parcours.campaigns import people as campaign_people
from parcours.clock import ManualClock
from parcours.errors import StoreBroken
from parcours.shard.closed_store import copy_exports_of
from parcours.shard.resharding import reshard
from parcours.store.backup import copy_store

PEOPLE = 40

EXPORT: Step = {"id": "list", "export": {"file": "list-{run}.csv", "columns": ["person", "profile.email"]}}


def everybody() -> list[str]:
    return [f"u{number}" for number in range(PEOPLE)]


def test_a_run_that_waits_goes_on_in_what_is_restored_and_where_it_was(tmp_path: Path) -> None:
    steps: list[Step] = [EVERYBODY, EXPORT, {"id": "later", "wait": "2s"}, MAIL]
    project = project_in(tmp_path / "shop", campaign(*steps))
    with opened(project, f"sqlite:///{tmp_path / 'store'}", shards=2) as engine:
        filled(engine, PEOPLE)
        engine.run_campaign("push")
        until(lambda: engine.profile("u1").runs)  # type: ignore[union-attr]  # it has been made known
        engine.backup(tmp_path / "backup")
        over(engine)
        assert sorted(sent_to(engine, PEOPLE, "mail")) == sorted(everybody())
    copy_store(tmp_path / "backup", tmp_path / "restored", copy_exports_of)

    with opened(project, f"sqlite:///{tmp_path / 'restored'}", shards=2) as engine:
        run = over(engine)

        assert sizes(run)["mail.main"] == PEOPLE
        assert sorted(sent_to(engine, PEOPLE, "mail")) == sorted(everybody())
        assert engine.troubles() == []
    lists = [(tmp_path / each / "exports" / "list-1.csv").read_bytes() for each in ("store", "backup", "restored")]
    assert lists[0] == lists[1] == lists[2]


@pytest.mark.parametrize("sent_before", [1, 15, 30])
def test_a_run_that_hands_over_slices_goes_on_behind_the_last_one_that_shards_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent_before: int
) -> None:
    """Time stands still from that many mails on until the backup is made."""
    monkeypatch.setattr(campaign_people, "SLICE_PEOPLE", 3)
    clock = ManualClock(BEGIN_MS)
    more: dict[str, Any] = {"settings": Settings(campaign_lead_ms=20, campaign_ahead_ms=100), "clock": clock}
    slowly = MAIL | {"rate": "20/s"}
    again: Step = MAIL | {"id": "again", "from": "mail"}
    project = project_in(tmp_path / "shop", campaign(EVERYBODY, slowly, again, hours=-9))
    with opened(project, f"sqlite:///{tmp_path / 'store'}", shards=2, **more) as engine:
        filled(engine, PEOPLE)
        engine.run_campaign("push")
        with going_on(clock):
            until(lambda: len(sent_to(engine, PEOPLE, "mail")) >= sent_before)
        assert len(sent_to(engine, PEOPLE, "mail")) < PEOPLE, "people were being handed over"
        engine.backup(tmp_path / "backup")
        with going_on(clock):
            over(engine)
        assert sorted(sent_to(engine, PEOPLE, "mail")) == sorted(everybody())

    with opened(project, f"sqlite:///{tmp_path / 'backup'}", shards=2, **more) as engine, going_on(clock):
        over(engine)

        assert sorted(sent_to(engine, PEOPLE, "mail")) == sorted(everybody())
        assert sorted(sent_to(engine, PEOPLE, "again")) == sorted(everybody())


def test_a_store_is_shared_out_anew_once_runs_are_over_with_all_that_they_keep(tmp_path: Path) -> None:
    project = project_in(tmp_path / "shop", campaign(EVERYBODY, EXPORT, {"id": "kept", "save": "best"}, MAIL))
    waiting = project_in(tmp_path / "waits", campaign(EVERYBODY, {"id": "later", "wait": "1h"}, MAIL))
    with opened(project, f"sqlite:///{tmp_path / 'store'}", shards=2) as engine:
        filled(engine, PEOPLE)
        engine.run_campaign("push")
        over(engine)
        engine.drain(30)
    with opened(waiting, f"sqlite:///{tmp_path / 'waiting'}", shards=2) as engine:
        filled(engine, 3)
        engine.run_campaign("push")
        until(lambda: engine.profile("u1").runs)  # type: ignore[union-attr]  # it has been made known

    with pytest.raises(StoreBroken, match="a run of a campaign has people in it"):
        reshard(f"sqlite:///{tmp_path / 'waiting'}", f"sqlite:///{tmp_path / 'no'}", 3)
    reshard(f"sqlite:///{tmp_path / 'store'}", f"sqlite:///{tmp_path / 'more'}", 3)

    with opened(project, f"sqlite:///{tmp_path / 'more'}", shards=3, settings=SOON) as engine:
        assert sizes(engine.campaign("push").runs[0])["mail.main"] == PEOPLE
        assert engine.run_campaign("push") == 2
        assert sizes(over(engine, number=2))["kept.main"] == PEOPLE
        assert engine.troubles() == []
    assert (tmp_path / "more" / "exports" / "list-1.csv").exists()
