"""What is there of a run's sets: asked of its folder, by whoever makes them and by who only looks."""

from __future__ import annotations

from pathlib import Path

from parcours.campaigns.fence import Fence
from parcours.campaigns.run_folder import RunFolder
from parcours.campaigns.sets.engine import GAVE_WAY
from parcours.campaigns.sets.plain_sets import found_in
from parcours.campaigns.step_words import RunWords
from parcours.journey.campaign_steps import SetRef


class KeptSets:
    """The sets of one run, in a folder of its own. Methods raise OSError."""

    def __init__(self, folder: Path, *, durable: bool = True, fence: Fence | None = None) -> None:
        self._folder = RunFolder(folder, durable=durable, fence=fence)

    def words(self) -> RunWords | None:
        """What is said of people in them, None where no sets are kept any more."""
        return self._folder.words()

    def made_at(self, step: str) -> int | None:
        """As of when a step has been made, in ms; None as long as it has not."""
        record = self._folder.record(step)
        return None if record is None else record.at_ms

    def is_chosen(self, step: str) -> bool:
        """Whether people have been chosen for an output of a step, whose sets were not known when it was made."""
        return bool(self._folder.choices(step))

    def has(self, ref: SetRef, person: str) -> bool:
        """Whether somebody is in a set; nobody is in one that was skipped, or for which nobody was chosen yet."""
        path = self._folder.file_if_any(ref)
        return path is not None and found_in(path, person, "person") is not None

    def gave_way_to(self, step: str, person: str) -> str | None:
        """To whom somebody has given way in a step that keeps one of equal ones; None if she has not."""
        path = self._folder.sets(step) / f"{GAVE_WAY}.parquet"
        return found_in(path, person, "winner") if path.exists() else None
