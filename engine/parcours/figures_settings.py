"""How much does an engine count and keep for whoever looks at it, and what counts as a sign? The setting `figures`."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, Field

MOST: Final = 2**40

Number = Annotated[int, Field(ge=1, le=MOST)]
Percent = Annotated[float, Field(ge=0, le=100)]


class FiguresSettings(BaseModel, frozen=True, extra="forbid"):
    """A part of the engine's settings: `{late_ms: 5000}` and the like."""

    recent_minutes: Number = Field(default=60, description="Minutes for which what is new is counted by the minute.")
    recent_hours: Number = Field(default=24, description="Hours for which it is counted by the hour.")
    recent_names_max: Number = Field(
        default=2_000,
        description="Names counted apart in one minute or hour; others go under one name.",
    )
    step_facts_max: Number = Field(default=50, description="Newest facts of one step that a shard has at hand.")
    channel_facts_max: Number = Field(default=100, description="Newest facts of one channel that it has at hand.")
    fact_rings_max: Number = Field(
        default=2_000, description="Steps and channels of which it has any; what was silent for longest goes."
    )
    waiting_scan_max: Number = Field(
        default=20_000, description="People looked at, in all shards together, for who waits at a step."
    )
    late_ms: Number = Field(default=5_000, description="How late a timer is before a journey counts as late.")
    failing_deliveries_min: Number = Field(
        default=20, description="Deliveries of the minutes counted, fewer of which are no sign of failing."
    )
    failing_percent: Percent = Field(default=5, description="More of them failed, bounced or unknown is one.")
    held_deliveries_min: Number = Field(
        default=20, description="Deliveries decided on in those minutes, fewer of which are no sign of being held back."
    )
    held_percent: Percent = Field(default=50, description="More of them refused or held by one gate is one.")
    nobody_events_min: Number = Field(
        default=20, description="Entry events of the hours counted by which nobody entered that are a sign of it."
    )
    target_runs_min: Number = Field(
        default=100, description="Runs for which the goal's time is over, fewer of which say nothing of its target."
    )
    draining_ms: Number = Field(
        default=30 * 24 * 3_600_000, description="How long after its successor an older version may have people in it."
    )
