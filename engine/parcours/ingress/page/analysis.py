"""/insight/{kind}/{name}: the answer to one question of the project, as a picture and as tables, within a period."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

from msgspec import UNSET

from parcours.config import DAY_MS
from parcours.core.time_text import time_text
from parcours.errors import ExtraMissing, Overloaded
from parcours.ingress.asked_analyses import analyses_of, analysis_asked
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Problem, Request
from parcours.ingress.facts import found
from parcours.ingress.page.frame import TEXT_MAX, address, name, screen, seen
from parcours.insight.analyses.metric import MetricResult
from parcours.insight.asking.analysed import AnalysisAsked, AnalysisTold
from parcours.insight.figures import amount_text
from parcours.insight.gathering.analyses import analysis_block
from parcours.insight.gathering.experiments import LOOKED_AT_DAILY, experiment_block
from parcours.insight.page.content import Block, Figure
from parcours.insight.page.markup import Markup, element, together
from parcours.insight.page.parts import Bounds, block, paragraphs
from parcours.journey.picture.svg_text import cut

BOUNDS: Final = Bounds(rows=200, csv_rows=200)
"""Of each table on the screen."""

PERIODS: Final = {"Last 7 days": 7, "Last 30 days": 30}

MISSING: Final = "–"


async def _analysis(door: Door, request: Request) -> Answer:
    asked = analysis_asked(door, request)
    kind, question = request.params["kind"], request.params["name"]
    status, answer = await _answered(door, asked)
    asks = next(each.asks for each in analyses_of(door.service.program) if (each.kind, each.name) == (kind, question))
    return screen(
        door,
        request,
        question,
        element("p", element("a", "Insight", href=address(request, "insight")), class_="up"),
        element("h1", name(question)),
        element("p", element("bdi", cut(f"{kind}: {asks}", TEXT_MAX)), class_="lead"),
        _periods(request),
        answer,
        status=status,
        reloads=False,
    )


analysis_screen = seen(_analysis)


async def _answered(door: Door, asked: AnalysisAsked) -> tuple[int, Markup]:
    """The answer, or why there is none."""
    try:
        told = AnalysisTold.of(await found(lambda: door.service.insight().analysed(asked)))
        return 200, await asyncio.to_thread(_shown, told)
    except Problem as problem:
        return problem.status, _unanswered(str(problem))
    except Overloaded as error:
        return 429, _unanswered(str(error))
    except ExtraMissing as error:
        return 409, _unanswered(str(error))


def _unanswered(why: str) -> Markup:
    said = cut(why, TEXT_MAX)
    return element("p", f"This could not be answered: {said}", class_="warning", role="note")


def _shown(told: AnalysisTold) -> Markup:
    """The sentences, the picture and the tables. Raises ExtraMissing where nothing draws."""
    warnings = [element("p", cut(each, TEXT_MAX), class_="warning", role="note") for each in told.warnings]
    return together(paragraphs(told.sentences()), warnings, block(_block(told), "answer", BOUNDS, told.words))


def _block(told: AnalysisTold) -> Block:
    if told.design is not None:
        of = experiment_block(told.words, told.design, told.experiment())
        return replace(of, title="", notes=[*of.notes, LOOKED_AT_DAILY])
    result = told.figures()
    if isinstance(result, MetricResult) and result.groups is UNSET:
        return Block("", figures=[Figure(told.words, amount_text(result.value) or MISSING)])
    return replace(analysis_block(told.words, told.meant(), result), title="")


def _periods(request: Request) -> Markup:
    """Which facts count: links to some periods, and a form for any other."""
    path = ("insight", request.params["kind"], request.params["name"])
    kept = {each: request.query[each] for each in ("metric", "so_far") if each in request.query}
    since, until, live = (request.query.get(each) for each in ("from", "to", "live"))
    links = [
        ("All that is known", address(request, *path, **kept), not (since or until or live)),
        ("Last 24 hours", address(request, *path, live="true", **kept), live == "true"),
    ]
    for words, days in PERIODS.items():
        day = time_text(request.received_ms - days * DAY_MS)[:10]
        links.append((words, address(request, *path, **{"from": day}, **kept), since == day and not until))
    listed = [
        element("li", element("a", words, href=href, aria_current="true" if chosen else None))
        for words, href, chosen in links
    ]
    form = element(
        "form",
        element("label", "From ", element("input", type="date", name="from", value=(since or "")[:10])),
        element("label", "Before ", element("input", type="date", name="to", value=(until or "")[:10])),
        [element("input", type="hidden", name=field, value=value) for field, value in kept.items()],
        element("button", "Show"),
        action=address(request, *path),
        class_="filter",
    )
    return together(element("nav", element("ul", listed), aria_label="Periods"), form)
