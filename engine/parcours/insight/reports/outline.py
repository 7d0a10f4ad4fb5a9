"""What was published, as facts have it: the order of journeys and steps, and the goals' targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from parcours.core.fact import Published
from parcours.insight.published_versions import published_versions
from parcours.insight.warehouse.warehouse import Warehouse

LAST: Final = 1_000_000
"""The place of what is in no document: behind everything that is."""


@dataclass(frozen=True, slots=True)
class Outline:
    """
    journeys  the names in order
    steps     the place of each step of each journey
    targets   of each journey with a goal its target in percent, None where the goal has none; of the newest version
    """

    journeys: Sequence[str]
    steps: dict[tuple[str, str], int]
    targets: dict[str, float | None]

    def place(self, journey: str, step: str | None = None) -> tuple[int, str, int, str]:
        """Sorts journeys, and their steps, as the documents have them."""
        at = self.journeys.index(journey) if journey in self.journeys else LAST
        return at, journey, self.steps.get((journey, step or ""), LAST), step or ""


def outline_of(warehouse: Warehouse) -> Outline:
    """What facts tell of publications; nothing where they are gone."""
    query = (
        "select epoch_ms(time), journey, version, document, digest from main.publications"
        " order by version, time, record, shard, n"
    )
    versions = published_versions(Published(at, "", *columns) for at, *columns in warehouse.rows(query))
    steps: dict[tuple[str, str], int] = {}
    for each in sorted(versions, key=lambda version: -version.version):
        for place, step in enumerate(each.steps):
            steps.setdefault((each.name, step), place)
    targets = {each.name: each.target_percent for each in versions if each.has_goal}
    return Outline([*dict.fromkeys(each.name for each in versions)], steps, targets)
