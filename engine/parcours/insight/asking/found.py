"""The people of a funnel as of an instant, for an audience that is kept up to date, live and simulated.

What was told later is as unknown as it was then, be it whose name a name is. So the answer depends on nothing but what
had happened by the instant.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from parcours.config import Settings
from parcours.errors import AnalysisRefused, CallerError
from parcours.insight.asking.asking import Asking
from parcours.insight.warehouse.opening import open_warehouse
from parcours.insight.warehouse.viewed import Viewed
from parcours.journey.campaign_steps import FunnelAsked
from parcours.journey.program import Program

if TYPE_CHECKING:
    from parcours.insight.warehouse.snapshot import Tail
    from parcours.insight.warehouse.warehouse import Warehouse


@dataclass(frozen=True, slots=True)
class Window:
    """What counts of facts.

    from_ms, to_ms  from this instant on, and before that one; None leaves it open
    stitch          what was before a merge is the person's, whatever the project says
    """

    from_ms: int | None = None
    to_ms: int | None = None
    stitch: bool = False


EVERYTHING: Final = Window()


def people_in(
    facts: Path, program: Program, asked: FunnelAsked, window: Window, settings: Settings, tail: Tail | None = None
) -> list[str]:
    """Those of the funnel within a window, by all that is known. Raises CallerError, ExtraMissing, StoreBroken."""
    viewed = Viewed.of(program)
    with open_warehouse(facts, viewed.stitched() if window.stitch else viewed, settings, tail) as warehouse:
        return _asked(warehouse, program, asked, window, warehouse.as_of_ms)


def found_people(
    facts: Path, program: Program, asked: FunnelAsked, at_ms: int, settings: Settings, tail: Tail | None = None
) -> list[str]:
    """Those of the funnel, by what a folder of facts, and the tail beside it, tell up to an instant, that included.

    program  whose segments and traits they are
    Raises AnalysisRefused where facts lack what is asked for, ExtraMissing, StoreBroken.
    """
    with open_warehouse(facts, Viewed.of(program).as_of(at_ms), settings, tail) as warehouse:
        try:
            return _asked(warehouse, program, asked, EVERYTHING, at_ms)
        except CallerError as error:
            raise AnalysisRefused(str(error)) from error


def _asked(
    warehouse: Warehouse, program: Program, asked: FunnelAsked, window: Window, known_until: int | None
) -> list[str]:
    from parcours.insight.warehouse.questions import Questions

    asking = Asking(Questions(warehouse), program, window.from_ms, window.to_ms, known_until=known_until)
    return asking.funnel_people(asked.funnel, asked.who)
