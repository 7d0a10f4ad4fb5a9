"""Sets that were made at an earlier instant, whose people may have become others since."""

from __future__ import annotations

from pathlib import Path

from parcours.campaigns.sets.database import Workspace, copy_rows, one_row, opened_database, rows_in


def write_renamed(taken: Path, people: Path, path: Path, workspace: Workspace) -> int | None:
    """Write a set with everybody under the name that she has by now, by what shards told of `people`.

    Of two who are one by now the row of the first name stays, where they had rows with the same key. Returns how many
    have gone so; None where nobody has another name, and nothing is written. Raises StoreBroken, OSError.
    """
    others = f"(SELECT unnest(names) AS name, person AS owner FROM {rows_in(people)})"
    with opened_database(workspace) as database:
        (renamed,) = one_row(
            database, f"SELECT count(*) FROM {rows_in(taken)} AS taken SEMI JOIN {others} AS others ON name = person"
        )
        if not renamed:
            return None
        (before,) = one_row(database, f"SELECT count(*) FROM {rows_in(taken)}")
        query = (
            "SELECT coalesce(others.owner, taken.person) AS person, taken.* EXCLUDE (person)"
            f" FROM {rows_in(taken)} AS taken LEFT JOIN {others} AS others ON others.name = taken.person"
            " QUALIFY row_number() OVER (PARTITION BY coalesce(others.owner, taken.person), taken.row_key"
            " ORDER BY taken.person) = 1 ORDER BY 1, 2"
        )
        return int(before) - copy_rows(database, query, path)
