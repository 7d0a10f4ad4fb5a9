"""Which engine makes the sets of campaigns, and why can it not do so here?

DuckDB makes them in the process that conducts campaigns. Daft makes them on the Ray of that process, and where there is
none in threads: it is chosen by a setting, never by itself. What is not the same on Daft is refused before a run begins
as far as a project tells it, and within a run by the operator that comes upon it (sets/distributed).
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from parcours.config import Settings
from parcours.errors import ExtraMissing, SettingInvalid
from parcours.journey.program import Program
from parcours.wording import quoted

if TYPE_CHECKING:
    from parcours.campaigns.sets.database import Workspace
    from parcours.campaigns.sets.engine import SetEngine

DAFT: Final = "sets: {engine: daft}"
"""How the setting is written."""

PATTERN_CHARACTERS: Final = "*?[]{}\\"
"""In the path of a file they make a pattern of it: Daft reads other files besides, or none."""

ANY_FIELD: Final = "*"
"""Daft takes it for all fields of an object, and gives another one of them."""


def new_set_engine(settings: Settings, workspace: Workspace) -> SetEngine:
    """The operators by which a run's sets are made. Raises ExtraMissing."""
    if settings.sets.engine == "duckdb":
        from parcours.campaigns.sets.duck import DuckSets

        return DuckSets(workspace)
    if (reason := without_daft(settings)) is not None:
        raise ExtraMissing(reason)
    from parcours.campaigns.sets.distributed.daft_sets import DaftSets

    return DaftSets(durable=workspace.durable)


def without_daft(settings: Settings) -> str | None:
    """That Daft is asked for and not installed, in a sentence; None otherwise."""
    if settings.sets.engine == "duckdb" or find_spec("daft") is not None:
        return None
    return str(ExtraMissing.of(DAFT, "sets-cluster"))


def check_makeable(settings: Settings, program: Program, folder: Path | None = None) -> None:
    """Raises ExtraMissing, and SettingInvalid for whatever else `unmakeable` tells."""
    if reasons := unmakeable(settings, program, folder):
        raise SettingInvalid("; ".join(reasons)) if without_daft(settings) is None else ExtraMissing(*reasons)


def unmakeable(settings: Settings, program: Program, folder: Path | None = None) -> list[str]:
    """Why the sets of a program cannot be made by the engine that the settings name; nothing if they can.

    folder  below which they lie, if that is known
    """
    campaigns = (*program.campaigns, *program.keeping)
    if settings.sets.engine == "duckdb" or not campaigns:
        return []
    if (reason := without_daft(settings)) is not None:
        return [reason]
    reasons = []
    if folder is not None and (found := next((each for each in PATTERN_CHARACTERS if each in str(folder)), None)):
        reasons.append(f"{DAFT} cannot read below {folder}: Daft takes {quoted(found)} in a path for a pattern")
    tables = {name: table for each in campaigns for name, table in each.tables.items()}
    reasons += [
        f"{DAFT} cannot read the table {quoted(name)}: Daft takes a column that is called '*' for all columns"
        for name, table in sorted(tables.items())
        if ANY_FIELD in table.columns
    ]
    return reasons
