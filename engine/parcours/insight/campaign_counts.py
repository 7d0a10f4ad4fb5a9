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
    def version(self) -> int: ...
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
               other versions tell is counted after them, and what others tell, such as the campaign of an audience
               that is kept up to date, which has no document, comes last
    """

    def __init__(self, campaigns: Iterable[CampaignOutline]) -> None:
        self._versions: dict[str, int] = {}
        self._outputs: dict[str, dict[str, dict[str, None]]] = {}
        """Of each campaign the steps, and of each step the outputs, in order, over all versions."""

        self._steps: dict[str, dict[str, _Step]] = {}
        self._seen: dict[str, set[tuple[int, str]]] = {}
        self._runs: dict[str, set[int]] = {}
        for each in campaigns:
            self._know(each.name, each.version)
            for name, step in each.steps.items():
                self._outputs[each.name].setdefault(name, {}).update(dict.fromkeys(step.outputs))
                self._steps[each.name].setdefault(name, _Step())
        self._known = [*self._versions]

    def _know(self, campaign: str, version: int) -> None:
        if campaign not in self._versions:
            self._versions[campaign] = version
            self._outputs[campaign], self._steps[campaign] = {}, {}
            self._seen[campaign], self._runs[campaign] = set(), set()

    def begin(self, campaign: str, run: int) -> None:
        """Count a run of which no line may have been told yet."""
        self._runs[campaign].add(run)

    def add(self, line: OutputTold) -> None:
        """Count a line. What a step took, and dropped, is the same in all lines of one step in one run."""
        if line.step is None:
            return
        self._know(line.campaign, line.version)
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
        others = sorted(self._versions.keys() - {*self._known})
        return {
            name: CampaignCount(
                version=self._versions[name],
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
            for name in (*self._known, *others)
        }
