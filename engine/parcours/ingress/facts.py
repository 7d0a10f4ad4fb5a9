"""What the facts of everybody add up to, behind the door: analyses and experiments, which name nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec

from parcours.errors import AnalysisRefused, CallerError, EngineClosed, ExtraMissing, FiguresDiffer, ProjectInvalid
from parcours.ingress.bodies import json_of, unpacked
from parcours.ingress.changes import answered, body_alone
from parcours.ingress.door import Door
from parcours.ingress.exchange import NOTHING, SMALL_BODY_MAX, Answer, Problem, Request, Route
from parcours.ingress.queries import queried
from parcours.insight.asking.analysed import AnalysisAsked, AnalysisTold
from parcours.insight.asking.document_forms import DocumentAsked, DocumentTold
from parcours.insight.windows import WindowAsked

T = TypeVar("T")

ANALYSES: Final = "/facts/analyses"
DOCUMENTS: Final = "/insight"


class InsightDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document as insight/*.yaml has it, as JSON. `segments` are there for what names them."""

    metrics: dict[str, Any] = {}
    segments: dict[str, Any] = {}
    funnels: dict[str, Any] = {}
    flows: dict[str, Any] = {}
    attributions: dict[str, Any] = {}
    cohorts: dict[str, Any] = {}


async def analysis(door: Door, request: Request) -> Answer:
    """What an analysis or an experiment comes to."""
    asked: AnalysisAsked = body_alone(request, AnalysisAsked, optional=False)
    analysed = await found(lambda: door.service.insight().analysed(asked))
    return await told_by(door, AnalysisTold.of(analysed))


async def document(door: Door, request: Request) -> Answer:
    """What all that a document of insight/ asks comes to."""
    asked = DocumentAsked(**msgspec.structs.asdict(queried(request, WindowAsked)), document=_document(request))
    return await told_by(door, await found(lambda: door.service.insight().documented(asked)))


def _document(request: Request) -> dict[str, Any]:
    """The body; whether it is a document of insight/ is for those to say who know its words. Raises Problem."""
    packing = request.headers.get("content-encoding", "")
    return json_of(unpacked(request.body, packing, SMALL_BODY_MAX), dict[str, Any])


async def found(call: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The answer. Raises Problem in the words of the command line for what cannot be answered.

    Several reasons are told apart as `findings`.
    """
    try:
        return await answered(call())
    except EngineClosed:
        raise
    except ProjectInvalid as error:
        raise _problem(400, "invalid", error.findings) from None
    except AnalysisRefused as error:
        raise _problem(409, "refused", str(error).splitlines()) from None
    except (CallerError, ExtraMissing) as error:
        raise Problem(409, "refused", str(error)) from None
    except FiguresDiffer as error:
        raise Problem(409, "figures", str(error)) from None


def _problem(status: int, code: str, findings: Sequence[str]) -> Problem:
    return Problem(status, code, "; ".join(findings), more={"findings": [*findings]})


async def told_by(door: Door, told: msgspec.Struct, headers: Mapping[str, str] = NOTHING) -> Answer:
    """The answer as JSON, encoded beside the loop. Raises Problem for one that is too large."""
    return Answer(body=bounded(door, await asyncio.to_thread(msgspec.json.encode, told)), headers=headers)


def bounded(door: Door, body: bytes) -> bytes:
    """The body of an answer. Raises Problem for one that is too large."""
    most = door.service.settings.analysis_bytes_max
    if len(body) > most:
        raise Problem(
            409, "refused",
            f"the answer has {len(body):,} bytes, and analysis_bytes_max lets out {most:,}: ask for less, such as one "
            "name, a shorter window or fewer groups",
        )  # fmt: skip
    return body


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path=ANALYSES,
        handler=analysis,
        takes=AnalysisAsked,
        gives=AnalysisTold,
        scope="operate:read",
        summary="Ask facts for a funnel, a flow, an attribution, a cohort, a metric or an experiment.",
    ),
    Route(
        method="POST",
        path=DOCUMENTS,
        handler=document,
        asks=WindowAsked,
        takes=InsightDocument,
        gives=DocumentTold,
        scope="operate:read",
        summary="Ask facts for all that a document of insight/ asks.",
    ),
)
