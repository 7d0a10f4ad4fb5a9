"""What a campaign has given for one person's part in a step: her row in the set that the step took, and a delay.

It is kept in her run of the campaign, by step, in place of the properties of an event, which such a run has not.
"""

from __future__ import annotations

from collections.abc import Mapping

from parcours.core.profile import Run


def keep_part(run: Run, step: str, row: Mapping[str, object], delay_ms: int) -> None:
    """Note what was given for a step; nothing is kept of a part without a row and a delay."""
    if row or delay_ms:
        run.entry = {**run.entry, step: {"row": dict(row), "delay": delay_ms}}


def row_at(run: Run, step: str | None) -> Mapping[str, object]:
    """The columns of her row that the step, or its message, names; a journey's run has none."""
    part = run.entry.get(step or "")
    row = part.get("row") if isinstance(part, dict) else None
    return row if isinstance(row, dict) else {}


def take_delay(run: Run, step: str) -> int:
    """How much later (ms) than a gate says her delivery of the step is released: the first time, and 0 after it."""
    part = run.entry.get(step)
    delay_ms = part.pop("delay", 0) if isinstance(part, dict) else 0
    return delay_ms if isinstance(delay_ms, int) else 0
