"""How does a journey stand, and in which versions is somebody?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from parcours.journey.publish.ledger import JourneyStateName


@dataclass(frozen=True, slots=True)
class JourneyState:
    """
    state    open, closed (nobody enters), paused (nobody enters and nobody moves), or stopped (nobody is in it)
    version  the newest one: that which is entered
    older    versions before it that are kept for those who may still go by them
    runs     how many runs are open in each version that anybody is in
    """

    journey: str
    state: JourneyStateName
    version: int
    older: tuple[int, ...] = ()
    runs: Mapping[int, int] = field(default_factory=dict)
