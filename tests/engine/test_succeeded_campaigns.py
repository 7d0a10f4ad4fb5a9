"""Does an engine write anything of campaigns once another keeper has taken their files over?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.ingress.served import until
from tests.simulation.campaign_shop import campaign, project_in

from parcours import Engine, Settings
from parcours.campaigns.fence import Fence
from parcours.errors import StoreBusy

EVERYBODY: dict[str, Any] = {"id": "all", "read": {"where": "has(profile.email)"}}
LATER: dict[str, Any] = {"id": "later", "wait": "1s"}
MAIL: dict[str, Any] = {"id": "mail", "send": "news", "channels": ["email"]}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine with a campaign whose run waits for a second."""
    project = project_in(tmp_path / "shop", campaign(EVERYBODY, LATER, MAIL))
    settings = Settings(campaign_lead_ms=20)
    store = f"sqlite:///{tmp_path}/store"
    with Engine.open(project, store, runtime="local", records=["email", "sms"], settings=settings) as engine:
        engine.identify("u0", {"email": "u0@mail.example"})
        engine.drain(30)
        yield engine


def taken_over(tmp_path: Path) -> Mapping[Path, bytes]:
    """Every file of campaigns, once another keeper has taken them over."""
    folder = tmp_path / "store" / "campaigns"
    Fence(folder, epoch=9).take_over()
    return files(folder)


def files(folder: Path) -> Mapping[Path, bytes]:
    return {each: each.read_bytes() for each in folder.rglob("*.json")}


def test_no_run_begins(engine: Engine, tmp_path: Path) -> None:
    before = taken_over(tmp_path)

    with pytest.raises(StoreBusy, match="files of campaigns are kept under epoch 9; epoch 0 is over"):
        engine.run_campaign("push")

    assert files(tmp_path / "store" / "campaigns") == before


def test_a_run_under_way_comes_no_further(engine: Engine, tmp_path: Path) -> None:
    engine.run_campaign("push")
    until(lambda: "all" in engine.campaign("push").runs[0].steps, "the first step")
    before = taken_over(tmp_path)

    until(lambda: any("epoch 0 is over" in each for each in engine.troubles()), "that the run cannot go on")

    assert files(tmp_path / "store" / "campaigns") == before
