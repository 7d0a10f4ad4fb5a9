"""Facts of simulations for tests of reports, and how one is taken out by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from tests.model.generate import Case
from tests.model.test_engine import project_of

from parcours import Settings, simulate
from parcours.insight.reports.counting import all_differences
from parcours.insight.reports.equations import Difference
from parcours.insight.summary import Summary
from parcours.insight.warehouse.opening import open_warehouse
from parcours.insight.warehouse.viewed import Viewed
from parcours.insight.warehouse.warehouse import Warehouse
from parcours.simulation.fact_files import FactFiles


def write_case(case: Case, out: Path, settings: Settings | None = None) -> Summary:
    """Simulate a case of the model, and write its facts."""
    documents, events, until_ms = case
    project = project_of(documents)
    lines = [json.dumps(event).encode() for event in events]
    with FactFiles(out, project.program, None, settings) as files:
        result = simulate(
            project, lines, until_ms=until_ms, settings=settings, facts=files.add, accepted=files.add_events
        )
        files.write()
    return result.summary


def opened(out: Path) -> Warehouse:
    return open_warehouse(out / "facts", Viewed(follow="used"), Settings())


def differences(out: Path, summary: Summary | None = None) -> list[Difference]:
    with opened(out) as warehouse:
        return [*all_differences(warehouse, summary)]


def take_out(out: Path, table: str, is_it: Callable[[dict[str, Any]], bool]) -> None:
    """Write the files of a table again without the first row that it is."""
    for path in sorted((out / "facts" / table).glob("*/*.parquet")):
        found = pq.read_table(path)
        rows = found.to_pylist()
        at = next((number for number, row in enumerate(rows) if is_it(row)), None)
        if at is not None:
            pq.write_table(pa.Table.from_pylist(rows[:at] + rows[at + 1 :], schema=found.schema), path)
            return
    raise AssertionError("there is no such row")
