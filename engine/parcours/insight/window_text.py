"""What an answer is of, as sentences: which window of time, and what is not there any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from parcours.core.time_text import time_text
from parcours.journey.model.insight import KeptTable

WITHIN_WINDOW: Final[frozenset[KeptTable]] = frozenset({"events", "deliveries"})
"""The tables of which an analysis counts the window; of others, such as changes and moves, also what was before it."""


def window_text(from_ms: int | None, to_ms: int | None, counted: str = "") -> str:
    """The window that was asked about; after what is `counted` in it, where that is to be said."""
    since = [] if from_ms is None else [f"from {time_text(from_ms)}" + (" on" if to_ms is None else "")]
    said = " and ".join([*since, *([] if to_ms is None else [f"before {time_text(to_ms)}"])])
    if counted:
        return f"{counted} {said or 'at any time'}."
    return f"{said[0].upper()}{said[1:]}." if said else "All that is known."


def cut_text(table: KeptTable, before_ms: int) -> str:
    """From when on a table of facts has rows, where earlier ones were kept for long enough."""
    return f"There are no {table} from before {time_text(before_ms)}: they were kept for long enough."


def cut_that_matters(
    cut_before_ms: Mapping[KeptTable, int], tables: Sequence[KeptTable], from_ms: int | None
) -> dict[KeptTable, int]:
    """Of these tables, those that lack rows which an analysis from `from_ms` on would go by, with the instants.

    Of a report all matter: by its earliest row a delivery is in the window, or is not.
    """
    cut = {table: cut_before_ms[table] for table in tables if table in cut_before_ms}
    return {table: at for table, at in cut.items() if table not in WITHIN_WINDOW or from_ms is None or from_ms < at}
