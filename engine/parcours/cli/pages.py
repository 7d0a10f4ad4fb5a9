"""The page of a report: of one kind, or of everything that facts tell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from parcours.cli.fact_sources import written

if TYPE_CHECKING:
    from parcours.insight.reports.asked import Asked
    from parcours.service.stored_facts import StoredFacts


def write_page(found: StoredFacts, out: Path | None, asked: Asked, *, everything: bool, file: Path | None) -> None:
    """Write the page, and close the facts.

    out         the folder of a simulation, if they are one's: its summary has to say the same
    asked       what the report is of; of `everything` its window alone
    everything  whether it is of all kinds, and of the project's analyses
    Raises FiguresDiffer, CallerError, ExtraMissing, StoreBroken.
    """
    from parcours.cli.files import read_summary
    from parcours.insight.gathering.pages import Telling, report_page, whole_page

    with found.warehouse as warehouse:
        title = "Report" if found.program is None else f"Report of {found.program.project}"
        summary = None if out is None or not everything else read_summary(out)
        known = asked.known_by(warehouse.as_of_ms)
        window = known.from_ms, known.to_ms, known.cohort
        telling = Telling(title, warehouse, found.program, summary, *window)
        page = whole_page(telling) if everything else report_page(telling, asked)
    with written(file) as opened:
        opened.write(page)
