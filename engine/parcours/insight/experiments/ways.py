"""Which ways a split of a journey has in each version, and what they are called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from parcours.errors import CallerError
from parcours.insight.warehouse.told_rows import Assignment
from parcours.journey.campaign_steps import DivideAtRandom
from parcours.journey.model.steps import SplitArm
from parcours.journey.program import Program, Split


class Ways(NamedTuple):
    """The ways of a split in one version: the name of each, None where it has none, and its percentage."""

    names: Sequence[str | None]
    percents: Sequence[float]

    def share(self, name: str) -> float:
        """The percentage of the way of this name, 0 where there is none."""
        return sum(percent for each, percent in zip(self.names, self.percents, strict=True) if each == name)


def name_of(assignment: Assignment, versions: Mapping[int, Ways]) -> str | None:
    """The name of the way that was taken; None where it has none, and where nothing is known of the version."""
    ways = versions.get(assignment.version)
    return ways.names[assignment.way] if ways is not None and assignment.way < len(ways.names) else None


def ways_by_version(
    program: Program, published: Iterable[tuple[int, str]], journey: str, step: str
) -> Mapping[int, Ways]:
    """The ways of each version that the program knows, or of which facts have the document.

    published  the versions of the journey that facts tell of, each with its document as YAML text
    """
    return {**_ways_of(program, journey, step), **dict(_ways_told(published, step))}


def _ways_of(program: Program, journey: str, step: str) -> Mapping[int, Ways]:
    """The ways of each version that the program knows."""
    splits = {each.version: each.steps.get(step) for each in program.versions() if each.name == journey}
    return {number: Ways(each.names, each.percents) for number, each in splits.items() if isinstance(each, Split)}


def _ways_told(published: Iterable[tuple[int, str]], step: str) -> Iterator[tuple[int, Ways]]:
    """The ways of each version whose document facts have: a project in a folder does not know its number."""
    yaml = YAML(typ="safe", pure=True)
    for version, text in published:
        document: Mapping[str, Any] = yaml.load(text)
        arms = [each["split"] for each in document["steps"] if each["id"] == step and "split" in each]
        for listed in arms:
            read = [SplitArm.model_validate(arm) for arm in listed]
            yield version, Ways([arm.name for arm in read], [arm.percent for arm in read])


def refuse_campaign(name: str, step: str, program: Program) -> None:
    """Raises CallerError for a step of a campaign."""
    for campaign in program.campaigns:
        if campaign.name == name:
            what = (
                "is no random split"
                if not isinstance(campaign.steps.get(step), DivideAtRandom)
                else ("is a split of a campaign, and facts do not tell which part of it somebody is in")
            )
            raise CallerError(f"{name}.{step} {what}: an experiment of a journey can be asked for.")
