"""All that a document of insight/ asks, compiled against a project and answered from one warehouse.

Its names go before those of the project, and what it names without giving it is the project's: so a file of insight/
can be asked as it is, changed or not, before it is published. Segments are there for what names them, and have no
result of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias, get_args

from pydantic import ValidationError

from parcours.errors import AnalysisRefused, CallerError, ProjectInvalid
from parcours.expression.trees import Trees
from parcours.insight.asking.asking import Answered, Asking
from parcours.insight.asking.document_forms import DocumentAsked, DocumentTold
from parcours.insight.warehouse.questions import Questions
from parcours.insight.warehouse.warehouse import Warehouse
from parcours.insight.window_text import cut_that_matters
from parcours.insight.windows import told_time, told_times
from parcours.insight.words import finding_text
from parcours.journey.compile.analyses.project import compiled_analyses
from parcours.journey.compile.analyses.scope import ONE, AnalysisScope
from parcours.journey.compile.declarations import declarations_of
from parcours.journey.model.analyses import AnalysesDocument
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.journey.read.complaints import complaints
from parcours.journey.read.documents import margins_of
from parcours.journey.read.finding import Finding, Margin, errors, written

AnsweredKind: TypeAlias = Literal["metrics", "funnels", "flows", "attributions", "cohorts"]

KINDS: Final[tuple[AnsweredKind, ...]] = get_args(AnsweredKind)
"""What has a result, in the order in which it is asked for."""

WHOLE: Final = ""
"""Stands for the document among the files of a project."""


@dataclass(frozen=True, slots=True)
class _Compiled:
    """
    read      the document
    program   the project's, with the analyses of both
    warnings  about the document
    """

    read: AnalysesDocument
    program: Program
    warnings: list[str]


def answer_document(warehouse: Warehouse, asked: DocumentAsked, project: Project) -> DocumentTold:
    """All results.

    Raises ProjectInvalid for what is wrong with the document and AnalysisRefused for what facts do not have, a finding
    a line each; CallerError, StoreBroken.
    """
    compiled = _compiled(project, asked.document)
    window = asked.window().by(warehouse.as_of_ms)
    asking = Asking(
        Questions(warehouse), compiled.program, window.from_ms, window.to_ms, known_until=warehouse.as_of_ms
    )
    results = _results(asking, compiled)
    cut = cut_that_matters(warehouse.cut_before_ms, sorted(asking.tables), window.from_ms)
    return DocumentTold(
        since=told_time(window.from_ms),
        until=told_time(window.to_ms),
        as_of=told_time(warehouse.as_of_ms),
        cut_before=told_times(cut),
        warnings=compiled.warnings,
        **results,
    )


def _results(asking: Asking, compiled: _Compiled) -> dict[AnsweredKind, Any]:
    """By the keys that the document has, the result of each name."""
    ways: Mapping[AnsweredKind, Callable[[Any], Answered[Any]]] = {
        "metrics": asking.metric,
        "funnels": asking.funnel,
        "flows": asking.flow,
        "attributions": asking.attribution,
        "cohorts": asking.cohort,
    }
    results: dict[AnsweredKind, Any] = {}
    refused: list[str] = []
    for kind in KINDS:
        if kind in compiled.read.model_fields_set:
            results[kind] = {}
        known = getattr(compiled.program.analyses, kind)
        for name in getattr(compiled.read, kind):
            try:
                results[kind][name] = ways[kind](known[name]).result
            except (AnalysisRefused, CallerError) as error:
                refused.append(f"{written((kind, name))}: {error}")
    if refused:
        raise AnalysisRefused("\n".join(refused))
    return results


def _compiled(project: Project, data: Mapping[str, Any]) -> _Compiled:
    """Raises ProjectInvalid with all that is wrong with the document."""
    read = _read(data)
    others = tuple(_without(each, read) for each in project.documents.insight)
    documents = replace(project.documents, insight=(*others, read))
    findings: list[Finding] = []
    margins = margins_of(documents, findings)
    margins = replace(margins, insight=(*margins.insight[:-1], Margin(WHOLE, findings)))
    declared = declarations_of(documents, trees=Trees(project.trees.known()))  # a copy: trees keep every text
    scope = AnalysisScope.of(documents, declared, project.program.disclosure, margins)
    analyses = compiled_analyses(scope)
    if wrong := errors(findings):  # be they about what is published: without the document there are none
        raise ProjectInvalid("\n".join(map(finding_text, wrong)))
    warnings = [finding_text(each) for each in findings if each.file == WHOLE]
    return _Compiled(read, replace(project.program, analyses=analyses), warnings)


def _read(data: Mapping[str, Any]) -> AnalysesDocument:
    try:
        read = AnalysesDocument.model_validate(data)
    except ValidationError as error:
        told = ((each.path, each.message) for each in complaints(error, AnalysesDocument))
        lines = (f"{written(path)}: {message}" if path else message for path, message in told)
        raise ProjectInvalid("\n".join(lines)) from None
    if read.audiences:
        raise ProjectInvalid("audiences: what keeps an audience up to date is published, and not asked")
    if not any(getattr(read, kind) for kind in KINDS):
        raise ProjectInvalid(f"nothing is asked: some of {', '.join(KINDS)} are expected")
    return read


def _without(document: AnalysesDocument, other: AnalysesDocument) -> AnalysesDocument:
    """A published document without the names that the other one gives, and without audiences, which ask nothing."""
    left: dict[str, Any] = {
        kind: {name: each for name, each in getattr(document, kind).items() if name not in getattr(other, kind)}
        for kind in ONE
    }
    return document.model_copy(update={**left, "audiences": {}})
