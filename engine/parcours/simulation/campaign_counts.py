"""The counts of campaigns: what each step took and gave, over all runs, for the summary and the file of lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from parcours.campaigns.campaign_line import FAILED, SKIPPED, CampaignLine
from parcours.core.time_text import time_text
from parcours.insight.summary import CampaignCount, CampaignStepCount
from parcours.journey.campaign_program import CampaignProgram


class _FileLine(msgspec.Struct, frozen=True, gc=False):
    """A line of campaigns.ndjson."""

    at: str
    campaign: str
    version: int
    run: int
    step: str | None
    output: str
    size: int
    dropped: dict[str, int]


def file_line(line: CampaignLine) -> bytes:
    """The line as compact JSON, with its end."""
    told = _FileLine(
        time_text(line.at), line.campaign, line.version, line.run, line.step, line.output, line.size, line.dropped
    )
    return msgspec.json.encode(told) + b"\n"


@dataclass(slots=True)
class _Step:
    inflow: int = 0
    outputs: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)


class CampaignTally:
    """Counts the lines of campaigns as they are told."""

    def __init__(self, campaigns: Iterable[CampaignProgram]) -> None:
        self._campaigns = tuple(campaigns)
        self._steps = {each.name: {step: _Step() for step in each.steps} for each in self._campaigns}
        self._seen: dict[str, set[tuple[int, str]]] = {each.name: set() for each in self._campaigns}
        self._runs: dict[str, set[int]] = {each.name: set() for each in self._campaigns}
        self.failed: list[CampaignLine] = []

    def add(self, line: CampaignLine) -> None:
        """Count a line. What a step took, and dropped, is the same in all lines of one step in one run."""
        if line.step is None:
            return
        self._runs[line.campaign].add(line.run)
        if line.output == FAILED:
            self.failed.append(line)
        if line.output in (FAILED, SKIPPED):
            return
        step, seen = self._steps[line.campaign][line.step], self._seen[line.campaign]
        step.outputs[line.output] += line.size
        if (line.run, line.step) not in seen:
            seen.add((line.run, line.step))
            step.inflow += line.inflow
            step.dropped.update(line.dropped)

    def counts(self, goals: Mapping[str, int]) -> dict[str, CampaignCount]:
        """The counts of each campaign; `goals`: how many people have reached its goal, by its name."""
        return {
            each.name: CampaignCount(
                version=each.version,
                runs=len(self._runs[each.name]),
                goal=goals.get(each.name, 0),
                steps={
                    name: CampaignStepCount(
                        inflow=step.inflow,
                        outputs={
                            output: step.outputs[output]
                            for output in each.steps[name].outputs
                            if output in step.outputs
                        },
                        dropped=dict(sorted(step.dropped.items())),
                    )
                    for name, step in self._steps[each.name].items()
                },
            )
            for each in self._campaigns
        }
