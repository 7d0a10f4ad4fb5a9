"""The counts of campaigns: what each step took and gave, over all runs, from what was told of each output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from parcours.insight.summary import CampaignCount, CampaignStepCount


class OutputTold(Protocol):
    """What counting needs of a line that a run tells of an output of a step."""

    @property
    def campaign(self) -> str: ...
    @property
    def run(self) -> int: ...
    @property
    def step(self) -> str | None:
        """None of what is no run."""

    @property
    def output(self) -> str:
        """An output of the step, or a word in place of one, which has neither `size` nor `inflow`."""

    @property
    def size(self) -> int: ...
    @property
    def inflow(self) -> int: ...
    @property
    def dropped(self) -> Mapping[str, int]: ...


@dataclass(slots=True)
class _Step:
    inflow: int = 0
    outputs: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)


class OutputsOutline(Protocol):
    """The part of a campaign's step that counting needs."""

    @property
    def outputs(self) -> Iterable[str]:
        """In order, as far as they are known."""


class CampaignOutline(Protocol):
    """The part of a campaign that counting needs."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def steps(self) -> Mapping[str, OutputsOutline]:
        """In the order of the document."""


class CampaignTally:
    """Counts the lines of campaigns as they are told.

    campaigns  in all versions that are known, of each name the newest one first: its steps come first. What runs of
               other versions tell is counted after them
    """

    def __init__(self, campaigns: Iterable[CampaignOutline]) -> None:
        self._newest: dict[str, CampaignOutline] = {}
        self._outputs: dict[str, dict[str, dict[str, None]]] = {}
        """Of each campaign the steps, and of each step the outputs, in order, over all versions."""

        for each in campaigns:
            self._newest.setdefault(each.name, each)
            for name, step in each.steps.items():
                of_step = self._outputs.setdefault(each.name, {}).setdefault(name, {})
                of_step.update(dict.fromkeys(step.outputs))
        self._steps = {name: {step: _Step() for step in steps} for name, steps in self._outputs.items()}
        self._seen: dict[str, set[tuple[int, str]]] = {name: set() for name in self._newest}
        self._runs: dict[str, set[int]] = {name: set() for name in self._newest}

    def begin(self, campaign: str, run: int) -> None:
        """Count a run of which no line may have been told yet."""
        self._runs[campaign].add(run)

    def add(self, line: OutputTold) -> None:
        """Count a line. What a step took, and dropped, is the same in all lines of one step in one run."""
        if line.step is None:
            return
        self.begin(line.campaign, line.run)
        outputs = self._outputs[line.campaign].setdefault(line.step, {})
        if line.output not in outputs and not (line.size or line.inflow):
            return  # the step was skipped, or the run failed at it
        outputs[line.output] = None
        step = self._steps[line.campaign].setdefault(line.step, _Step())
        seen = self._seen[line.campaign]
        step.outputs[line.output] += line.size
        if (line.run, line.step) not in seen:
            seen.add((line.run, line.step))
            step.inflow += line.inflow
            step.dropped.update(line.dropped)

    def counts(self, goals: Mapping[str, int]) -> dict[str, CampaignCount]:
        """The counts of each campaign; `goals`: how many people have reached its goal, by its name."""
        return {
            name: CampaignCount(
                version=newest.version,
                runs=len(self._runs[name]),
                goal=goals.get(name, 0),
                steps={
                    step: CampaignStepCount(
                        inflow=count.inflow,
                        outputs={
                            output: count.outputs[output]
                            for output in self._outputs[name][step]
                            if output in count.outputs
                        },
                        dropped=dict(sorted(count.dropped.items())),
                    )
                    for step, count in self._steps[name].items()
                },
            )
            for name, newest in self._newest.items()
        }
