"""One answer as a page or a picture, whoever's facts it is of: it needs no library that reads facts."""

from __future__ import annotations

from dataclasses import replace

from parcours.insight.asking.analysed import AnalysisTold
from parcours.insight.gathering.analyses import analysis_block
from parcours.insight.gathering.experiments import LOOKED_AT_DAILY, experiment_block
from parcours.insight.page.content import Chapter, PageContent
from parcours.insight.page.document import page_of
from parcours.insight.pictures.picture import Picture


def picture_of(told: AnalysisTold) -> Picture:
    """The picture of an answer, of an experiment's as well."""
    result = told.figures() if told.design is None else told.experiment()
    return Picture(told.words, told.meant(), result)


def answer_page(told: AnalysisTold) -> str:
    """One analysis, experiment or hold-out.

    Raises ExtraMissing where a chart cannot be drawn, CallerError for a page that is too large.
    """
    if told.design is None:
        block, notes = analysis_block(told.words, told.meant(), told.figures()), []
    else:
        block, notes = experiment_block(told.words, told.design, told.experiment()), [LOOKED_AT_DAILY]
    sentences = [*told.sentences(), *told.warnings]
    return page_of(PageContent(told.words, sentences, [Chapter("Answer", [replace(block, title="")], notes)]))
