"""The page of a report: of one kind, or of everything that facts tell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from parcours.cli.fact_sources import written
from parcours.errors import CallerError

if TYPE_CHECKING:
    from parcours.cli.remote import Remote
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
    from parcours.insight.gathering.pages import told_page

    with found.warehouse as warehouse:
        summary = None if out is None or not everything else read_summary(out)
        page = told_page(warehouse, asked, found.program, everything=everything, summary=summary)
    with written(file) as opened:
        opened.write(page)


def write_door_page(door: Remote, query: Mapping[str, str], *, everything: bool, file: Path | None) -> None:
    """Write the page that a door makes.

    query       of a report of one kind; of `everything` its window alone is asked for
    Raises Refused, OperatorError, CallerError for what is no page.
    """
    asked = {name: value for name, value in query.items() if not (everything and name == "kind")}
    page = door.get("report", accept="text/html, application/json", query=asked)
    try:
        text = page.decode()
    except UnicodeDecodeError:
        text = ""
    if not text.startswith("<!doctype html>"):
        raise CallerError("The door gives no page: it may be of an older version.")
    with written(file) as opened:
        opened.write(text)
