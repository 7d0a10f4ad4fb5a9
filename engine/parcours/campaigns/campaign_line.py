"""What is told of a campaign's run: a line for each output of each step, as soon as it is known who is in it."""

from __future__ import annotations

from typing import Final

import msgspec

SKIPPED_RUNNING: Final = "skipped_running"
"""In place of an output: no run began, because one was under way."""

MISSED: Final = "missed"
"""In place of an output: no run began, because nothing could at that time."""

SKIPPED: Final = "skipped"
"""In place of an output: the step took only sets that a test had skipped, and did nothing."""

FAILED: Final = "failed"
"""In place of an output: the run ended at this step, which could not be made."""


class CampaignLine(msgspec.Struct, frozen=True):
    """
    at       when it was known, in ms
    step     None of an occurrence of the schedule with which no run began; `output` says why then
    size     rows in the output
    inflow   rows that the step took
    dropped  by reason, the rows of the step that are in no output; the same in each line of the step
    why      in words, of a run that failed
    begins   when that begins which the step does with its people, in ms; None where it does nothing with them
    record   its number among all lines of an engine's campaigns, from 1 in the order of telling; 0 where none is kept
    """

    at: int
    campaign: str
    version: int
    run: int
    step: str | None
    output: str
    size: int = 0
    inflow: int = 0
    dropped: dict[str, int] = {}
    why: str = ""
    begins: int | None = None
    record: int = 0

    @property
    def is_failure(self) -> bool:
        """Whether the run ended here. A part of a split may be called as `FAILED` is, and that says nothing of why."""
        return self.output == FAILED and bool(self.why)
