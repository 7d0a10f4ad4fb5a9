"""What is kept of what happened, and for how long: the part `insight` of parcours.yaml."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, Field

from parcours.expression.duration import UNITS_MS, PositiveDuration, format_duration
from parcours.journey.model.forms import Document

DAY_MS: Final = UNITS_MS["d"]

FACTS_FOR_MS: Final = 90 * DAY_MS


def _whole_days(duration_ms: int) -> int:
    if duration_ms % DAY_MS:
        raise ValueError(f"whole days are expected, such as 90d, and not {format_duration(duration_ms)}")
    return duration_ms


WholeDays: TypeAlias = Annotated[PositiveDuration, AfterValidator(_whole_days)]


class InsightDocument(Document):
    """For how long facts are kept: moves, deliveries, unmet conditions, of which explanations are made."""

    facts_for: WholeDays = Field(
        default=FACTS_FOR_MS,
        description="How long facts are kept, in whole days; explanations reach back as far. Totals count all of them.",
    )
