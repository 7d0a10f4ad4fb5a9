"""A backup that one door makes, asked for at another one on the same store."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from parcours.errors import BackupFailed
from parcours.ingress.backup_notes import BackupJob, BackupNote, noted_job
from parcours.ingress.backups import FOLDER, Backups
from parcours.ingress.exchange import Problem


@pytest.mark.parametrize(
    "goes_wrong, state, why", [(False, "done", None), (True, "failed", "there is no room")], ids=["done", "failed"]
)
def test_each_door_tells_how_far_it_is(tmp_path: Path, goes_wrong: bool, state: str, why: str | None) -> None:
    async def scenario() -> None:
        going_on = asyncio.Event()

        async def back_up(_: Path) -> None:
            await going_on.wait()
            if goes_wrong:
                raise BackupFailed("there is no room")

        one, other = Backups(), Backups()
        name = one.begin("monday", tmp_path, back_up).job
        await asyncio.sleep(0)
        assert other.job(name, tmp_path).state == "running"
        going_on.set()
        for _ in range(10):  # it takes a few turns of the loop
            await asyncio.sleep(0)

        told = other.job(name, tmp_path)
        assert (told.state, told.why, told.folder) == (state, why, str(tmp_path / FOLDER / "monday"))
        for unknown in ("backup-2-monday", "backup-1-tuesday", "backup-1-../x", "none"):
            with pytest.raises(Problem, match="there is no such job"):
                other.job(unknown, tmp_path)

    asyncio.run(scenario())


def test_one_whose_door_has_ended_has_failed(tmp_path: Path) -> None:
    job = BackupJob(job="backup-1-monday", name="monday", folder=str(tmp_path / FOLDER / "monday"))
    note = BackupNote(job)
    assert noted_job(tmp_path / FOLDER, "monday") == job

    note.close(job)  # as the end of its process does, without a word of how it went

    found = noted_job(tmp_path / FOLDER, "monday")
    assert found is not None
    assert (found.state, found.why) == ("failed", "the door that had begun it has ended")
