"""How facts are looked at: what events are declared to have, whose facts they are, and when a visit is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from parcours.journey.analyses import PROPERTY
from parcours.journey.model.insight import VISIT_PAUSE_MS
from parcours.journey.model.traits import Kind
from parcours.journey.program import Program

Follow: TypeAlias = Literal["none", "used", "all"]
"""Which merges are followed, so that what was told before is the person's: none; those after which the history before
counts; all of them.
"""


@dataclass(frozen=True, slots=True)
class Viewed:
    """
    events          by name, the kind of each declared property that facts have
    follow          which merges are followed
    visit_pause_ms  after which pause a new visit begins
    visit_by        the dotted path of the property of events that tells visits apart instead; None if pauses do
    until_ms        as of which instant, that instant included: nothing is known of what was told later, be it whose
                    name a name is; None: as of now
    """

    events: Mapping[str, Mapping[str, Kind]] = field(default_factory=dict)
    follow: Follow = "none"
    visit_pause_ms: int = VISIT_PAUSE_MS
    visit_by: str | None = None
    until_ms: int | None = None

    @classmethod
    def of(cls, program: Program) -> Viewed:
        """As the project says."""
        used: Follow = "used" if program.anonymous_history == "used" else "none"
        insight = program.insight
        by = None if insight.visit_by is None else insight.visit_by.removeprefix(PROPERTY)
        return cls(program.disclosure.told_properties, used, insight.visit_pause, by)

    def as_of(self, at_ms: int) -> Viewed:
        """As of an instant, that instant included."""
        return replace(self, until_ms=at_ms)

    def stitched(self) -> Viewed:
        """With all merges followed, whatever the project says."""
        return replace(self, follow="all")
