"""Both engines of sets, for tests that each of them has to pass."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from parcours.campaigns.sets.database import Workspace
from parcours.campaigns.sets.duck import DuckSets
from parcours.campaigns.sets.engine import SetEngine

ENGINES: Final = ("duckdb", "daft")


def set_engine(name: str, folder: Path, threads: int = 2) -> SetEngine:
    """One of them; it takes a second to import Daft, so that nobody does who asks for the other."""
    if name == "daft":
        from parcours.campaigns.sets.distributed.daft_sets import DaftSets

        return DaftSets(durable=False)
    return DuckSets(Workspace(folder / "spill", 200_000_000, threads))


def keep_daft_in_threads() -> None:
    """Let Daft work in threads of this process, though a test before was connected to Ray: there it takes five times as
    long. It stays where its first question finds it, for as long as the process lives.
    """
    import parcours.campaigns.sets.distributed  # noqa: F401  # before Daft, which reports to its makers otherwise

    # isort: split
    from daft import runners

    if runners._get_runner() is None:
        runners.set_runner_native()
