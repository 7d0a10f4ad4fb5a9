"""The people of segments as tables, for queries that tell who is in which: they are looked for before, in Python."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from parcours.insight.segment_people import SegmentPeople
from parcours.insight.warehouse.table_views import HIDDEN


def create_segments(connection: duckdb.DuckDBPyConnection, segments: Sequence[SegmentPeople]) -> None:
    """Make the tables that `names.segment` asks, in place of those that are there."""
    connection.execute(f"create or replace table {HIDDEN}.segments (number integer, all_but boolean)")
    for number, each in enumerate(segments):
        connection.execute(f"insert into {HIDDEN}.segments values (?, ?)", [number, each.all_but])
        people = f"create or replace table {HIDDEN}.segment_{number} as select unnest(?::varchar[]) as person"
        connection.execute(people, [sorted(each.people)])
