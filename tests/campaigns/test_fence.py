"""Does a keeper that was succeeded leave alone what its successor keeps of campaigns?"""

from __future__ import annotations

from pathlib import Path

import pytest

from parcours.campaigns.campaign_place import CAMPAIGN, CampaignPlace, read_campaign
from parcours.campaigns.fence import Fence
from parcours.campaigns.run_folder import RunFolder, write_json
from parcours.campaigns.sets.whole_file import whole_file
from parcours.errors import StoreBusy


@pytest.fixture
def stale(tmp_path: Path) -> Fence:
    """The fence of a keeper that is frozen, and goes on later."""
    fence = Fence(tmp_path, epoch=7)
    fence.take_over()
    return fence


def keep(folder: Path, runs: int, fence: Fence) -> None:
    write_json(folder / "shop" / CAMPAIGN, CampaignPlace(0, runs), durable=True, fence=fence)


def test_what_it_writes_once_another_one_has_taken_over_does_not_count(tmp_path: Path, stale: Fence) -> None:
    keep(tmp_path, 1, stale)
    fence = Fence(tmp_path, epoch=8)
    fence.take_over()
    keep(tmp_path, 2, fence)

    with pytest.raises(StoreBusy, match="are kept under epoch 8; epoch 7 is over"):
        keep(tmp_path, 1, stale)

    assert read_campaign(tmp_path / "shop") == CampaignPlace(0, runs=2)
    assert [each.name for each in (tmp_path / "shop").iterdir()] == [CAMPAIGN], "nothing is left of the attempt"


def test_what_it_was_writing_when_another_one_took_over_does_not_count(tmp_path: Path, stale: Fence) -> None:
    path = tmp_path / "shop" / "1" / "sets" / "paid" / "main.parquet"

    with pytest.raises(FileNotFoundError):
        write_while_another_takes_over(path, stale, Fence(tmp_path, epoch=8))

    assert not path.exists()


def write_while_another_takes_over(path: Path, stale: Fence, successor: Fence) -> None:
    with whole_file(path) as unfinished:
        stale.check()
        unfinished.write_bytes(b"stale")
        successor.take_over()


def test_it_takes_away_nothing_that_its_successor_has_made(tmp_path: Path, stale: Fence) -> None:
    made = RunFolder(tmp_path / "shop" / "1", durable=True)
    made.sets("paid").mkdir(parents=True)
    Fence(tmp_path, epoch=8).take_over()

    with pytest.raises(StoreBusy):
        RunFolder(tmp_path / "shop" / "1", durable=True, fence=stale).clear("paid")

    assert made.sets("paid").exists()
