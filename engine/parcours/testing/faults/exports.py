"""The exporter in the simulated cluster: a process that dies and freezes, and the folder of files that outlives it.

The exporter is the engine's own, and so is all that it asks of shards. Only its files are simulated: a range is there
as a whole once it is finished, as with the document by which the files of a real one count.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from parcours.config import Settings
from parcours.insight.exporter.exporter import Exporter, RangeFiles
from parcours.journey.model.insight import InsightDocument
from parcours.journey.program import Program
from parcours.shard.erasures import Erased
from parcours.shard.messages import ExportRange, ExportRecord, ExportSlice
from parcours.testing.faults.chance import between
from parcours.testing.faults.layout import SHARDS
from parcours.testing.faults.loop import NOTICED_S, Process
from parcours.testing.faults.project import shop

if TYPE_CHECKING:
    from parcours.testing.faults.cluster import Cluster

LOOK_EVERY_S: Final = 4_000.0
"""Seldom, as with the alarm of shards: looks would be most of what is simulated."""

FROZEN_MAX_S: Final = 40_000.0
"""How long it is frozen in the middle of a range at most: its successor exports several in that time."""


class Folder:
    """The ranges that are exported, of all shards.

    violations  what has been written that must not be
    """

    def __init__(self) -> None:
        self.violations: list[str] = []
        self._ranges: dict[tuple[int, int, int], list[ExportRecord]] = {}

    def write(self, shard: int, ahead: ExportRange, records: list[ExportRecord]) -> None:
        """The range is there. One that is written again has to be what it was, and none may overlap another."""
        named = shard, ahead.first, ahead.last
        if self._ranges.setdefault(named, records) != records:
            self.violations.append(f"range: {named} is written again, and not as it was")
        for other in self._ranges:
            if other != named and other[0] == shard and ahead.first <= other[2] and other[1] <= ahead.last:
                self.violations.append(f"range: {named} overlaps {other}")

    def has(self, shard: int, record: int) -> bool:
        """Whether this record is in a range that is there."""
        return any(each == shard and first <= record <= last for each, first, last in self._ranges)

    def records(self, shard: int) -> list[ExportRecord]:
        """All of a shard that tell anything, in the order of their ranges."""
        return [each for (of, *_), records in sorted(self._ranges.items()) if of == shard for each in records]


Freezing: TypeAlias = Callable[[Process], None]
"""Freezes a process for a while."""


class _Range(RangeFiles):
    """The files of a range, as one process writes them; `how` that goes wrong."""

    def __init__(
        self, folder: Folder, shard: int, ahead: ExportRange, process: Process, how: str | None, freeze: Freezing
    ) -> None:
        self._folder = folder
        self._shard = shard
        self._ahead = ahead
        self._process = process
        self._how = how
        self._freeze = freeze
        self._records: list[ExportRecord] = []
        if how == "freezes unread":
            freeze(process)

    def add(self, part: ExportSlice) -> None:
        self._records += part.records
        if self._how == "freezes unwritten":
            self._freeze(self._process)

    def finish(self) -> None:
        if self._how == "crash before":
            raise self._process.die()
        if self._how == "disk full":
            raise OSError("no space left on device")
        self._folder.write(self._shard, self._ahead, self._records)
        if self._how == "crash after":
            raise self._process.die()

    def abandon(self) -> None:
        """What is not finished is not there."""


class _NoUpkeep:
    """Nothing is compacted here, nothing grows old, and nobody is erased."""

    def forget(self, shard: int, erased: Erased, now_ms: int) -> list[str]:
        return []

    def step(self, insight: InsightDocument, now_ms: int) -> bool:
        return False


class ExporterPlace:
    """The exporter, one life after the other."""

    def __init__(self, cluster: Cluster, folder: Folder, settings: Settings) -> None:
        self._cluster = cluster
        self._folder = folder
        self._settings = settings
        self._lives = 0
        self.process = Process(cluster.loop, "exporter")

    def start(self) -> None:
        """Begin a life. Nothing of the life before matters."""
        cluster = self._cluster
        self._lives += 1
        process = Process(cluster.loop, f"exporter {self._lives}")
        process.on_death.append(lambda: self._died(process))
        self.process = process

        def open_range(shard: int, ahead: ExportRange, _: Program) -> RangeFiles:
            how = cluster.injector.at_call(SHARDS.index(shard), "files")
            return _Range(self._folder, shard, ahead, process, how, self._freeze)

        clock = cluster.clock.engine_time()
        exporter = Exporter(open_range, shop().program, self._settings, _NoUpkeep(), clock, LOOK_EVERY_S)
        for place in cluster.shards:
            process.spawn(exporter.follow(SHARDS[place.number], cluster.port(place)))

    def _freeze(self, process: Process) -> None:
        """It stands still in the middle of a range, and wakes up when another one may long be at work."""
        self.freeze(process, between(1.0, FROZEN_MAX_S, self._cluster.seed, "frozen", self._lives))

    def freeze(self, process: Process, length_s: float) -> None:
        """Freeze the exporter for so long; another one takes its place if that is noticed."""
        process.freeze()
        self._cluster.loop.outside(length_s, process.thaw)
        if length_s > NOTICED_S:
            self._cluster.loop.outside(NOTICED_S, self.start_instead_of, process)

    def _died(self, process: Process) -> None:
        if process is self.process:
            pause_s = between(0.5, 4_000.0, self._cluster.seed, "export again", self._lives)
            self._cluster.loop.outside(pause_s, self.start_instead_of, process)

    def start_instead_of(self, process: Process) -> None:
        """Begin another life, unless that has been done. The process before may only have been frozen."""
        if process is self.process:
            self.start()
