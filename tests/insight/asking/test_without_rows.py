"""What is said where an analysis counts nobody: programs get the columns, and people a sentence."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from rich.console import Console

from parcours.insight.analyses.cohort import CohortResult
from parcours.insight.analyses.flow import FlowColumn, FlowResult
from parcours.insight.analyses.funnel import FunnelResult, FunnelStep
from parcours.insight.asking.rows import AnalysisResult, rows_of
from parcours.insight.asking.shape import Shape
from parcours.insight.asking.tables import Heading, print_analysis
from parcours.insight.gathering.analyses import analysis_block
from parcours.insight.page.content import Chapter, PageContent
from parcours.insight.page.document import page_of
from parcours.insight.warehouse.answer import Answer
from parcours.insight.warehouse.answer_forms import print_answer, write_csv, write_json

FLOW = FlowResult((FlowColumn(0, {}), FlowColumn(1, {})), ())
COHORT = CohortResult(())


@pytest.mark.parametrize(
    ("result", "columns"), [(FLOW, "offset,from,to,count"), (COHORT, "start,people,period,returned")]
)
def test_an_analysis_of_nobody_has_columns_for_programs_and_a_sentence_for_people(
    result: AnalysisResult, columns: str
) -> None:
    as_csv, as_table = StringIO(), StringIO()
    csv.writer(as_csv, lineterminator="\n").writerows(rows_of(result))
    print_analysis(Console(file=as_table, width=80), Heading("it", ("All that is known.",)), Shape(), result)
    page = page_of(PageContent("it", [], [Chapter("Answer", [analysis_block("it", Shape(), result)])]))

    assert as_csv.getvalue() == columns + "\n"
    assert as_table.getvalue() == "it\nAll that is known.\n\nNothing to tell.\n"
    assert "<p>Nothing to tell.</p>" in page
    assert "<table" not in page and "<details" not in page


def test_a_table_that_has_rows_stands_without_those_that_have_none() -> None:
    steps = tuple(FunnelStep(step=name, reached=0, median_ms=None, lost=0, lost_to={}) for name in ("A", "B"))
    file = StringIO()

    print_analysis(Console(file=file, width=80), Heading("it", ()), Shape(), FunnelResult(steps=steps))

    assert "Steps of people" in file.getvalue()
    assert "Lost" not in file.getvalue() and "Nothing to tell." not in file.getvalue()


def test_the_columns_of_a_query_are_shown_in_every_form() -> None:
    def answer() -> Answer:
        return Answer(["person", "event"], iter(()), 0)

    as_csv, as_json, as_table = StringIO(), StringIO(), StringIO()
    write_csv(as_csv, answer())
    write_json(as_json, answer())
    print_answer(Console(file=as_table, width=80), answer())

    assert as_csv.getvalue() == "person,event\n"
    assert '"columns":["person","event"],"rows":[' in as_json.getvalue()
    assert "person" in as_table.getvalue() and "No rows.\n" in as_table.getvalue()
