"""How does a campaign stand, and how far are its runs?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from parcours.campaigns.campaign_line import SKIPPED
from parcours.journey.publish.ledger import JourneyStateName, LedgerEntry

if TYPE_CHECKING:
    from parcours.campaigns.campaign_line import CampaignLine
    from parcours.campaigns.run_place import RunPlace, RunState


@dataclass(frozen=True, slots=True)
class StepOfRun:
    """
    at       as of when its sets were made, in ms; of a wait, and of reactions, when it was known who is in them
    begins   from when on its people are taken along, or its audience holds; None where nobody is, or not yet
    inflow   the rows that it took, and `outputs` how many are in each of its sets
    dropped  how many are in none of them, by reason
    why      in words, where the run has ended at it, or where it took only sets that were skipped
    """

    at: int
    begins: int | None
    inflow: int
    outputs: Mapping[str, int]
    dropped: Mapping[str, int]
    why: str = ""


@dataclass(frozen=True, slots=True)
class RunOfCampaign:
    """
    state    under_way, done, failed or stopped
    began    the instant of its schedule, or when it was started by hand; ms
    ended    None as long as it is under way
    by       who started it by hand, "" where nobody is named
    steps    those of which something is known, by name
    at_hand  of one that is under way, the steps that are not over and begin at a time that is set (S), with that time;
             it may lie some seconds ahead
    """

    number: int
    version: int
    state: RunState
    began: int
    ended: int | None
    by: str
    steps: Mapping[str, StepOfRun]
    at_hand: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CampaignState:
    """
    version    the newest one, by which the next run goes
    runs       those of which something is kept, the oldest first
    not_begun  why no run began at instants of its schedule, by instant in ms
    next_ms    the next instant of its schedule; None where none comes, and while it is not open
    """

    campaign: str
    state: JourneyStateName
    version: int
    runs: tuple[RunOfCampaign, ...]
    not_begun: Mapping[int, str] = field(default_factory=dict)
    next_ms: int | None = None


def campaign_state(
    name: str, entry: LedgerEntry | None, runs: Iterable[RunPlace], not_begun: Iterable[CampaignLine]
) -> CampaignState:
    """What is told of a campaign, from what is kept of it.

    entry  None of one by which an audience is kept up to date: it is open, and has no versions
    """
    shown = tuple(map(_run, runs))
    why = {line.at: line.output for line in not_begun}
    if entry is None:
        return CampaignState(name, "open", 1, shown, why)
    return CampaignState(name, entry.state, entry.newest.number, shown, why)


def _run(place: RunPlace) -> RunOfCampaign:
    steps: dict[str, StepOfRun] = {}
    for line in place.lines:
        if line.step is not None:
            begins = place.begins.get(line.step, place.saves.get(line.step))
            steps[line.step] = _with_line(steps.get(line.step, StepOfRun(line.at, begins, 0, {}, {})), line)
    begun = place.begins.items() if place.state == "under_way" else ()
    at_hand = {name: at for name, at in begun if name not in place.ends}
    return RunOfCampaign(place.number, place.version, place.state, place.began, place.ended, place.by, steps, at_hand)


def _with_line(step: StepOfRun, line: CampaignLine) -> StepOfRun:
    if line.output == SKIPPED and not line.inflow:
        return replace(step, why="it took only sets that were skipped, and did nothing")
    if line.is_failure:
        return replace(step, why=line.why)
    outputs = {**step.outputs, line.output: line.size}
    return replace(step, inflow=line.inflow, outputs=outputs, dropped=line.dropped)
