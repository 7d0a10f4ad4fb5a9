"""The demo of what can be asked afterwards: the clickstream as facts, by a project with an experiment and analyses."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Final

from parcours.config import Settings
from parcours.core.fact import Fact
from parcours.demo.clickstream import read_clickstream
from parcours.demo.reactions import LUMA_CROWD
from parcours.dispatch.judgement import load_project
from parcours.errors import CallerError, naming
from parcours.insight.gathering.pages import Telling, whole_page
from parcours.insight.summary import Summary
from parcours.insight.warehouse.opening import open_warehouse
from parcours.insight.warehouse.viewed import Viewed
from parcours.journey.project import Project
from parcours.runtime.exporting import address_secret
from parcours.runtime.runtimes import RuntimeName
from parcours.simulation.fact_files import FactFiles
from parcours.simulation.result_files import SUMMARY, ResultFiles
from parcours.simulation.simulation import Progress, Result, simulate
from parcours.store.exports import FACTS

PROJECT: Final = "project"
"""Where in the folder of the results the project lies that was simulated."""

PAGE: Final = "report.html"

FUNNEL: Final = "Product Viewed > Product Added > Order Completed"
"""A funnel to ask for in the terminal."""


@dataclass(frozen=True, slots=True)
class InsightDemo:
    """
    project  the folder of the project
    result   of the simulation
    """

    out: Path
    project: Path
    result: Result


def run_insight_demo(out: Path, *, shards: int, runtime: RuntimeName, progress: Progress | None = None) -> InsightDemo:
    """Simulate with facts into a folder, which is as `parcours simulate --facts` leaves it, and has the project in it.

    The same on every run, in any runtime and number of shards. Raises CallerError for a folder with anything else in
    it, ExtraMissing, OSError.
    """
    folder = write_project(out)
    project, lines = load_project(folder), read_clickstream().lines
    with ResultFiles(out) as written, FactFiles(out, project.program, address_secret(project, os.environ)) as facts:

        def to_both(some: list[Fact]) -> None:
            written.add(some)
            facts.add(some)

        result = simulate(
            project,
            lines,
            runtime=runtime,
            shards=shards,
            crowd=LUMA_CROWD,
            progress=progress,
            facts=to_both,
            accepted=facts.add_events,
        )
        facts.write()
        with naming(out):
            written.write(result.summary)
    return InsightDemo(out, folder, result)


def write_project(out: Path) -> Path:
    """Write the project into the folder of the results: that of the demo, with an experiment and analyses in it.

    Raises CallerError where the folder holds what no demo has left there, OSError.
    """
    if out.exists() and any(out.iterdir()) and not ((out / PROJECT).is_dir() and (out / SUMMARY).exists()):
        raise CallerError(f"{out} holds other files: choose another folder with --out.")
    folder = out / PROJECT
    with naming(out), as_file(files(__package__)) as shipped:
        copytree(shipped / "luma", folder, ignore=ignore_patterns("tests"), dirs_exist_ok=True)
        copytree(shipped / "luma-insight", folder, dirs_exist_ok=True)
    return folder


def write_insight_page(demo: InsightDemo) -> Path:
    """Write the page of all that facts tell, beside them. Raises as `whole_page`, OSError."""
    page = demo.out / PAGE
    text = insight_page(demo.out, load_project(demo.project), demo.result.summary)
    with naming(page):
        page.write_text(text, encoding="utf-8")
    return page


def insight_page(out: Path, project: Project, summary: Summary) -> str:
    """The page of the facts in a folder of results. Raises as `whole_page`."""
    program = project.program
    with open_warehouse(out / FACTS, Viewed.of(program), Settings()) as warehouse:
        return whole_page(Telling(f"Report of {program.project}", warehouse, program, summary))
