"""What a campaign has given for one person's part in a step: her row in the set that the step took, and a delay.

It is kept in her run of the campaign, by step, in place of the properties of an event, which such a run has not.
"""

from __future__ import annotations

from collections.abc import Mapping

from parcours.core.profile import Run


def keep_part(run: Run, step: str, row: Mapping[str, object], delay_ms: int) -> None:
    """Note what was given for a step; nothing is kept of a part without a row and a delay.

    Beside them stands, by channel, when a delivery was to be released from its first hold.
    """
    if row or delay_ms:
        run.entry = {**run.entry, step: {"row": dict(row), "delay": delay_ms}}


def row_at(run: Run, step: str | None) -> Mapping[str, object]:
    """The columns of her row that the step, or its message, names; a journey's run has none."""
    part = run.entry.get(step or "")
    row = part.get("row") if isinstance(part, dict) else None
    return row if isinstance(row, dict) else {}


def delay_at(run: Run, step: str) -> int:
    """By how many ms she comes after the first of the set that the step took."""
    part = run.entry.get(step)
    delay_ms = part.get("delay", 0) if isinstance(part, dict) else 0
    return delay_ms if isinstance(delay_ms, int) else 0


def released_ms(run: Run, step: str, channel: str, until_ms: int, standing_ms: int | None) -> int:
    """When a delivery is released that a gate holds until then: later by the delay of its step, the first time only.

    standing_ms  when it was to be released until now, where it is judged anew before that: its hold is still the same
    """
    part, delay_ms = run.entry.get(step), delay_at(run, step)
    if not isinstance(part, dict) or not delay_ms:
        return until_ms
    first = part.setdefault("released", {})
    if channel in first and first[channel] != standing_ms:
        return until_ms
    first[channel] = until_ms + delay_ms
    return until_ms + delay_ms
