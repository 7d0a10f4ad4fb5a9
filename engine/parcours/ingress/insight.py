"""What the project asks of facts, behind the door: the list, and the answer to each; as JSON, or as a page."""

from __future__ import annotations

from typing import Final

from parcours.ingress.asked_analyses import AnalysesListed, AnalysisQuery, analyses_of, analysis_asked
from parcours.ingress.changes import looking
from parcours.ingress.door import Door
from parcours.ingress.exchange import VARY, Answer, Request, Route, json_answer
from parcours.ingress.facts import found, told_by
from parcours.ingress.page.analyses import analyses_screen
from parcours.ingress.page.analysis import analysis_screen
from parcours.insight.asking.analysed import AnalysisTold


async def analyses(door: Door, _request: Request) -> Answer:
    """All that the project asks."""
    return json_answer(AnalysesListed(analyses_of(door.service.program)), headers=VARY)


async def analysis(door: Door, request: Request) -> Answer:
    """What one of it comes to."""
    asked = analysis_asked(door, request)
    told = AnalysisTold.of(await found(lambda: door.service.insight().analysed(asked)))
    return await told_by(door, told, VARY)


ROUTES: Final[tuple[Route, ...]] = (
    looking("/insight", analyses, AnalysesListed, "What the project asks of facts.", page=analyses_screen),
    looking(
        "/insight/{kind}/{name}",
        analysis,
        AnalysisTold,
        "What an analysis, an experiment or a hold-out of the project comes to.",
        asks=AnalysisQuery,
        page=analysis_screen,
    ),
)
