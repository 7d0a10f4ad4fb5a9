"""Who is in the audiences that campaigns save, as the newest save has left each.

    AUDIENCE/saves.json         the number of the newest save that holds, and of the one under way
    AUDIENCE/N.parquet          who is in it once save number N holds
    AUDIENCE/N-entered.parquet  who enters by it, and N-left.parquet who leaves

Shards know it of each person; this is for telling them who changes. A save is prepared, told to shards, and noted once
it holds; what is prepared again is the same. One save of an audience goes on at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from parcours.campaigns.fence import Fence
from parcours.campaigns.run_folder import read_json, write_json
from parcours.campaigns.sets.database import Workspace
from parcours.campaigns.sets.members import write_difference, write_members
from parcours.campaigns.sets.plain_sets import names_of, write_nobody
from parcours.journey.campaign_steps import SavingMode

SAVES: Final = "saves.json"


class SavesMade(msgspec.Struct, frozen=True):
    """
    number     of the newest save that holds; 0 as long as there was none
    under_way  the one that has been prepared and may hold already in shards (campaign, run and step), "" without one
    """

    number: int = 0
    under_way: str = ""


class Change:
    """Who enters and who leaves an audience by a save, in the order of their names."""

    def __init__(self, entered: Path, left: Path) -> None:
        self._entered = entered
        self._left = left

    def entered(self) -> Iterator[str]:
        return names_of(self._entered)

    def left(self) -> Iterator[str]:
        return names_of(self._left)


class SavedMembers:
    """Of all audiences, in one folder. Raises StoreBroken and OSError, StoreBusy behind the fence."""

    def __init__(self, folder: Path, workspace: Workspace, fence: Fence | None = None) -> None:
        self._folder = folder
        self._workspace = workspace
        self._fence = fence

    def begin(self, save: str, audience: str, mode: SavingMode, people: Path | None) -> Change | None:
        """What a save changes, of the people in a file; None if another save of the audience has to be over first."""
        made, folder = self._made(audience), self._folder / audience
        if made.under_way not in ("", save):
            return None
        number = made.number + 1
        before, after = folder / f"{made.number}.parquet", folder / f"{number}.parquet"
        entered, left = (folder / f"{number}-{name}.parquet" for name in ("entered", "left"))
        if made.under_way != save:
            nobody = folder / "nobody.parquet"
            for path in [nobody, *([] if made.number else [before])]:
                write_nobody(path)
            write_members(before, people or nobody, mode, after, self._workspace)
            write_difference(after, before, entered, self._workspace)
            write_difference(before, after, left, self._workspace)
            self._write(audience, msgspec.structs.replace(made, under_way=save))
        return Change(entered, left)

    def note(self, save: str, audience: str) -> None:
        """The save that was begun holds in all shards; may be said again."""
        made, folder = self._made(audience), self._folder / audience
        if made.under_way == save:
            self._write(audience, SavesMade(made.number + 1))
            for path in (folder / f"{made.number}.parquet", *folder.glob(f"{made.number + 1}-*.parquet")):
                path.unlink(missing_ok=True)

    def abandon(self, run: str) -> None:
        """Nothing comes of a save that a run has prepared, as the run is over: no shard goes by it."""
        for path in self._folder.glob(f"*/{SAVES}"):
            made = read_json(path, SavesMade) or SavesMade()
            if made.under_way.startswith(run):
                self._write(path.parent.name, msgspec.structs.replace(made, under_way=""))

    def _made(self, audience: str) -> SavesMade:
        return read_json(self._folder / audience / SAVES, SavesMade) or SavesMade()

    def _write(self, audience: str, made: SavesMade) -> None:
        write_json(self._folder / audience / SAVES, made, durable=self._workspace.durable, fence=self._fence)
