"""What can be asked of the facts of everybody while an engine runs: reports, analyses, experiments, and SQL."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from parcours.config import Settings
from parcours.errors import CallerError
from parcours.insight.analyses.attribution import Attributed
from parcours.insight.analyses.cohort import CohortResult
from parcours.insight.analyses.flow import FlowResult
from parcours.insight.analyses.funnel import FunnelResult
from parcours.insight.analyses.metric import MetricResult
from parcours.insight.asking.analysed import Analysed, AnalysisAsked, AnalysisKind
from parcours.insight.asking.document_forms import DocumentAsked, DocumentTold
from parcours.insight.asking.rows import AnalysisResult
from parcours.insight.experiments.result import ExperimentResult
from parcours.insight.reports.asked import COHORTS, KINDS, Asked, Cohort, ReportKind
from parcours.insight.reports.report import Report
from parcours.insight.reports.told import ReportAsked
from parcours.insight.warehouse.opening import check_extra
from parcours.insight.windows import Window
from parcours.journey.project import Project
from parcours.service.blocking import Blocking, blocking
from parcours.service.people_calls import check_bool, check_text
from parcours.shard.messages import Look
from parcours.wording import shown_value

if TYPE_CHECKING:
    from parcours.insight.warehouse.warehouse import Warehouse

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SqlAnswer:
    """What a query gives.

    columns   their names
    rows      the values of each; times are aware datetimes in UTC
    is_cut    whether there are more rows, beyond `sql_rows_max` and `sql_bytes_max`
    as_of_ms  the instant up to which everything is known; None where nothing is
    """

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    is_cut: bool
    as_of_ms: int | None


class Questions(Protocol):
    """What runs questions: beside the loop of a service, or under virtual time."""

    async def note(self, look: Look) -> None:
        """Record a look at everybody."""

    async def ask(
        self,
        run: Callable[[Warehouse, Callable[[], Project]], T],
        *,
        stitch: bool,
        exported: bool,
        timeout_s: float,
        late: str,
    ) -> T:
        """What `run` makes of a warehouse, as `FactQuestions.ask` tells it."""


class Insight:
    """Asks facts as of now, exact to the last commit; what is read there, docs/insight.md tells.

    Each question runs beside the event loop, in this process, and reads the facts of this store and nothing else.
    `questions_max` are answered at a time, and others wait. All methods take

    since, until  the window: what happens at its beginning is in it, at its end not; None leaves it open
    live          the 24 hours up to what is known, in place of both
    stitch        what was before a merge is the person's, whatever the project says
    exported      what is not exported yet is left out, and no shard is asked

    and raise CallerError for what is wrong with the question and for one that takes longer than `analysis_timeout_s`;
    Overloaded where `questions_waiting_max` wait already; AnalysisRefused, ExtraMissing, StoreBroken, ShardUnavailable.
    """

    def __init__(self, questions: Questions, settings: Settings, check_open: Callable[[], None]) -> None:
        self._questions, self._settings, self._check_open = questions, settings, check_open

    def sql(
        self, query: str, *, stitch: bool = False, exported: bool = False, look: Look | None = None
    ) -> Coroutine[Any, Any, SqlAnswer]:
        """One query over the tables and views, which may take `sql_timeout_s`.

        look  who asks, which is recorded as one fact, about nobody
        """
        check_text("query", query)
        check_bool("stitch", stitch)
        check_bool("exported", exported)
        return self._sql(query, look, stitch=stitch, exported=exported)

    async def _sql(self, query: str, look: Look | None, *, stitch: bool, exported: bool) -> SqlAnswer:
        self._check_open()
        check_extra()
        if look is not None:
            await self._questions.note(look)
        timeout_s = self._settings.sql_timeout_s
        return await self._questions.ask(
            lambda warehouse, project: _answer(warehouse, query, self._settings),
            stitch=stitch,
            exported=exported,
            timeout_s=timeout_s,
            late=f"the query takes longer than sql_timeout_s, {timeout_s:g} s",
        )

    def report(
        self,
        kind: ReportKind,
        name: str | None = None,
        *,
        by: str | None = None,
        cohort: Cohort = "entered",
        since: datetime | None = None,
        until: datetime | None = None,
        live: bool = False,
        stitch: bool = False,
        exported: bool = False,
    ) -> Coroutine[Any, Any, Report]:
        """The report of a kind, of all there are or of the one of this name; it adds up.

        by      what everything is divided by: day, hour, week, version, step, or segments of the project, such as west
                or west,mobile
        cohort  what the window counts: what began in it (entered), or what happened in it (moved)
        Raises FiguresDiffer where facts do not add up.
        """
        check_bool("stitch", stitch)
        check_bool("exported", exported)
        window = Window.of(since, until, live=live)
        asked = Asked(
            _one_of("kind", kind, tuple(KINDS.values())), name, window.from_ms, window.to_ms, cohort, by, window.live
        )
        _one_of("cohort", cohort, COHORTS)
        return self.reported(ReportAsked.of(asked, stitch=stitch, exported=exported))

    def reported(self, question: ReportAsked, *, hides: bool = False) -> Coroutine[Any, Any, Report]:
        """The same of a question as a door takes it.

        hides  of reasons the words and codes of a fixed list are told alone: others may name somebody
        """
        asked = replace(question.asked(), hides=hides)
        return self._counted(
            lambda warehouse, project: _report(warehouse, asked, project),
            stitch=question.stitch,
            exported=question.exported,
        )

    def paged(self, question: ReportAsked, *, everything: bool, hides: bool = False) -> Coroutine[Any, Any, str]:
        """The same as a page of HTML; of `everything` the window of the question counts alone."""
        asked = replace(question.asked(), hides=hides)
        return self._counted(
            lambda warehouse, project: _page(warehouse, asked, project, everything),
            stitch=question.stitch,
            exported=question.exported,
        )

    def documented(self, question: DocumentAsked) -> Coroutine[Any, Any, DocumentTold]:
        """The answers to all that a document of insight/ asks. Raises ProjectInvalid for what is wrong with it."""
        question.window()
        return self._counted(
            lambda warehouse, project: _documented(warehouse, question, project),
            stitch=question.stitch,
            exported=question.exported,
        )

    def funnel(self, words: str, /, **options: Any) -> Coroutine[Any, Any, Analysed[FunnelResult]]:
        """How many people, visits or runs take each step: "A > B[event.price > 20] > C", or the name of a funnel.

        options  beside those of all methods the keys of a document in insight/, such as within="7d", by="visit"; so of
                 the other analyses
        """
        return self._asked("funnel", words, options)

    def flow(self, words: str, /, **options: Any) -> Coroutine[Any, Any, Analysed[FlowResult]]:
        """What comes before and after an event, the anchor, such as before=3, after=0."""
        return self._asked("flow", words, options)

    def attribution(self, words: str, /, **options: Any) -> Coroutine[Any, Any, Analysed[Attributed]]:
        """To what conversions are credited, such as touches="deliveries:clicked", models=["last", "markov:2"]."""
        return self._asked("attribution", words, options)

    def cohort(self, words: str, /, **options: Any) -> Coroutine[Any, Any, Analysed[CohortResult]]:
        """Who comes back, by when she came first: "START > RETURN", such as unit="week", periods=8."""
        return self._asked("cohort", words, options)

    def metric(self, words: str, /, **options: Any) -> Coroutine[Any, Any, Analysed[MetricResult]]:
        """A count or a sum: "sum event.total of A", "people A", "count deliveries.clicked", "revenue / clicks"."""
        return self._asked("metric", words, options)

    def experiment(self, words: str, /, **options: Any) -> Coroutine[Any, Any, Analysed[ExperimentResult]]:
        """Which way of the split JOURNEY.STEP is better, or by a `metric` what a hold-out shows.

        options  so_far=True: count those as well whose time for the goal is not over
        """
        return self._asked("experiment", words, options)

    def analysed(self, asked: AnalysisAsked) -> Coroutine[Any, Any, Analysed[AnalysisResult | ExperimentResult]]:
        """The answer to a question as a door takes it."""
        check_text("words", asked.words)
        asked.window()  # what is none is said at once
        return self._counted(
            lambda warehouse, project: _analysed(warehouse, asked, project),
            stitch=asked.stitch,
            exported=asked.exported,
        )

    def _asked(self, kind: AnalysisKind, words: str, options: dict[str, Any]) -> Coroutine[Any, Any, Any]:
        flags = {name: options.pop(name, False) for name in ("live", "stitch", "exported")}
        for name, value in flags.items():
            check_bool(name, value)
        window = Window.of(options.pop("since", None), options.pop("until", None), live=flags["live"])
        asked = AnalysisAsked(kind=kind, words=words, options=options, **flags)
        return self.analysed(asked.within(window))

    async def _counted(
        self, run: Callable[[Warehouse, Callable[[], Project]], T], *, stitch: bool, exported: bool
    ) -> T:
        self._check_open()
        timeout_s = self._settings.analysis_timeout_s
        late = (
            f"the answer takes longer than analysis_timeout_s, {timeout_s:g} s: ask for less, such as a shorter window"
        )
        return await self._questions.ask(run, stitch=stitch, exported=exported, timeout_s=timeout_s, late=late)


def _one_of(name: str, value: T, known: Collection[T]) -> T:
    if value not in known:
        raise CallerError(f"{name}={shown_value(value)}: one of {', '.join(map(str, known))} is expected")
    return value


def _report(warehouse: Warehouse, asked: Asked, project: Callable[[], Project]) -> Report:
    from parcours.insight.reports.counting import report_of

    return report_of(warehouse, asked, project().program)


def _page(warehouse: Warehouse, asked: Asked, project: Callable[[], Project], everything: bool) -> str:
    from parcours.insight.gathering.pages import told_page

    return told_page(warehouse, asked, project().program, everything=everything)


def _documented(warehouse: Warehouse, asked: DocumentAsked, project: Callable[[], Project]) -> DocumentTold:
    from parcours.insight.asking.documents import answer_document

    return answer_document(warehouse, asked, project())


def _analysed(
    warehouse: Warehouse, asked: AnalysisAsked, project: Callable[[], Project]
) -> Analysed[AnalysisResult | ExperimentResult]:
    from parcours.insight.asking.answering import Known, answer

    published = project()
    return answer(warehouse, asked, Known(published, published.program))


def _answer(warehouse: Warehouse, query: str, settings: Settings) -> SqlAnswer:
    answer = warehouse.sql(query)
    given: list[tuple[Any, ...]] = []
    left_bytes = settings.sql_bytes_max
    for row in (row for some in answer.rows for row in some):
        left_bytes -= sum(len(value) for value in row if isinstance(value, str | bytes))
        if left_bytes < 0 or len(given) == settings.sql_rows_max:
            return SqlAnswer(tuple(answer.columns), given, True, answer.as_of_ms)
        given.append(row)
    return SqlAnswer(tuple(answer.columns), given, False, answer.as_of_ms)


class BlockingInsight(Blocking):
    """The same for callers that block."""

    def __init__(self, insight: Insight, call: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self._facade, self._call_on_loop = insight, call

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        answer: T = self._call_on_loop(coroutine)
        return answer

    sql = blocking(Insight.sql)
    report = blocking(Insight.report)
    funnel = blocking(Insight.funnel)
    flow = blocking(Insight.flow)
    attribution = blocking(Insight.attribution)
    cohort = blocking(Insight.cohort)
    metric = blocking(Insight.metric)
    experiment = blocking(Insight.experiment)
