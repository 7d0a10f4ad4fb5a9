"""The people of a funnel as of an instant, for an audience that is kept up to date, live and simulated.

What was told later is as unknown as it was then, be it whose name a name is. So the answer depends on nothing but what
had happened by the instant.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from parcours.config import Settings
from parcours.errors import AnalysisRefused, CallerError
from parcours.insight.asking.asking import Asking
from parcours.insight.warehouse.opening import open_warehouse
from parcours.insight.warehouse.viewed import Viewed
from parcours.insight.windows import ALL_TIME, Window
from parcours.journey.campaign_steps import FunnelAsked
from parcours.journey.program import Program

if TYPE_CHECKING:
    from parcours.insight.warehouse.warehouse import Warehouse


def people_in(warehouse: Warehouse, program: Program, asked: FunnelAsked, window: Window) -> list[str]:
    """Those of the funnel within a window, by all that is known. Raises CallerError, StoreBroken."""
    return _asked(warehouse, program, asked, window, warehouse.as_of_ms)


def found_at(warehouse: Warehouse, program: Program, asked: FunnelAsked, at_ms: int) -> list[str]:
    """Those of the funnel by what a warehouse as of an instant tells, that included.

    program  whose segments and traits they are
    Raises AnalysisRefused where facts lack what is asked for, StoreBroken.
    """
    try:
        return _asked(warehouse, program, asked, ALL_TIME, at_ms)
    except CallerError as error:
        raise AnalysisRefused(str(error)) from error


def found_people(facts: Path, program: Program, asked: FunnelAsked, at_ms: int, settings: Settings) -> list[str]:
    """The same of a folder of facts. Raises ExtraMissing too."""
    with open_warehouse(facts, Viewed.of(program).as_of(at_ms), settings) as warehouse:
        return found_at(warehouse, program, asked, at_ms)


def _asked(
    warehouse: Warehouse, program: Program, asked: FunnelAsked, window: Window, known_until: int | None
) -> list[str]:
    from parcours.insight.warehouse.questions import Questions

    bounds = window.by(warehouse.as_of_ms)
    asking = Asking(Questions(warehouse), program, bounds.from_ms, bounds.to_ms, known_until=known_until)
    return asking.funnel_people(asked.funnel, asked.who)
