"""What a database for one task does not do by itself."""

from __future__ import annotations

from pathlib import Path

from parcours.campaigns.sets.database import Workspace, one_row, opened_database


def test_a_query_that_takes_long_writes_nothing_where_results_go(tmp_path: Path) -> None:
    with opened_database(Workspace(tmp_path, 200_000_000, 1)) as database:
        assert one_row(database, "SELECT current_setting('enable_progress_bar')") == (False,)
