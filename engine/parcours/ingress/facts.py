"""What the facts of everybody add up to, behind the door: reports, analyses and experiments, which name nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

import msgspec

from parcours.errors import AnalysisRefused, CallerError, EngineClosed, ExtraMissing, FiguresDiffer
from parcours.ingress.changes import answered, body_alone
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Problem, Request, Route
from parcours.insight.asking.analysed import AnalysisAsked, AnalysisTold
from parcours.insight.reports.told import ReportAsked, ReportTold

T = TypeVar("T")

REPORTS: Final = "/facts/reports"
ANALYSES: Final = "/facts/analyses"


async def report(door: Door, request: Request) -> Answer:
    """The report of a kind."""
    asked: ReportAsked = body_alone(request, ReportAsked, optional=False)
    found = await _found(lambda: door.service.insight().reported(asked))
    return await _told(door, ReportTold.of(found))


async def analysis(door: Door, request: Request) -> Answer:
    """What an analysis or an experiment comes to."""
    asked: AnalysisAsked = body_alone(request, AnalysisAsked, optional=False)
    found = await _found(lambda: door.service.insight().analysed(asked))
    return await _told(door, AnalysisTold.of(found))


async def _found(call: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The answer. Raises Problem in the words of the command line for what cannot be answered."""
    try:
        return await answered(call())
    except EngineClosed:
        raise
    except (CallerError, ExtraMissing, AnalysisRefused) as error:
        raise Problem(409, "refused", str(error)) from None
    except FiguresDiffer as error:
        raise Problem(409, "figures", str(error)) from None


async def _told(door: Door, told: msgspec.Struct) -> Answer:
    """The answer as JSON, beside the loop. Raises Problem for one that is too large."""
    body, most = await asyncio.to_thread(msgspec.json.encode, told), door.service.settings.analysis_bytes_max
    if len(body) > most:
        raise Problem(
            409, "refused",
            f"the answer has {len(body):,} bytes, and analysis_bytes_max lets out {most:,}: ask for less, such as one "
            "name, a shorter window or fewer groups",
        )  # fmt: skip
    return Answer(body=body)


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path=REPORTS,
        handler=report,
        takes=ReportAsked,
        gives=ReportTold,
        scope="operate:read",
        summary="Count what facts tell of journeys, campaigns, channels, messages or events.",
    ),
    Route(
        method="POST",
        path=ANALYSES,
        handler=analysis,
        takes=AnalysisAsked,
        gives=AnalysisTold,
        scope="operate:read",
        summary="Ask facts for a funnel, a flow, an attribution, a cohort, a metric or an experiment.",
    ),
)
