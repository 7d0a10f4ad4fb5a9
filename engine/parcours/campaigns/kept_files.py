"""How long are files of campaigns kept? what is of no more use goes: sets of old runs, and the oldest runs.

Sets, what they were made of and what is said of people in them, are there to explain a run, and go
`campaign_sets_for_ms` after it was over. How far it was and what was told of it stays, `run.json`, for the newest runs
of each campaign. Whom runs took at steps that read `new` only stays too, for later runs ask for it.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from parcours.campaigns.run_place import PLACE, kept_runs

RUNS_KEPT_MAX: Final = 1_000
"""Runs of one campaign that are known once they are over; the oldest go with their sets. Each is some kilobytes."""


def drop_old(folder: Path, now_ms: int, sets_for_ms: int) -> None:
    """Take away what is too old in the folder of a campaign. Raises OSError."""
    over = [place for place in kept_runs(folder) if place.ended is not None]
    for place in over[:-RUNS_KEPT_MAX]:
        shutil.rmtree(folder / str(place.number))
    for place in over[-RUNS_KEPT_MAX:]:
        if place.ended is not None and now_ms - place.ended > sets_for_ms:
            _leave_alone(folder / str(place.number), PLACE)


def _leave_alone(folder: Path, name: str) -> None:
    for each in folder.iterdir():
        if each.is_dir():
            shutil.rmtree(each)
        elif each.name != name:
            each.unlink()
