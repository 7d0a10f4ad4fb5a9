"""What may be counted in a picture: who came to each step and where they are, and how large the sets are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class StepCounts:
    """Runs that came to a step; a parked run counts as waiting too. inflow = waiting + gone_on + ended."""

    inflow: int = 0
    waiting: int = 0
    gone_on: int = 0
    ended: int = 0
    parked: int = 0


@dataclass(frozen=True, slots=True)
class PictureCounts:
    """The counts of a journey, or of a campaign.

    entered  runs
    steps    by step; without a step there are no figures in its box
    hot      ways that somebody has just taken: the step, and the number of the way from 0 as in `step_parts.ways`
    sizes    of the sets of a campaign, by `STEP` or `STEP.OUTPUT`
    at_hand  the steps of a campaign that have begun and are not over
    """

    entered: int | None = None
    steps: Mapping[str, StepCounts] = field(default_factory=dict)
    hot: frozenset[tuple[str, int]] = frozenset()
    sizes: Mapping[str, int] = field(default_factory=dict)
    at_hand: frozenset[str] = frozenset()
