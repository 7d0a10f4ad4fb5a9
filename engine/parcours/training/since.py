"""What has a score been worth since it said something? From facts of those of whom it is told, without their events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from parcours.config import Settings
from parcours.core.scored import is_sampled
from parcours.core.time_text import time_text
from parcours.errors import CallerError
from parcours.insight.warehouse.score_cases import score_cases
from parcours.journey.project import Project
from parcours.simulation.score_cut import score_of
from parcours.training.quality import Quality, quality_of
from parcours.wording import quoted

if TYPE_CHECKING:
    from parcours.insight.warehouse.warehouse import Warehouse


class Since(msgspec.Struct, frozen=True):
    """The quality of cases whose outcome is known, and the times of the first and the last of them."""

    first: str
    last: str
    quality: Quality


def since(project: Project, score: str, warehouse: Warehouse, settings: Settings | None = None) -> Since:
    """What the facts say of the score's cases, whichever model of it has told them.

    Raises CallerError for an unknown score and where the facts have no cases of both outcomes; and as a warehouse does.
    """
    known, within_ms = settings or Settings(), score_of(project, score).predicts.within_ms
    cases = list(score_cases(warehouse, score, within_ms, lambda person: is_sampled(person, known.score_sample)))
    positive = sum(case.happened for case in cases)
    if positive in (0, len(cases)):
        raise CallerError(
            f"facts know of {len(cases):,} cases of the score {quoted(score)} whose time is over, and {positive:,} of "
            "them came true: its quality can be told once there are some of both"
        )
    times = [case.at_ms for case in cases]
    quality = quality_of([case.probability for case in cases], [case.happened for case in cases])
    return Since(time_text(min(times)), time_text(max(times)), quality)
