"""The report behind the door: the figures of everything, or what facts add up to of one kind; as JSON, or as a page."""

from __future__ import annotations

from typing import Final

from parcours.ingress.changes import answered
from parcours.ingress.door import Door
from parcours.ingress.exchange import PAGE, VARY, Answer, Problem, Request, Route, json_answer
from parcours.ingress.facts import bounded, found, told_by
from parcours.ingress.hidden_names import shown_report
from parcours.ingress.keys import sees_people
from parcours.ingress.queries import queried
from parcours.insight.page.document import POLICY
from parcours.insight.reports.asked import Cohort, ReportKind
from parcours.insight.reports.told import ReportAsked, ReportTold
from parcours.insight.store_report import StoreReport
from parcours.insight.windows import WindowAsked

PATH: Final = "/report"


class ReportQuery(WindowAsked, frozen=True, kw_only=True):
    """
    kind  null: of everything. As JSON that is what shards have counted, and nothing else of the query goes with it

    The others are those of a ReportAsked.
    """

    kind: ReportKind | None = None
    name: str | None = None
    cohort: Cohort = "entered"
    by: str | None = None

    def question(self) -> ReportAsked:
        """What is asked of facts; of everything, its window is that of the journeys."""
        given = {name: getattr(self, name) for name in self.__struct_fields__ if name != "kind"}
        return ReportAsked(kind=self.kind or "journey", **given)


async def report(door: Door, request: Request) -> Answer:
    """The figures of everything, or of one kind."""
    asked, hides = queried(request, ReportQuery), not sees_people(request.key)
    if asked.kind is not None:
        told = await found(lambda: door.service.insight().reported(asked.question(), hides=hides))
        return await told_by(door, ReportTold.of(told), VARY)
    if request.query:
        raise Problem(400, "invalid", f"{min(request.query)!r} goes with `kind`, or with a page")
    counted = await answered(door.service.report())
    return json_answer(shown_report(counted.report, request.key), headers=VARY)


async def report_page(door: Door, request: Request) -> Answer:
    """The same as a page."""
    asked = queried(request, ReportQuery)
    everything = asked.kind is None
    if everything and (asked.name is not None or asked.by is not None):
        raise Problem(400, "invalid", "`name` and `by` go with `kind`")
    hides = not sees_people(request.key)
    page = await found(lambda: door.service.insight().paged(asked.question(), everything=everything, hides=hides))
    body = bounded(door, page.encode())
    return Answer(body=body, media_type=PAGE, headers={**VARY, "Content-Security-Policy": POLICY})


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path=PATH,
        handler=report,
        asks=ReportQuery,
        gives=StoreReport,
        or_gives=ReportTold,
        page=report_page,
        scope="operate:read",
        summary="The figures of journeys, channels and gates, or what facts tell of one kind.",
    ),
)
