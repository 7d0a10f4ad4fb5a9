"""How are the figures of an analysis meant? What has to be known of what was asked, to show the answer."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from parcours.insight.analyses.attribution import adds_up
from parcours.journey.analyses import Attribution, BySegments, CalendarUnit, Cohort, Flow, Funnel, Metric, Unit

Analysis: TypeAlias = Funnel | Flow | Attribution | Cohort | Metric


class Shape(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the figures of an analysis are meant.

    by      what a funnel or a flow counts
    unit    by which a cohort counts
    sides   the two segments that a funnel compares
    valued  whether conversions are worth what they say, and not 1 each
    models  of an attribution, by the name of each model which it is: of `participation` credits do not add up
    """

    by: Unit = "person"
    unit: CalendarUnit | None = None
    sides: tuple[str, str] | None = None
    valued: bool = False
    models: dict[str, str] = {}

    @classmethod
    def of(cls, asked: Analysis) -> Shape:
        """That of a compiled analysis."""
        match asked:
            case Funnel(split=BySegments(first, second)):
                return cls(by=asked.by, sides=(first, second))
            case Funnel() | Flow():
                return cls(by=asked.by)
            case Cohort():
                return cls(unit=asked.unit)
            case Attribution():
                models = {name: each if isinstance(each, str) else "own" for name, each in asked.models.items()}
                return cls(valued=asked.value is not None, models=models)
            case _:
                return cls()

    @property
    def apart(self) -> list[str]:
        """The models that credit all of a conversion to each of its keys."""
        return [name for name, model in self.models.items() if not adds_up(model)]
