"""The members of an audience that campaigns save, as files: who is in it after a save, and who enters and leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from parcours.campaigns.sets.database import Workspace, copy_rows, opened_database, rows_in
from parcours.journey.campaign_steps import SavingMode

_AFTER: Final[dict[SavingMode, str]] = {
    "replace": "SELECT DISTINCT person FROM {people}",
    "append": "SELECT person FROM {before} UNION SELECT person FROM {people}",
    "remove": "SELECT person FROM {before} EXCEPT SELECT person FROM {people}",
}


def write_members(before: Path, people: Path, mode: SavingMode, after: Path, workspace: Workspace) -> None:
    """Write who is in the audience once these people have been saved. Raises StoreBroken, OSError."""
    query = _AFTER[mode].format(before=rows_in(before), people=rows_in(people))
    with opened_database(workspace) as database:
        copy_rows(database, f"SELECT person FROM ({query}) ORDER BY person", after)


def write_difference(rows: Path, less: Path, path: Path, workspace: Workspace) -> None:
    """Write who is in `rows` and not in `less`, by name. Raises StoreBroken, OSError."""
    query = f"SELECT person FROM {rows_in(rows)} EXCEPT SELECT person FROM {rows_in(less)}"
    with opened_database(workspace) as database:
        copy_rows(database, f"SELECT person FROM ({query}) ORDER BY person", path)
