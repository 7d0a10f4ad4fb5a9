"""An analysis in the words of the command line: the same as from a document of insight/.

The words name an analysis of the project, whose keys the options then replace one by one, or else they say it:

    funnel       Product Viewed > Product Added[event.price > 20] > Order Completed
    flow         Order Completed                 the anchor
    attribution  Order Completed[event.total > 0]      the conversion
    cohort       Order Completed > Order Completed     how people come, and come back; one event is both
    metric       sum event.total of Order Completed · people Order Completed[event.total > 0] · count Order Completed ·
                 count deliveries.clicked · revenue / clicks

Events are as event_words.py reads them, by the names of events.yaml; one in quotes is never the name of an analysis.
Options have the names and the values of a document's keys, with these forms where a document has more than a text or a
number:

    exclude      a list of events in words
    step_within  a list such as 2:1h
    split        profile.city, event.category, audience:NAME, experiment:JOURNEY.STEP, segments:A,B
    touches      deliveries:clicked, events:NAME,NAME, propositions:shown; a name in double quotes may hold commas
    models       a list such as first, decay:3d, markov:2, custom:30/40/30
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal, TypeAlias, TypeVar

from pydantic import ValidationError

from parcours.errors import CallerError
from parcours.expression.kinds import in_words
from parcours.expression.trees import Trees
from parcours.insight.event_words import NEXT, event_in, events_in, name_and_condition
from parcours.journey.analyses import Attribution, Cohort, Flow, Funnel, Metric
from parcours.journey.compile.analyses.attributions import compiled_attribution
from parcours.journey.compile.analyses.funnels import compiled_cohort, compiled_flow, compiled_funnel
from parcours.journey.compile.analyses.metrics import compiled_metric
from parcours.journey.compile.analyses.scope import ONE, AnalysisScope
from parcours.journey.compile.declarations import declarations_of
from parcours.journey.model.analyses import AnalysesDocument
from parcours.journey.model.metrics import MetricDocument
from parcours.journey.project import Project
from parcours.journey.read.complaints import complaints
from parcours.journey.read.documents import margins_of
from parcours.journey.read.finding import Finding, Margin, errors, written
from parcours.wording import SHOWN_MAX, bounded, nearest, quoted

Kind: TypeAlias = Literal["funnels", "flows", "attributions", "cohorts", "metrics"]
Options: TypeAlias = Mapping[str, object]
"""By the keys of a document; None is as good as not given."""

NONE: Final[Options] = {}

ASKED: Final = "asked"
"""What the analysis is called while it is read as one of a document."""

D = TypeVar("D")
A = TypeVar("A")


def funnel_in_words(project: Project, words: str, options: Options = NONE) -> tuple[Funnel, list[str]]:
    """The funnel, and warnings about it. Raises CallerError with all that is wrong."""
    data = _data(project, "funnels", words, lambda: {"steps": events_in(words, _known(project))})
    return _compiled(project, "funnels", words, data, options, compiled_funnel)


def flow_in_words(project: Project, words: str, options: Options = NONE) -> tuple[Flow, list[str]]:
    """The flow around an anchor, and warnings about it. Raises CallerError."""
    data = _data(project, "flows", words, lambda: {"anchor": event_in(words, _known(project))})
    return _compiled(project, "flows", words, data, options, compiled_flow)


def attribution_in_words(project: Project, words: str, options: Options = NONE) -> tuple[Attribution, list[str]]:
    """The attribution of a conversion, and warnings about it. Raises CallerError."""
    data = _data(project, "attributions", words, lambda: {"conversion": event_in(words, _known(project))})
    return _compiled(project, "attributions", words, data, options, compiled_attribution)


def cohort_in_words(project: Project, words: str, options: Options = NONE) -> tuple[Cohort, list[str]]:
    """The cohorts, and warnings about them. Raises CallerError."""
    data = _data(project, "cohorts", words, lambda: _both_ways(words, _known(project)))
    return _compiled(project, "cohorts", words, data, options, compiled_cohort)


def metric_in_words(project: Project, words: str, options: Options = NONE) -> tuple[Metric, list[str]]:
    """The metric, and warnings about it. A formula names metrics of the project. Raises CallerError."""
    data = _data(project, "metrics", words, lambda: _metric(words, _known(project)))

    def compiled(_name: str, document: MetricDocument, scope: AnalysisScope, margin: Margin) -> Metric:
        return compiled_metric(document, scope, margin)

    return _compiled(project, "metrics", words, data, options, compiled)


def _known(project: Project) -> Iterable[str]:
    """The names that events in words may have."""
    return project.documents.events.events


def _both_ways(words: str, known: Iterable[str]) -> dict[str, object]:
    events = events_in(words, known)
    if len(events) > 2:
        raise CallerError(f"{quoted(words)}: a cohort has two events, START {NEXT} RETURN, and not {len(events)}")
    return {"starts": events[0], "returns": events[-1]}


_COUNTED: Final = re.compile(r"\s*(people|count)\s+(?![-+*/)])(.+)", re.DOTALL)
_SUM_OF_WHAT: Final = re.compile(r"\s*sum\s+(?![-+*/)]).+", re.DOTALL)
_SUMMED: Final = re.compile(r"\s*sum\s+(?![-+*/)])(.+?)\s+of\s+(.+)", re.DOTALL)


def _metric(words: str, known: Iterable[str]) -> dict[str, object]:
    """A metric by the word that it begins with; without one of them it is a formula."""
    if (summed := _SUMMED.fullmatch(words)) is not None:
        name, where = name_and_condition(event_in(summed[2], known))
        return {"sum": summed[1], "of": name, **({} if where is None else {"where": where})}
    if (counted := _COUNTED.fullmatch(words)) is not None:
        name, where = name_and_condition(event_in(counted[2], known))
        return {counted[1]: name, **({} if where is None else {"where": where})}
    if not words.strip() or _SUM_OF_WHAT.fullmatch(words) is not None:
        raise CallerError(
            f"{quoted(words)}: sum NUMBER of EVENT, people EVENT, count EVENT, count deliveries.OUTCOME or a formula "
            "is expected"
        )
    return {"formula": words.strip()}


def _data(project: Project, kind: Kind, words: str, said: Callable[[], dict[str, object]]) -> dict[str, object]:
    """The analysis of this name as its document has it, or else what the words say."""
    named = {name: each for document in project.documents.insight for name, each in getattr(document, kind).items()}
    if (document := named.get(words.strip())) is not None:
        data: dict[str, object] = document.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return data
    is_name = kind != "metrics" and not re.search(r'[>\["]', words)
    events = project.documents.events.events
    if is_name and words.strip() and words.strip() not in events:
        known = [*named, *events]
        one, name = in_words(ONE[kind]), words.strip()
        raise CallerError(f"neither {one} nor an event is called {quoted(name)}{nearest(name, known)}")
    return said()


def _compiled(
    project: Project,
    kind: Kind,
    words: str,
    data: dict[str, object],
    options: Options,
    compiler: Callable[[str, D, AnalysisScope, Margin], A],
) -> tuple[A, list[str]]:
    """The compiled analysis and its warnings: read and judged as one of a document."""
    asked = f"{ONE[kind]} {bounded(words.strip())!r}"
    whole = {**data, **{key: _read(project, key, value) for key, value in options.items() if value is not None}}
    try:
        read = AnalysesDocument.model_validate({kind: {ASKED: whole}})
    except ValidationError as error:
        raise CallerError(f"{asked}: {_wrong_in(error)}") from None
    document: D = getattr(read, kind)[ASKED]
    findings: list[Finding] = []
    compiled = compiler(words.strip(), document, _scope(project), Margin("", findings))
    if wrong := errors(findings):
        raise CallerError(f"{asked}: {'; '.join(map(finding_text, wrong))}")
    return compiled, [finding_text(each) for each in findings]


def _wrong_in(error: ValidationError) -> str:
    """What is wrong with the data of an analysis, in the words for a document that has it."""
    told = ((each.path[2:], each.message) for each in complaints(error, AnalysesDocument))
    return "; ".join(f"{written(path)}: {message}" if path else message for path, message in told)


def finding_text(finding: Finding) -> str:
    """A finding about a document that lies in no file."""
    path = f"{finding.path}: " if finding.path else ""
    shown = f" (found {bounded(finding.value, SHOWN_MAX)})" if finding.value else ""
    return f"{path}{finding.message}{shown}"


def _scope(project: Project) -> AnalysisScope:
    documents = project.documents
    declared = declarations_of(documents, trees=Trees(project.trees.known()))  # a copy: trees keep every text
    return AnalysisScope.of(documents, declared, project.program.disclosure, margins_of(documents, []))


def _read(project: Project, key: str, value: Any) -> object:
    """The value of an option as a document has it."""
    match key, value:
        case "exclude", list() | tuple():
            return [event_in(each, _known(project)) if isinstance(each, str) else each for each in value]
        case "step_within", list() | tuple():
            return dict(_pair(each) for each in value)
        case "split" | "touches", str():
            return _one_of(value, listed=("segments", "events"))
        case "models", list() | tuple():
            return [_model(each) if isinstance(each, str) else each for each in value]
        case _:
            return value


def _pair(text: str) -> tuple[str, str]:
    number, colon, duration = str(text).partition(":")
    if not colon:
        raise CallerError(f"step_within={quoted(text)}: the number of a step and a duration are expected, as in 2:1h")
    return number.strip(), duration.strip()


def _one_of(text: str, listed: tuple[str, ...]) -> object:
    """`KEY:VALUE` as a mapping; of these keys the value is a list with commas."""
    key, colon, value = text.partition(":")
    if not colon:
        return text
    return {key.strip(): _listed(value) if key.strip() in listed else value.strip()}


_LISTED: Final = re.compile(r'\s*(?:"([^"]*)"\s*(?=,|\Z)|([^,]*))')


def _listed(text: str) -> list[str]:
    """Names with commas between them; one in double quotes may hold commas of its own."""
    names, at = list[str](), 0
    while at <= len(text) and (found := _LISTED.match(text, at)) is not None:
        names.append(found[2].strip() if found[1] is None else found[1])
        at = found.end() + 1
    return names


def _model(text: str) -> object:
    key, colon, value = text.partition(":")
    if not colon:
        return text.strip()
    return {key.strip(): value.split("/") if key.strip() == "custom" else value.strip()}
