"""What does an analysis ask? In a line, of its compiled form."""

from __future__ import annotations

from typing import assert_never

from parcours.expression.duration import format_duration
from parcours.journey import analyses
from parcours.journey.picture.words import trigger_words


def analysis_words(
    asked: analyses.Funnel | analyses.Flow | analyses.Attribution | analyses.Cohort | analyses.Metric,
) -> str:
    """What it asks, without its name."""
    match asked:
        case analyses.Funnel():
            within = "" if asked.within_ms is None else f" within {format_duration(asked.within_ms)}"
            return f"{' > '.join(map(trigger_words, asked.steps))}{within}{_of(asked.segment)}"
        case analyses.Flow():
            return f"{asked.before} before and {asked.after} after {trigger_words(asked.anchor)}{_of(asked.segment)}"
        case analyses.Attribution():
            return f"{trigger_words(asked.conversion)}, credited to {_touches(asked.touches)}{_of(asked.segment)}"
        case analyses.Cohort():
            ways = f"{trigger_words(asked.starts)} > {trigger_words(asked.returns)}"
            return f"{ways}, by {asked.unit}{_of(asked.segment)}"
        case analyses.Sum():
            return f"sum {asked.value.text} of {trigger_words(asked.of)}{_of(asked.segment)}"
        case analyses.People():
            return f"people {trigger_words(asked.of)}{_of(asked.segment)}"
        case analyses.EventCount():
            return f"count {trigger_words(asked.of)}{_of(asked.segment)}"
        case analyses.DeliveryCount():
            return f"count deliveries.{asked.outcome}{_of(asked.segment)}"
        case analyses.Formula():
            return asked.text
    assert_never(asked)


def _of(segment: str | None) -> str:
    return "" if segment is None else f", of {segment}"


def _touches(touches: analyses.Touches) -> str:
    match touches:
        case analyses.DeliveryTouches():
            return f"deliveries {touches.outcome}"
        case analyses.EventTouches():
            return ", ".join(touches.events)
        case analyses.PropositionTouches():
            return f"offers {touches.mark}"
    assert_never(touches)
