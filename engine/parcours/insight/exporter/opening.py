"""The files of the export, for whoever may not import Arrow: they open with the extra, and name it where it is missing.

Nothing here imports Arrow before it is needed, so that an engine without the extra can import this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from parcours.config import Settings
from parcours.errors import ExtraMissing
from parcours.insight.exporter.disk import Disk
from parcours.insight.exporter.exporter import RowFiles
from parcours.insight.exporter.facts import Exported
from parcours.insight.exporter.inputs import ExportedInputs, ExportedLines
from parcours.insight.exporter.rows import NumberedOutput, Telling
from parcours.journey.model.traits import Kind
from parcours.journey.program import Program
from parcours.shard.messages import ExportRange
from parcours.store.exports import DONE, FACTS

if TYPE_CHECKING:
    from parcours.insight.exporter.people_file import PeopleFile
    from parcours.insight.exporter.simulated import SimulatedFacts
    from parcours.insight.exporter.upkeep import StoreUpkeep

EXTRA = "insight"
EXPORT = "the export of facts (`insight` of parcours.yaml)"


def check_extra() -> None:
    """Raises ExtraMissing if a library of the extra is not installed."""
    try:
        import pyarrow  # noqa: F401
        import zstandard  # noqa: F401
    except ModuleNotFoundError as error:
        raise ExtraMissing.of(EXPORT, EXTRA) from error


def range_opener(
    store: Path, secret: str | None, disk: Disk | None = None
) -> Callable[[int, ExportRange, Program], RowFiles]:
    """What begins the files of a range below the folder of the store.

    secret  by what addresses are hashed: what the project's reference stands for
    disk    by what files are made; durably if none is given
    Raises ExtraMissing.
    """
    check_extra()
    from parcours.insight.exporter import range_files

    def open_range(shard: int, ahead: ExportRange, program: Program) -> RowFiles:
        return range_files.ParquetRange(store, Telling.of(shard, program, secret), ahead, disk)

    return open_range


def export_outputs(store: Path, told_after: Callable[[int], Sequence[NumberedOutput]]) -> int:
    """Export what campaigns have told that is not exported yet (outputs.py); returns through which number all is.

    Raises ExtraMissing, StoreBroken, OSError.
    """
    check_extra()
    from parcours.insight.exporter import outputs

    return outputs.write_outputs(store, told_after)


def open_people(store: Path, day: int, traits: Mapping[str, Kind]) -> PeopleFile:
    """The file of the table of people of a day since 1970, below the folder of the store (people_file.py).

    Raises ExtraMissing, StoreBroken.
    """
    check_extra()
    from parcours.insight.exporter import people_file

    return people_file.PeopleFile(store, day, traits)


def open_upkeep(store: Path, settings: Settings, shards: Iterable[int] | None = None) -> StoreUpkeep:
    """What looks after the files of these shards, of all if none are named. Raises ExtraMissing."""
    check_extra()
    from parcours.insight.exporter import upkeep

    return upkeep.StoreUpkeep(store, settings, shards)


def open_simulated(folder: Path) -> SimulatedFacts:
    """The facts that a simulation wrote into this folder. Raises ExtraMissing, CallerError, StoreBroken."""
    check_extra()
    from parcours.insight.exporter import simulated

    return simulated.SimulatedFacts(folder)


def exported_lines(store: Path) -> ExportedLines:
    """The exported inputs; none where nothing is exported. Raises ExtraMissing if something is, StoreBroken."""
    if not (store / FACTS / DONE).is_dir():
        return ExportedLines(iter(()), {}, 0)
    check_extra()
    from parcours.insight.exporter import kept_lines

    return kept_lines.exported_lines(store)


def recall_exported(store: Path, *people: str) -> Exported:
    """The exported facts of these people, and through which record of each shard they go; none where none are exported.

    Raises ExtraMissing if something is, StoreBroken.
    """
    if not (store / FACTS / DONE).is_dir():
        return Exported([], {})
    check_extra()
    from parcours.insight.exporter import recall

    return recall.recall_exported(store, *people)


def recall_inputs(store: Path, through: Mapping[int, int], *people: str) -> ExportedInputs:
    """The exported events and inputs of these people up to these records; none where nothing is exported.

    Raises as `recall_exported`.
    """
    if not (store / FACTS / DONE).is_dir():
        return ExportedInputs([], [])
    check_extra()
    from parcours.insight.exporter import recall

    return recall.recall_inputs(store, through, *people)
