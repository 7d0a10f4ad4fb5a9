"""What a step of a campaign's run has made of what it took: sizes alone, so that it may be told and kept anywhere."""

from __future__ import annotations

import msgspec


class StepMade(msgspec.Struct, frozen=True):
    """
    step     its id
    inflow   the rows that it took: of its source; of a union of all its sets; of intersect and exclude of the first
    outputs  rows by output, as far as it has them yet; of a step that was skipped, none
    dropped  rows by reason: `double`, `unknown_person`, `no_key`, `exited`
    noted    values that counted as missing because most of their expression's are of another kind, by its text, and
             cells of a table that do not fit, by TABLE.COLUMN
    skipped  it takes only sets that were skipped, and has done nothing; `skips` are outputs that it skips itself
    created  how many people it makes known; their names are in `RunSets.created`

    Once the step is over, the inflow is the sum of its outputs and what was dropped; `refused` of a send, and the
    subsets of a split with `overlap`, are beside the sum.
    """

    step: str
    inflow: int = 0
    outputs: dict[str, int] = {}
    dropped: dict[str, int] = {}
    noted: dict[str, int] = {}
    skipped: bool = False
    skips: tuple[str, ...] = ()
    created: int = 0
