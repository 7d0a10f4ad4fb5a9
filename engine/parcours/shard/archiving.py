"""The archive: which lines of a batch are kept with its commit, as they came?

Those of the events that the project names (`insight: {events: ...}`), so that whoever analyses them later has the
events themselves; four in five of them move nobody and are never decoded here. The exporter reads them. Without one,
nothing is kept.
"""

from __future__ import annotations

from collections.abc import Container

from parcours.core.fact import LimitReached
from parcours.journey.program import Program
from parcours.shard.export_state import ExportState
from parcours.shard.reports import NOBODY
from parcours.shard.work import Work


class _Everything:
    """Holds whatever is asked for."""

    def __contains__(self, name: object) -> bool:
        return True


LEFT_OUT = {
    True: "facts wait for the exporter: events are not archived from now on",
    False: "the exporter has caught up: events are archived again",
}

ALL = _Everything()
NOTHING: frozenset[str] = frozenset()


class Archiving:
    """Decides for one shard. Where facts wait for the exporter for too long, events are left out until it is there."""

    def __init__(self, program: Program, export: ExportState) -> None:
        self._export = export
        self._is_behind = False
        self._named: Container[str] = NOTHING
        self.publish(program)

    def publish(self, program: Program) -> None:
        """From now on those are kept that this program names."""
        match program.insight.events:
            case "all":
                self._named = ALL
            case "declared":
                self._named = frozenset(program.events) | frozenset(program.derived)
            case "none":
                self._named = NOTHING
            case names:
                self._named = frozenset(names)

    def begin(self, work: Work) -> Container[str]:
        """The events of the batch at hand whose lines are kept."""
        is_behind = self._export.is_behind(work.stamp_ms)
        if is_behind != self._is_behind:
            self._is_behind = is_behind
            work.facts.append(LimitReached(work.stamp_ms, NOBODY, "export_lag_max_ms", LEFT_OUT[is_behind]))
        return self._named if self._export.is_on and not is_behind else NOTHING
